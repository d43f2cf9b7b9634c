"""Withholding small cells: what a report that leaves the house must not tell about a few people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from types import EllipsisType
from typing import Any

from monai_fairtune.exceptions import ConfigurationError

__all__ = ["suppress_comparison", "suppress_small_cells"]

_Object = dict[str, Any]
_COUNTS = ("n", "n_positive", "n_patients")
_MISSING = None  # the stratum without a recorded value, among the subgroups' names


def suppress_small_cells(report: Mapping[str, Any], minimum: int) -> _Object:
    """Returns a report from which no count between 0 and ``minimum`` can be read, nor be had by subtraction.

    * A subgroup is small if it holds fewer than ``minimum`` images, patients, positives or negatives, and more than
      none. Its small counts become ``"<10"``, its other counts ``"suppressed"``, its values null with a reason, its
      curves null. The images without a recorded value are treated as a subgroup.
    * A subgroup that is the only one withheld of its attribute, or within one value of an intersection, would be the
      total minus the others: the next smallest is withheld as well, until fewer than ``minimum`` images are never what
      is left over.
    * Every comparison of an attribute with a withheld subgroup is withheld: each takes all subgroups. So are the pairs
      that it belongs to. Points of a calibration curve with few images of a class are left out.
    * Of several classes, a subgroup that is withheld for one is withheld for all: their counts add up.

    Args:
        report: the content of ``report.json``, binary or of several classes; it is not changed.
        minimum: the smallest count that may be shown, at least 2.

    Raises:
        ConfigurationError: if ``minimum`` is below 2, or the whole report is about fewer.
    """
    if minimum < 2:
        raise ConfigurationError(f"suppress_below is {minimum}. Give at least 2; 10 is usual.")
    if "classes" not in report:
        return _suppressed(
            report, minimum, {name: _hidden(name, entry, minimum) for name, entry in _attributes(report)}
        )
    hidden: dict[str, set[str | None]] = {}
    before: dict[str, set[str | None]] | None = None
    while hidden != before:  # what one class withholds may leave another with a single withheld subgroup
        before = dict(hidden)
        for part in report["classes"].values():
            for name, entry in _attributes(part):
                hidden[name] = _hidden(name, entry, minimum, hidden.get(name, frozenset()))
    classes = {name: _suppressed(part, minimum, hidden) for name, part in report["classes"].items()}
    found = {**report, "classes": classes}
    if "macro" in report:
        found["macro"] = _without_macro(report["macro"], minimum, hidden)
    return found


def suppress_comparison(found: Mapping[str, Any], design: Mapping[str, Any], minimum: int) -> _Object:
    """Returns a comparison of two models without what ``suppress_small_cells`` withholds of either's report.

    Args:
        found: the content of ``comparison.json``, of two models.
        design: their images' counts, as ``design`` gives them.
        minimum: the smallest count that may be shown.
    """
    gone = {"a": None, "b": None, "difference": _gone(minimum), "p_value": None}
    attributes = {}
    for name, entry in _attributes(found):
        hidden = _hidden(name, design["attributes"][name], minimum)
        shown = {
            key: gone if hidden and isinstance(value, Mapping) and "difference" in value else value
            for key, value in entry.items()
        }
        shown["subgroups"] = {
            group: {key: gone if isinstance(value, Mapping) else _count(value, minimum) for key, value in cell.items()}
            if group in hidden
            else cell
            for group, cell in entry["subgroups"].items()
        }
        shown["levelling_down"] = [item for item in entry["levelling_down"] if item["subgroup"] not in hidden]
        attributes[name] = shown
    return {**found, "attributes": attributes}


def _attributes(report: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield from (report.get("attributes") or {}).items()


def _cells(entry: Mapping[str, Any]) -> dict[str | None, Mapping[str, Any]]:
    missing = entry.get("missing")
    return {**entry["subgroups"], **({_MISSING: missing} if missing else {})}


def _hidden(
    attribute: str, entry: Mapping[str, Any], minimum: int, already: Set[str | None] = frozenset()
) -> set[str | None]:
    """Returns the subgroups to withhold: the small ones, and those whose presence would give them away."""
    cells = _cells(entry)
    hidden = {name for name, cell in cells.items() if _is_small(cell, minimum)} | set(already)
    groups = _groups(attribute, cells)
    while more := [name for group in groups if (name := _next(group, cells, hidden, minimum)) is not Ellipsis]:
        hidden.update(more)
    return hidden


def _is_small(cell: Mapping[str, Any], minimum: int) -> bool:
    counts = [*(cell[name] for name in _COUNTS), cell["n"] - cell["n_positive"]]
    return any(0 < count < minimum for count in counts)


def _groups(attribute: str, cells: Mapping[str | None, Any]) -> list[list[str | None]]:
    """Returns the sets of subgroups whose totals are known: all of them, and each value of an intersection's parts."""
    names = [name for name in cells if name is not None]
    groups: list[list[str | None]] = [list(cells)]
    width = attribute.count("*") + 1
    split = {name: name.split(" & ") for name in names}
    for position in range(width if width > 1 else 0):
        values = dict.fromkeys(parts[position] for parts in split.values() if len(parts) == width)
        groups += [
            [name for name in names if len(split[name]) == width and split[name][position] == value] for value in values
        ]
    return groups


