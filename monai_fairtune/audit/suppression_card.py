"""Withholding small cells of a cohort card, by the rule of an audit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from monai_fairtune.audit.suppression import suppress_small_cells

__all__ = ["suppress_small_card"]

_RULES = ("schema", "reader", "about", "options", "mapping", "resize", "images", "patient_ids", "published", "tables")


def suppress_small_card(card: Mapping[str, Any], minimum: int) -> dict[str, Any]:
    """Returns a cohort card from which no count between 0 and ``minimum`` can be read, nor be had by subtraction.

    Subgroups, intersections and acquisition are withheld as in an audit of several classes: a subgroup that is small in
    one split is withheld in all and in the whole, since their counts add up. What is computed from an attribute with a
    withheld subgroup is withheld with it: associations, differences between images, and how well acquisition tells it.
    Where an attribute is missing is withheld if a count of it is small, or would tell one. Of the preparation the rules
    stay, and of its counts only how many rows were left out.

    Args:
        card: the content of ``cohort_card.json``; it is not changed.
        minimum: the smallest count that may be shown, at least 2.

    Raises:
        ConfigurationError: as ``suppress_small_cells``; a split counts as a report of its own.
    """
    balance = suppress_small_cells({"classes": card["balance"]}, minimum)["classes"]
    hidden = {name for name in balance["all"]["attributes"] if _withholds(balance, name)}
    missingness = {
        name: found
        for name, entry in card["missingness"].items()
        if name not in hidden and not _tells(found := _without(entry, hidden), minimum)
    }
    quality = card["image_quality"]
    return {
        **card,
        "prepared": card["prepared"] and _preparation(card["prepared"], minimum),
        "suppress_below": minimum,
        "withheld": {
            "attributes": sorted(hidden),
            "missingness": sorted(set(card["missingness"]) - set(missingness)),
        },
        "balance": balance,
        "minimum_detectable_gap": {
            name: gaps for name, gaps in card["minimum_detectable_gap"].items() if name not in hidden
        },
        "associations": [pair for pair in card["associations"] if not {pair["a"], pair["b"]} & hidden],
        "missingness": missingness,
        "acquisition": [row for row in card["acquisition"] if not {row["target"], *row["from"]} & hidden],
        "image_quality": quality
        and {**quality, "differences": [row for row in quality["differences"] if row["attribute"] not in hidden]},
    }


def _preparation(prepared: Mapping[str, Any], minimum: int) -> dict[str, Any]:
    """Returns the rules of a preparation, and why rows were left out unless that is a small count or tells one."""
    kept = {key: value for key, value in prepared.items() if key in _RULES}
    dropped = prepared.get("dropped") or {}
    if all(n >= minimum for n in dropped.values()):
        kept |= {key: prepared[key] for key in ("n_read", "dropped") if key in prepared}
    return kept


def _withholds(balance: Mapping[str, Any], name: str) -> bool:
    entry = balance["all"]["attributes"][name]
    return any(not isinstance(cell["n"], int) for cell in (*entry["subgroups"].values(), entry["missing"]))


def _without(entry: Mapping[str, Any], hidden: set[str]) -> dict[str, Any]:
    return {**entry, "by": {other: found for other, found in entry["by"].items() if other not in hidden}}


def _tells(entry: Mapping[str, Any], minimum: int) -> bool:
    """Returns whether a count, or what is left of a whole, is small."""
    counts = [entry, *(cell for by in entry["by"].values() for cell in by["cells"].values())]
    return any(0 < part < minimum for cell in counts for part in (cell["n_missing"], cell["n"] - cell["n_missing"]))
