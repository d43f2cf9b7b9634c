"""Withholding small cells of what is exported with a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from monai_fairtune.audit import suppress_small_cells
from monai_fairtune.deploy.export.search_output import SearchOutput

__all__ = ["without_small_cells"]

_TELLING = ("comparisons", "optimism", "noise")
_COUNTED = ("cohort", "eligibility")
_RULES = ("preparation",)


def without_small_cells(source: SearchOutput, minimum: int) -> SearchOutput:
    """Returns a model whose result tells no count between 0 and ``minimum``, by the rule of an audit.

    Withheld as a whole are the cohort's counts by split, and what compares subgroups besides the test report:
    comparisons with fixed methods, optimism, and noise between seeds.

    Args:
        source: the model; it is not changed.
        minimum: the smallest count that may be shown, at least 2.

    Raises:
        ConfigurationError: if ``minimum`` is below 2, or the test split has fewer images.
    """
    result = {name: value for name, value in source.result.items() if name not in _TELLING}
    tests = [result, *(result.get("anchors") or [])]
    first, *anchors = ({**each, "test": suppress_small_cells(each["test"], minimum)} for each in tests)
    uncounted = {name: _without_counts(result.get(name) or {}) for name in _COUNTED}
    return replace(source, result={**first, **uncounted, "anchors": anchors})


def _without_counts(told: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what is told of the whole, without what is told of its parts."""
    return {name: value for name, value in told.items() if name in _RULES or not isinstance(value, Mapping)}
