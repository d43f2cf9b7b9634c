"""The table at the end of a search, for a terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from monai_fairtune.report.answer import verdict
from monai_fairtune.report.luck import luck_lines
from monai_fairtune.report.reading import Method, Reading
from monai_fairtune.report.stored import Stated
from monai_fairtune.report.wording import number, percent, printable, shorten

__all__ = ["result_table"]

_COLUMNS = 100


def result_table(result: Mapping[str, Any]) -> str:
    """Returns fixed methods against the final model on test, one block an attribute.

    The final model is marked by ``>``, the best fixed method on validation by ``*``. A dash means undefined; the
    reason follows below the table. No line is wider than 100 columns, and control characters in names are replaced.

    Args:
        result: the content of ``result.json``.
    """
    reading = Reading(result)
    blocks = [_block(reading, attribute) for attribute in reading.attributes]
    legend = ["> final model", *(["* best fixed method on validation"] if reading.best_fixed else [])]
    closing = _wrap(f"{', '.join(legend)}. {verdict(reading)['label']}.")
    closing += [line for text in luck_lines(reading) for line in _wrap(printable(text))]
    return "\n".join([*("\n".join(block) + "\n" for block in blocks), *closing])


def _block(reading: Reading, attribute: str) -> list[str]:
    reasons: list[str] = []
    rows = [_row(reading, method, attribute, reasons) for method in reading.methods]
    heads = ("  method", "trained share", "overall AUROC", "worst-group AUROC", "AUROC gap")
    widths = [max(_width(row[k]) for row in [heads, *rows]) for k in range(len(heads))]
    widths[3] = min(widths[3], _COLUMNS - 8 - sum(widths[:3]) - widths[4])
    lines = [_line(row, widths) for row in [heads, *rows]]
    notes = [line for reason in dict.fromkeys(reasons) for line in _wrap(f"– {reason}")]
    return [
        *_wrap(f"Test split, attribute {shorten(attribute, 70)}"),
        lines[0],
        "-" * sum([*widths, 8]),
        *lines[1:],
        *notes,
    ]


def _row(reading: Reading, method: Method, attribute: str, reasons: list[str]) -> tuple[str, ...]:
    worst = method.measure("test", attribute, "worst_group_auroc")
    values = [method.overall("test", "auroc"), worst, method.measure("test", attribute, "auroc_gap")]
    reasons += [printable(value.reason) for value in values if value.value is None]
    mark = ">" if method.chosen else "*" if method is reading.best_fixed else " "
    return (
        f"{mark} {shorten(method.name, 22)}",
        percent(method.trained_share),
        number(values[0].value),
        _with_subgroup(worst),
        number(values[2].value),
    )


def _with_subgroup(worst: Stated) -> str:
    interval = f" ({number(worst.low)} to {number(worst.high)})" if worst.has_interval else ""
    return f"{number(worst.value)}{interval}  {printable(worst.subgroup or '')}".rstrip()


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [_fit(cell, width) for cell, width in zip(row, widths, strict=True)]
    padding = [" " * (width - _width(cell)) for cell, width in zip(cells, widths, strict=True)]
    left_aligned = (0, 3)
    parts = [
        cell + pad if k in left_aligned else pad + cell
        for k, (cell, pad) in enumerate(zip(cells, padding, strict=True))
    ]
    return "  ".join(parts).rstrip()


def _width(text: str) -> int:
    """Returns how many columns a terminal gives to a text: wide East Asian characters take two, accents none."""
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )


def _fit(text: str, width: int) -> str:
    if _width(text) <= width:
        return text
    while _width(text) > width - 1:
        text = text[:-1]
    return text.rstrip() + "…"


def _wrap(text: str) -> list[str]:
    """Breaks a text into lines by the columns that a terminal gives to it."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines[-1].strip() else lines[-1] + word
        if _width(longer) <= _COLUMNS:
            lines[-1] = longer
        else:
            lines.append(_fit(f"  {word}", _COLUMNS))
    return [_fit(line, _COLUMNS) for line in lines]
