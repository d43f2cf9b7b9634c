"""Tables for clinicians: missed cases and false alarms, and who is worst off."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from monai_fairtune.report.assessed import Assessed
from monai_fairtune.report.audit.clinician import ranked
from monai_fairtune.report.audit.reading import Audit, Part
from monai_fairtune.report.names import subgroup_words
from monai_fairtune.report.stored import SUPPRESSED, Stated, stated
from monai_fairtune.report.tables import Cell, Table
from monai_fairtune.report.wording import number, shorten

__all__ = ["harm_table", "overview_table"]


def overview_table(audit: Audit) -> Table:
    """Returns a row a class: who is worst off, and how many errors there are."""
    table = Table(
        "overview",
        "Who is worst off, class by class",
        [
            *(
                "class",
                "images of it",
                "worst-off group",
                "pairs of 100 ranked correctly there",
                "difference to others",
            ),
            *(f"missed per 1000 {audit.first.counted}", "false alarms per 1000"),
        ],
    )
    for part in audit.parts:
        worst, attribute, _ = ranked(part)
        whom = subgroup_words(attribute, worst.subgroup) if worst.subgroup else "cannot be said"
        missed, alarms = (part.assessed.overall(f"{kind}_per_1000") for kind in ("fn", "fp"))
        table.add(
            shorten(part.name, 60),
            [
                Cell(str(_with_finding(part.assessed))),
                Cell(whom, numeric=False),
                _plain(table, worst.scaled(100)),
                Cell(_chance_in_short(part.assessed, attribute), numeric=False),
                *(_plain(table, value) for value in (missed, alarms)),
            ],
        )
    return table


def _chance_in_short(assessed: Assessed, attribute: str) -> str:
    p = assessed.chance(attribute, "p_value")
    if p is None:
        return "not tested"
    looks = len(assessed.attributes)
    return "may be chance" if p >= 0.05 else "a hint" if p * looks >= 0.05 else "more than chance"


def harm_table(part: Part) -> Table:
    """Returns missed cases and false alarms of every subgroup of every attribute, with ranges in words."""
    assessed = part.assessed
    table = Table(
        part.keyed("harm"),
        f"Missed cases and false alarms, counted per 1000 {assessed.counted} of each group",
        [
            "group",
            "images",
            f"with {part.finding}",
            "missed per 1000",
            "false alarms per 1000",
            f"missed of 100 with {part.finding}",
        ],
    )
    for attribute in assessed.attributes:
        for name in assessed.subgroups(attribute):
            entry = assessed.entry(attribute, name)
            table.add(subgroup_words(attribute, name), _harm_cells(table, entry, entry))
    counts = {"n": assessed.raw.get("n"), "n_positive": _with_finding(assessed)}
    table.add("everybody", _harm_cells(table, counts, assessed.raw.get("overall") or {}), strong=True, last=True)
    return table


def _with_finding(assessed: Assessed) -> object:
    share = stated(assessed.raw.get("prevalence")).value
    return "" if share is None else round(share * int(assessed.raw.get("n") or 0))


def _harm_cells(table: Table, counts: Mapping[str, Any], values: Mapping[str, Any]) -> list[Cell]:
    missed, alarms = (stated(values.get(f"{kind}_per_1000")) for kind in ("fn", "fp"))
    told = [*(_plain(table, value) for value in (missed, alarms)), _plain(table, stated(values.get("fnr")).scaled(100))]
    return [Cell(str(counts.get("n", ""))), Cell(str(counts.get("n_positive", ""))), *told]


def _plain(table: Table, value: Stated) -> Cell:
    if value.value is None:
        reason = (
            "Withheld: this group is very small, or would tell about one that is." if value.suppressed else value.reason
        )
        return table.undefined(_without_jargon(reason), SUPPRESSED if value.suppressed else "not known")
    ends = f"plausibly {number(value.low, 0)} to {number(value.high, 0)}" if value.has_interval else ""
    return Cell(number(value.value, 0), detail=ends)


def _without_jargon(reason: str) -> str:
    known = any(word in reason for word in ("TPR", "FPR", "FNR", "AUROC", "rate"))
    return "The group holds too few images with, or without, the finding." if known else reason
