"""An audit's report.json of scores that nobody's model gave: for reports and for whoever reads the file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from monai_fairtune.audit.suppression import suppress_small_cells
from monai_fairtune.metrics import Resampling, assess, assess_each, choose_threshold
from monai_fairtune.testing.example_cohort import ExampleCohort, Quality

__all__ = ["QUICK", "example_multiclass", "example_report"]

QUICK = Resampling(n_replicates=100, n_permutations=100)
"""Enough to have intervals, and too few to believe them."""

_Report = dict[str, Any]
_DEFAULT = {"age:60": ["[0,60)", "[60,inf)"], "sex": ["female", "male"]}


def example_report(
    attributes: Mapping[str, Sequence[str]] | None = None,
    *,
    quality: Quality = Quality(0.93, 0.868, 0.042),  # noqa: B008 - immutable
    rare: Sequence[tuple[str, str]] = (),
    seed: int = 3,
    suppress_below: int | None = None,
) -> _Report:
    """Returns the content of a binary ``report.json`` of an audit, with intervals.

    Args:
        attributes: declaration to subgroups; by default age below and above 60, and sex.
        quality: of the scores.
        rare: attribute and subgroup of subgroups without a defined AUROC.
        seed: of everything drawn.
        suppress_below: as for an audit.

    Example:
        >>> example_report()["attributes"]["age:60"]["worst_group_auroc"]["subgroup"]
        '[60,inf)'
    """
    cohort = ExampleCohort(attributes or _DEFAULT, rare, seed)
    threshold = choose_threshold(cohort.predictions("validation", quality))
    report = assess(cohort.predictions("test", quality), threshold, resampling=QUICK).to_dict()
    return _audited(report, suppress_below)


def example_multiclass(
    classes: Sequence[str] = ("benign", "melanoma", "carcinoma"), *, suppress_below: int | None = None
) -> _Report:
    """Returns the content of a multi-class ``report.json``: a binary report for each class, and their mean.

    Args:
        classes: their names.
        suppress_below: as for an audit.
    """
    cohort = ExampleCohort(_DEFAULT, (), 3)
    qualities = {name: Quality(0.95, 0.87 - 0.03 * k, 0.03 + 0.03 * k) for k, name in enumerate(classes)}
    thresholds = {name: choose_threshold(cohort.predictions("validation", q)) for name, q in qualities.items()}
    predictions = {name: cohort.predictions("test", q) for name, q in qualities.items()}
    return _audited(assess_each(predictions, thresholds, resampling=QUICK).to_dict(), suppress_below)


def _audited(assessed: Mapping[str, object], suppress_below: int | None) -> _Report:
    """Returns a report as an audit writes it: plain data, small cells withheld, and where it comes from."""
    report: _Report = json.loads(json.dumps(assessed))
    if suppress_below is not None:
        report = suppress_small_cells(report, suppress_below)
    first = next(iter(report["classes"].values())) if "classes" in report else report
    attributes = {
        name: {
            "column": name.partition(":")[0],
            "bins": list(entry["subgroups"]),
            "n_missing": entry["n_missing"],
            "merged": [],
        }
        for name, entry in first["attributes"].items()
    }
    source = {"file": "predictions.csv", "sha256": "3f5a0c9b" * 8, "n_rows": first["n"] + 3, "n_refused": 3}
    return report | {
        "audit": {
            "source": source,
            "label": "malignant",
            "score": "score",
            "kind": "probability",
            "patient": "patient_id",
            "split": "test",
            "attributes": attributes,
            "min_per_class": 10,
            "suppress_below": suppress_below,
            "created": "2026-11-22T17:00:00+00:00",
            "versions": {"monai_fairtune": "0.1.0", "numpy": "2.3.5", "scipy": "1.16.3"},
            "notes": ["3 rows were refused: their score is blank."],
        }
    }
