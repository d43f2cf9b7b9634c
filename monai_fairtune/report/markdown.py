"""Texts and tables in Markdown."""

from __future__ import annotations

import re
from collections import Counter

from monai_fairtune.report.tables import Cell, Row, Table

__all__ = ["plain", "table_lines"]

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|!~])")


def plain(text: str) -> str:
    r"""Returns a text that Markdown shows as it is.

    Example:
        >>> plain("<b> a|b *c*")
        '\\<b\\> a\\|b \\*c\\*'
    """
    return _SPECIAL.sub(r"\\\1", text.replace("\n", " "))


def table_lines(table: Table) -> list[str]:
    """Returns a table with its caption, those rows last that stay below all others, and its notes."""
    rows = sorted(table.rows, key=lambda row: row.last)
    lines = [_headings(table), ["---", *["---:"] * (len(table.columns) - 1)], *map(_row, rows)]
    notes = [f"{number}. {plain(note)}" for number, note in enumerate(table.notes, 1)]
    return [f"**{plain(table.caption)}**", "", *(f"| {' | '.join(line)} |" for line in lines), "", *notes]


def _headings(table: Table) -> list[str]:
    """Returns the columns' headings, with the one above where they would be alike."""
    groups = [label for label, span in table.groups for _ in range(span)] or [""] * len(table.columns)
    often = Counter(table.columns)
    named = [
        f"{group}: {column}" if group and often[column] > 1 else column
        for group, column in zip(groups, table.columns, strict=True)
    ]
    return [plain(name) for name in named]


def _row(row: Row) -> list[str]:
    head = f"{row.head} ({row.detail})" if row.detail else row.head
    return [plain(head), *map(_cell, row.cells)]


def _cell(cell: Cell) -> str:
    detail = f" ({cell.detail})" if cell.detail else ""
    note = f" (note {cell.note})" if cell.note else ""
    return plain(cell.text + detail + note)
