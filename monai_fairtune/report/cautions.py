"""What to be careful about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from monai_fairtune.report.assessed import count_of
from monai_fairtune.report.names import attribute_words
from monai_fairtune.report.reading import Reading
from monai_fairtune.report.stored import stated
from monai_fairtune.report.wording import enumerate_words, number, objective_words, percent, shorten

__all__ = ["cautions", "has_intervals", "has_small_counts"]


def has_intervals(report: Mapping[str, Any]) -> bool:
    """Returns whether a report carries intervals."""
    return stated((report.get("overall") or {}).get("auroc")).low is not None


def has_small_counts(reading: Reading) -> bool:
    """Returns whether the test split has a subgroup of fewer than ten images, patients or positives."""
    for attribute in reading.attributes:
        for entry in (reading.final.attribute("test", attribute).get("subgroups") or {}).values():
            if any(0 < (count_of(entry.get(key)) or 0) < 10 for key in ("n", "n_patients", "n_positive")):
                return True
    return False


def cautions(reading: Reading) -> list[str]:
    """Returns what a reader must know before using the numbers, most important first."""
    raw = reading.raw
    found = [_no_intervals(reading)]
    if raw.get("objective_note"):
        found.append(f"The search optimised the {objective_words(reading.objective)}. {raw['objective_note']}")
    eligibility = raw.get("eligibility") or {}
    if eligibility.get("lowered"):
        found.append(
            f"The smallest number of positives and negatives for a subgroup in the objective was lowered from "
            f"{eligibility.get('default')} to {eligibility.get('min_per_class')}. The search may have followed chance "
            "in the smaller subgroups."
        )
    if (raw.get("test_reads") or 1) > 1:
        found.append(
            f"The test split was read {raw['test_reads']} times in this study. Its values are no longer those of "
            "unseen data, because decisions may have been taken after an earlier look."
        )
    if raw["network"].get("pretrained") is False:
        found.append(
            "The network started from random weights. Which components to fine-tune is a question about pretrained "
            "networks; this result says little about it."
        )
    return [*found, *_about_data(reading)]


def _no_intervals(reading: Reading) -> str:
    gaps = []
    for attribute in reading.attributes:
        gap = reading.final.measure("test", attribute, "minimum_detectable_gap").value
        if gap is not None:
            gaps.append(f"{number(gap, 2)} between subgroups of {attribute_words(attribute)}")
    size = (
        f" With the test split's counts, a true AUROC difference of {enumerate_words(gaps)} would be detected with a "
        "power of 80 %; smaller ones are easily missed, and easily produced by chance."
        if gaps
        else ""
    )
    if has_intervals(reading.final.reports.get("test") or {}):
        return f"Read every number with its interval: what the intervals do not show is not there to be claimed.{size}"
    return f"Neither intervals nor tests of differences were computed: do not over-read small differences.{size}"


def _about_data(reading: Reading) -> list[str]:
    cohort, found = reading.raw.get("cohort") or {}, []
    share = cohort.get("train_fraction")
    if share is not None and share < 1:
        found.append(f"Only {percent(share)} of the training split was used.")
    if cohort.get("where"):
        found.append(f"Only rows of the manifest with {shorten(str(cohort['where']), 120)} were used.")
    for attribute in reading.attributes:
        missing = reading.final.attribute("test", attribute).get("n_missing") or 0
        if missing:
            found.append(
                f"The attribute {attribute_words(attribute)} is not recorded for {missing} images of the test split. "
                "They count in overall values and in no subgroup."
            )
    return found