def _next(
    group: list[str | None], cells: Mapping[str | None, Mapping[str, Any]], hidden: set[str | None], minimum: int
) -> str | EllipsisType | None:
    """Returns the subgroup to withhold next so that nothing small is left over in a group, or ``...`` if none is."""
    withheld = [cells[name] for name in group if name in hidden and cells[name]["n"]]
    others = [name for name in group if name not in hidden and cells[name]["n"]]
    left_over = {
        "n": sum(cell["n"] for cell in withheld),
        "n_positive": sum(cell["n_positive"] for cell in withheld),
    }
    left_over["n_negative"] = left_over["n"] - left_over["n_positive"]
    told = len(withheld) == 1 or any(0 < count < minimum for count in left_over.values())
    return min(others, key=lambda name: int(cells[name]["n"])) if withheld and told and others else ...


def _suppressed(report: Mapping[str, Any], minimum: int, hidden: Mapping[str, set[str | None]]) -> _Object:
    positives = round(report["prevalence"] * report["n"])
    totals = (report["n"], report["n_patients"], positives, report["n"] - positives)
    if any(0 < total < minimum for total in totals):
        raise ConfigurationError(
            f"The whole report is about fewer than {minimum} images or patients, or of one class. "
            "Assess more images, or write the report without suppress_below for your own use."
        )
    found = {**report, "attributes": {}}
    for name, entry in _attributes(report):
        found["attributes"][name] = _without_cells(entry, minimum, hidden[name])
    if found.get("curves"):
        found["curves"] = _without_points(found["curves"], minimum)
    return found


def _without_cells(entry: Mapping[str, Any], minimum: int, hidden: set[str | None]) -> _Object:
    found = {**entry, "subgroups": {}}
    for name, cell in _cells(entry).items():
        shown = _withheld(cell, minimum) if name in hidden else _with_fewer_points(cell, minimum)
        if name is None:
            found |= {"missing": shown, "n_missing": shown["n"]}
        else:
            found["subgroups"][name] = shown
    if not hidden:
        return found
    for name, value in entry.items():
        if name == "minimum_detectable_gap" or (isinstance(value, Mapping) and "value" in value):
            found[name] = _gone(minimum)
    if "pairs" in entry:
        found["pairs"] = [
            {**pair, "difference": _gone(minimum), "p_value": None, "p_holm": None, "p_max_t": None}
            if hidden.intersection(pair["subgroups"])
            else pair
            for pair in entry["pairs"]
        ]
    return found


def _withheld(cell: Mapping[str, Any], minimum: int) -> _Object:
    found: _Object = {}
    for name, value in cell.items():
        if name in _COUNTS:
            found[name] = _count(value, minimum)
        elif isinstance(value, Mapping) and "value" in value:
            found[name] = _gone(minimum)
        else:
            found[name] = None
    return found


def _count(count: Any, minimum: int) -> Any:
    if not isinstance(count, int):
        return None
    return count if count == 0 else f"<{minimum}" if count < minimum else "suppressed"


def _gone(minimum: int) -> _Object:
    return {
        "value": None,
        "reason": f"suppressed: fewer than {minimum}, or would tell a count below it",
        "suppressed": True,
    }


def _with_fewer_points(cell: Mapping[str, Any], minimum: int) -> _Object:
    return {**cell, "curves": _without_points(cell["curves"], minimum)} if cell.get("curves") else dict(cell)


def _without_points(curves: Mapping[str, Any], minimum: int) -> _Object:
    def is_small(point: Mapping[str, Any]) -> bool:
        n_positive = round((point["share_positive"] or 0) * point["n"])
        return any(0 < count < minimum for count in (point["n"], n_positive, point["n"] - n_positive))

    points = curves.get("calibration")
    if not points:
        return dict(curves)
    kept = [point for point in points if not is_small(point)]
    left_out = [point for point in points if is_small(point)]
    while left_out and kept and (len(left_out) == 1 or is_small(_together(left_out))):
        smallest = min(kept, key=lambda point: int(point["n"]))
        kept.remove(smallest)
        left_out.append(smallest)
    return {**curves, "calibration": kept or None}


def _together(points: list[Mapping[str, Any]]) -> _Object:
    n = sum(point["n"] for point in points)
    return {"n": n, "share_positive": sum((point["share_positive"] or 0) * point["n"] for point in points) / max(n, 1)}


def _without_macro(macro: Mapping[str, Any], minimum: int, hidden: Mapping[str, set[str | None]]) -> _Object:
    attributes = {}
    for name, entry in (macro.get("attributes") or {}).items():
        names = hidden.get(name) or set()
        attributes[name] = {
            key: _gone(minimum) if names and isinstance(value, Mapping) and "value" in value else value
            for key, value in entry.items()
        } | {
            "subgroups": {
                group: {key: _gone(minimum) for key in cell} if group in names else cell
                for group, cell in entry["subgroups"].items()
            }
        }
    return {**macro, "attributes": attributes}
