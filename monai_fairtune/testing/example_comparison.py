"""Two models on the same patients, compared: what ``compare`` writes, made up from two reports."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from monai_fairtune.testing.example_measures import interval

__all__ = ["example_comparison"]

_Object = dict[str, Any]
_COMPARED = ("worst_group_auroc", "auroc_gap", "equalized_odds_difference")


def example_comparison(a: Mapping[str, Any], b: Mapping[str, Any], names: tuple[str, str]) -> _Object:
    """Returns the content of a ``comparison.json``.

    Args:
        a: report of the first model.
        b: report of the second model, on the same images.
        names: of the two.
    """
    overall = {measure: _difference(a["overall"][measure], b["overall"][measure], 0.008) for measure in _OVERALL}
    low = overall["auroc"]["difference"].get("low")
    overall["auroc"] |= {"non_inferior": None if low is None else low > -0.02, "method": "bootstrap"}
    attributes = {name: _attribute(a["attributes"][name], b["attributes"][name]) for name in a["attributes"]}
    return {
        "schema": 1,
        **dict(zip(("a", "b"), names, strict=True)),
        "n": a["n"],
        "n_patients": a["n_patients"],
        "margin": 0.02,
        "intervals": a["intervals"],
        "overall": overall,
        "attributes": attributes,
    }


_OVERALL = ("auroc", "brier")


def _attribute(a: Mapping[str, Any], b: Mapping[str, Any]) -> _Object:
    subgroups = {name: _subgroup(a["subgroups"][name], b["subgroups"][name]) for name in a["subgroups"]}
    lower = [
        {
            "subgroup": name,
            "measure": measure,
            "difference": entry[measure]["difference"],
            "conclusion": _said(entry[measure]),
        }
        for name, entry in subgroups.items()
        for measure in ("auroc", "tpr")
        if (entry[measure]["difference"]["value"] or 0.0) < 0
    ]
    compared = {measure: _difference(a[measure], b[measure], 0.014) for measure in _COMPARED}
    return {**compared, "subgroups": subgroups, "levelling_down": lower}


def _subgroup(a: Mapping[str, Any], b: Mapping[str, Any]) -> _Object:
    found: _Object = {"n": a["n"], "n_positive": a["n_positive"]}
    for measure, error in (("auroc", 0.012), ("tpr", 0.03), ("fpr", 0.012), ("brier", 0.003)):
        found[measure] = _difference(a[measure], b[measure], error)
    p = found["auroc"]["p_value"]
    found["auroc"]["p_holm"] = None if p is None else min(1.0, 2 * p)
    return found


def _difference(a: Mapping[str, Any], b: Mapping[str, Any], error: float) -> _Object:
    ours, theirs = a["value"], b["value"]
    if ours is None or theirs is None:
        reason = a.get("reason") or b.get("reason")
        return {"a": ours, "b": theirs, "difference": {"value": None, "reason": reason}, "p_value": None}
    change = ours - theirs
    p = math.erfc(abs(change) / error / math.sqrt(2))
    return {"a": ours, "b": theirs, "difference": interval(change, error, "percentile", -1.0), "p_value": p}


def _said(difference: Mapping[str, Any]) -> str:
    return "lower" if (difference["difference"].get("high") or 0.0) < 0 else "not distinguishable"
