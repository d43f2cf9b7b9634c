"""What was run: settings, versions, hashes; and every trial."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from monai_fairtune.report.reading import Reading
from monai_fairtune.report.stored import stated
from monai_fairtune.report.tables import Cell, Table
from monai_fairtune.report.wording import hours, number, percent, printable, signed

__all__ = ["mask_rows", "preparation_rows", "setup_rows", "trials_table"]

_SECRET = re.compile(r"(?<=://)[^/\s@]+@")


def setup_rows(reading: Reading) -> list[tuple[str, list[tuple[str, str]]]]:
    """Returns groups of names and values; secrets in database addresses are left out."""
    raw = reading.raw
    groups = [
        ("Preparation of the cohort", _preparation(reading)),
        (
            "Study",
            {"objective": raw.get("objective"), "attributes": list(reading.attributes), **(raw.get("study") or {})},
        ),
        ("Chosen hyperparameters", raw.get("hyperparameters") or {}),
        ("Screening", _screening(raw.get("screening") or {})),
        ("Network", raw.get("network") or {}),
        ("Training", raw.get("training") or {}),
        ("Preprocessing", raw.get("preprocessing") or {}),
        ("Versions", raw.get("versions") or {}),
        (
            "Identity",
            {
                **{key: raw.get(key) for key in ("cohort_hash", "config_hash", "created", "command") if raw.get(key)},
                "duration of all trainings": hours(stated(raw.get("seconds")).value),
                "reads of the test split": raw.get("test_reads"),
            },
        ),
    ]
    return [(title, list(_flat(entries))) for title, entries in groups if entries]


def preparation_rows(reading: Reading) -> list[tuple[str, str]]:
    """Returns the choices that the cohort was prepared by; none where it was not."""
    return list(_flat(_preparation(reading)))


def _preparation(reading: Reading) -> Mapping[str, Any]:
    return (reading.raw.get("cohort") or {}).get("preparation") or {}


def _screening(found: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what screening did, and how far trainings bore it out."""
    if not found:
        return {}
    differences = [one["trained"] - one["screened"] for one in found["trials"] if one["trained"] is not None]
    rows = {
        "masks scored without training": found["n_screened"],
        "from the training of": found["screened_with"],
        "of these trained": len(found["trials"]),
    }
    if differences:
        rows["trained minus screened value, on average"] = signed(sum(differences) / len(differences))
    return rows


def _flat(entries: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in entries.items():
        name = f"{prefix}{key}".replace("_", " ")
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{name}: ")
        else:
            yield name, _text(value)


def _text(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return printable(_SECRET.sub("…@", text))


def mask_rows(reading: Reading) -> tuple[list[str], list[str], list[str]]:
    """Returns the components that are tuned, those that are frozen, and those that always are tuned."""
    mask = reading.raw["mask"]
    tuned = [name for name, on in mask["components"].items() if on]
    frozen = [name for name, on in mask["components"].items() if not on]
    return tuned, frozen, list(mask.get("always_tuned") or [])


def trials_table(reading: Reading) -> Table | None:
    """Returns every trial: what was tried and what became of it."""
    trials = reading.raw.get("trials") or []
    if not trials:
        return None
    table = Table(
        "trials",
        "All trials, in the order in which they were tried",
        [
            *("trial", "state", "objective (validation)", "overall AUROC (validation)", "reaches utility floor"),
            *("learning rate", "trained share", "components tuned", "epochs", "seconds"),
        ],
    )
    for trial in trials:
        rate = stated(trial.get("learning_rate")).value
        components = trial.get("components")
        reach = {True: "yes", False: "no"}.get(trial.get("feasible"), "")
        table.add(
            f"{trial['number']}",
            [
                Cell(str(trial.get("state", "")), detail=printable(str(trial.get("reason") or "")), numeric=False),
                _recorded(trial.get("value")),
                _recorded(trial.get("overall_auroc")),
                Cell(reach, numeric=False),
                Cell("" if rate is None else f"{rate:.2g}"),
                Cell(percent(stated(trial.get("trained_share")).value)),
                Cell("" if components is None else f"{sum(map(bool, components.values()))} of {len(components)}"),
                Cell(str(trial.get("n_epochs", ""))),
                Cell(number(stated(trial.get("seconds")).value, 0)),
            ],
            detail=printable(trial.get("name") or ""),
        )
    return table


def _recorded(value: object) -> Cell:
    return Cell(number(stated(value).value))
