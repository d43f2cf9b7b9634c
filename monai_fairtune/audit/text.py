"""An audit in a few lines, for terminals and notebooks."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

__all__ = ["COMPARED", "MEASURES", "aligned", "design_text", "html_table", "plain", "result_text", "value_text"]

_WIDEST = 40
MEASURES = {"auroc": "AUROC", "tpr": "TPR", "fpr": "FPR"}
COMPARED = {
    "worst_group_auroc": "worst-group AUROC",
    "auroc_gap": "AUROC gap",
    "equalized_odds_difference": "equalized odds difference",
}
"""How printed tables call the comparisons that they show."""


def design_text(design: Mapping[str, Any]) -> str:
    """Returns the design numbers as lines: counts, who is eligible, what was merged, the minimum detectable gap.

    Args:
        design: of ``audit``'s ``on_design``.
    """
    return "\n\n".join(
        _headed(name, "\n".join(_design_lines(part))) for name, part in design.get("classes", {"": design}).items()
    )


def _design_lines(design: Mapping[str, Any]) -> Iterator[str]:
    positives = round(design["prevalence"] * design["n"])
    yield f"{design['n']} images of {design['n_patients']} patients, {positives} positive"
    for attribute, entry in design["attributes"].items():
        rows = [["", "images", "positive", "negative", "patients", "AUROC"]]
        cells = {**entry["subgroups"], **({"(missing)": entry["missing"]} if entry["missing"] else {})}
        for name, cell in cells.items():
            enough = "given" if cell["eligible"] else f"fewer than {design['min_per_class']} of a class"
            rows.append([plain(name), *_counts(cell), enough if cell["eligible"] is not None else "withheld"])
        yield f"\n{plain(attribute)}"
        yield aligned(rows)
        gap = entry["minimum_detectable_gap"]
        told = f"{gap['value']:.3f}" if gap["value"] is not None else plain(str(gap["reason"]), 400)
        yield f"  minimum detectable AUROC gap: {told}"
        for merge in entry["merged"]:
            yield f"  merged into {plain(merge['into'])}: {', '.join(plain(part) for part in merge['parts'])}"


def _counts(cell: Mapping[str, Any]) -> list[str]:
    n, n_positive = cell["n"], cell["n_positive"]
    negative = n - n_positive if isinstance(n, int) and isinstance(n_positive, int) else "suppressed"
    return [str(count) for count in (n, n_positive, negative, cell["n_patients"])]


def result_text(report: Mapping[str, Any]) -> str:
    """Returns the results as lines: each subgroup's AUROC and rates, and how they compare.

    Args:
        report: the content of ``report.json``.
    """
    parts = [_headed(name, _result_of(part)) for name, part in report.get("classes", {"": report}).items()]
    return "\n\n".join([*parts, *([_mean_of(report["macro"])] if "macro" in report else [])])


def _mean_of(macro: Mapping[str, Any]) -> str:
    notes: dict[str, int] = {}
    lines = ["== mean of the classes ==", f"overall AUROC {value_text(macro['auroc'], notes)}"]
    for attribute, entry in macro["attributes"].items():
        rows = [
            ["", "AUROC"],
            *([plain(name), value_text(cell["auroc"], notes)] for name, cell in entry["subgroups"].items()),
        ]
        worst, gap = entry["worst_group_auroc"], entry["auroc_gap"]
        where = f" ({plain(worst['subgroup'])})" if worst.get("subgroup") else ""
        lines += [f"\n{plain(attribute)}", aligned(rows), f"  worst-group AUROC: {value_text(worst, notes)}{where}"]
        lines.append(f"  AUROC gap: {value_text(gap, notes)}")
    return "\n".join([*lines, *_footnotes(notes)])


def _footnotes(notes: Mapping[str, int]) -> list[str]:
    return [*([""] if notes else []), *(f"[{number}] {plain(text, 400)}" for text, number in notes.items())]


def _result_of(report: Mapping[str, Any]) -> str:
    threshold = report["threshold"]
    notes: dict[str, int] = {}
    lines = [
        f"overall AUROC {value_text(report['overall']['auroc'], notes)}; "
        f"rates at a probability of {threshold['value']:.4g} ({threshold['rule']}, {threshold['chosen_on']})"
    ]
    for attribute, entry in report["attributes"].items():
        rows = [["", "images", *MEASURES.values()]]
        cells = {**entry["subgroups"], **({"(missing)": entry["missing"]} if entry["missing"] else {})}
        rows += [
            [plain(name), str(cell["n"]), *(value_text(cell[measure], notes) for measure in MEASURES)]
            for name, cell in cells.items()
        ]
        lines += [f"\n{plain(attribute)}", aligned(rows)]
        for name, title in COMPARED.items():
            value = entry[name]
            where = f" ({plain(value['subgroup'])})" if value.get("subgroup") else ""
            chance = f", p {value['p_value']:.3g} against chance" if value.get("p_value") is not None else ""
            lines.append(f"  {title}: {value_text(value, notes)}{where}{chance}")
    return "\n".join([*lines, *_footnotes(notes)])


def value_text(value: Mapping[str, Any], notes: dict[str, int] | None = None) -> str:
    """Returns a number with its interval, and the number of the note on why it is undefined or to be doubted."""
    told = str(value["reason"]) if value["value"] is None else _doubts(value)
    if value["value"] is None:
        shown = "withheld" if value.get("suppressed") else "undefined"
    elif value.get("low") is None or value.get("high") is None:
        shown = f"{value['value']:.3f}"
    else:
        shown = f"{value['value']:.3f} ({value['low']:.3f} to {value['high']:.3f})"
    if not told or notes is None:
        return shown
    return f"{shown} [{notes.setdefault(told, len(notes) + 1)}]"


def _doubts(value: Mapping[str, Any]) -> str:
    return " ".join(str(value[key]) for key in ("caution", "no_interval") if value.get(key))


def plain(text: str, widest: int = _WIDEST) -> str:
    """Returns text that a terminal shows and does not obey: no control characters, and not too long."""
    shown = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)
    return shown if len(shown) <= widest else f"{shown[: widest - 1]}…"


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Returns rows as lines, the first column to the left and the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  "
        + "  ".join(
            cell.ljust(width) if position == 0 else cell.rjust(width)
            for position, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def _headed(name: str, text: str) -> str:
    return f"== {plain(name)} ==\n{text}" if name else text


def html_table(report: Mapping[str, Any]) -> str:
    """Returns a small table for a notebook; every name is escaped."""
    heads = ["attribute", "subgroup", "images", *MEASURES.values()]
    body = []
    for of_class, part in report.get("classes", {"": report}).items():
        for attribute, entry in part["attributes"].items():
            for name, cell in entry["subgroups"].items():
                where = f"{of_class}: {attribute}" if of_class else attribute
                numbers = [
                    value_text(cell[measure]) if cell[measure]["value"] is not None else "–" for measure in MEASURES
                ]
                body.append([where, name, str(cell["n"]), *numbers])
    rows = "".join(f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>" for row in body)
    return (
        f"<table><thead><tr>{''.join(f'<th>{head}</th>' for head in heads)}</tr></thead><tbody>{rows}</tbody></table>"
    )
