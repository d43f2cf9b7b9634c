"""Withholding small cells of an audit over time, by the rule of an audit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Any

from monai_fairtune.audit.suppression import suppress_small_cells
from monai_fairtune.exceptions import ConfigurationError

__all__ = ["suppress_windows"]

_WHOLE = "whole"
_NUMBERS = ("value", "reference", "z", "z_limit", "cusum", "cusum_limit")
_OF_EVERY_SCORE = ("share", "score")
"""Measures that images without a label count in."""


def suppress_windows(report: Mapping[str, Any], minimum: int) -> dict[str, Any]:
    """Returns a report over time from which no count between 0 and ``minimum`` can be read, nor be had by subtraction.

    Windows add up to the whole, so a subgroup that is small in one window is withheld in all and in the whole. Its
    tests and its alarms lose their numbers, its case mix is withheld. Images without a label are counted in the case
    mix alone, and nothing that could be set against the labelled ones is shown: where a window has some, its case mix
    and their number are withheld, and the tests of shares and scores lose their numbers in every window, since those
    of a window hold the reference's, and sums hold earlier windows'.

    Args:
        report: the content of ``report.json``, with ``windows`` and ``alarms``; it is not changed.
        minimum: the smallest count that may be shown, at least 2.

    Raises:
        ConfigurationError: as ``suppress_small_cells``, or if a window as a whole is too small.
    """
    each = report["windows"]["each"]
    small = [window["name"] for window in each if _is_small(window, minimum)]
    if small:
        raise ConfigurationError(
            f"{len(small)} windows hold fewer than {minimum} images, patients, or images of one class (the first: "
            f"{small[0]!r}). Take longer windows, or write the report without suppress_below for your own use."
        )
    whole = {key: value for key, value in report.items() if key not in ("windows", "alarms")}
    given = {_WHOLE: whole} | {window["name"]: window for window in each if window["n"]}
    shown = suppress_small_cells({"classes": given}, minimum)["classes"]
    hidden = {
        (attribute, name)
        for attribute, entry in shown[_WHOLE]["attributes"].items()
        for name, cell in (*entry["subgroups"].items(), (None, entry["missing"]))
        if cell and not isinstance(cell["n"], int)
    }
    measures = _OF_EVERY_SCORE if any(window["n_without_label"] for window in each) else ()
    windows = [_window(shown.get(window["name"], window), hidden, measures) for window in each]
    return {
        **shown[_WHOLE],
        "windows": {**report["windows"], "each": windows},
        "alarms": [_test(alarm, hidden, measures) for alarm in report["alarms"]],
    }


def _is_small(window: Mapping[str, Any], minimum: int) -> bool:
    positives = round((window["prevalence"] or 0) * window["n"])
    counts = (window["n"], window["n_patients"], positives, window["n"] - positives)
    return any(0 < count < minimum for count in counts)


def _window(window: Mapping[str, Any], hidden: Set[tuple[str, str | None]], measures: Sequence[str]) -> dict[str, Any]:
    tests = [_test(test, hidden, measures) for test in window["tests"]]
    if window["n_without_label"]:
        return {**window, "n_without_label": "suppressed", "case_mix": None, "tests": tests}
    attributes = {name for name, _ in hidden}
    kept = {name: entry for name, entry in window["case_mix"]["attributes"].items() if name not in attributes}
    return {**window, "case_mix": {**window["case_mix"], "attributes": kept}, "tests": tests}


def _test(test: Mapping[str, Any], hidden: Set[tuple[str, str | None]], measures: Sequence[str]) -> dict[str, Any]:
    """Returns a test without its numbers where its subgroup or its measure is withheld; that it is an alarm stays."""
    if (test["attribute"], test["subgroup"]) not in hidden and test["measure"] not in measures:
        return dict(test)
    kept = {key: value for key, value in test.items() if key not in _NUMBERS}
    return kept | {"value": None, "reason": "suppressed", "suppressed": True}
