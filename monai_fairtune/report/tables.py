"""Tables as data: cells, and footnotes for what is undefined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from monai_fairtune.report.stored import SUPPRESSED, Stated
from monai_fairtune.report.wording import DASH, number

__all__ = ["Cell", "Row", "Table"]


@dataclass(frozen=True)
class Cell:
    """One cell.

    Args:
        text: what it shows; escaped by the template.
        note: number of a footnote of the table, from 1; None for none.
        detail: a second line in smaller letters.
        numeric: whether to align it as a number.
    """

    text: str
    note: int | None = None
    detail: str = ""
    numeric: bool = True


@dataclass(frozen=True)
class Row:
    """One row: its heading, its cells, whether it stands out, and whether it stays below all others when sorted."""

    head: str
    cells: tuple[Cell, ...]
    strong: bool = False
    detail: str = ""
    last: bool = False


@dataclass
class Table:
    """A table that the template renders.

    Args:
        key: unique on the page; part of the anchors of its footnotes.
        caption: one line above it.
        columns: headings, that of the row headings first.
        groups: headings above the columns, each with the number of columns it spans; they cover all columns.
        rows: filled with :meth:`add`.
        notes: footnotes, filled by :meth:`value`.

    Example:
        >>> table = Table("t", "Values", ["method", "AUROC"])
        >>> table.add("head only", [table.value(Stated(None, "one class"))])
        >>> table.rows[0].cells[0].text, table.notes
        ('–', ['one class'])
    """

    key: str
    caption: str
    columns: Sequence[str]
    groups: Sequence[tuple[str, int]] = ()
    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def left(self) -> set[int]:
        """The columns of text, whose headings stand at the left like their cells."""
        return {
            k + 1
            for k in range(len(self.columns) - 1)
            if self.rows and not any(row.cells[k].numeric for row in self.rows if not row.last)
        }

    def add(
        self, head: str, cells: Sequence[Cell], *, strong: bool = False, detail: str = "", last: bool = False
    ) -> None:
        """Appends a row."""
        self.rows.append(Row(head, tuple(cells), strong, detail, last))

    def value(self, entry: Stated, digits: int = 3, *, detail: str = "") -> Cell:
        """Returns the cell of a value: with its interval if it has one, with a footnote if it has no value.

        A footnote also tells what is known to be wrong with an interval, or why there is none.
        """
        if entry.value is None:
            return self.undefined(entry.reason, SUPPRESSED if entry.suppressed else DASH)
        if entry.low is not None and entry.high is not None:
            ends = f"{number(entry.low, digits)} to {number(entry.high, digits)}"
            detail = f"{ends}, {detail}" if detail else ends
        return Cell(number(entry.value, digits), self._note(entry.note), detail)

    def undefined(self, reason: str, text: str = DASH) -> Cell:
        """Returns a dash that points to its reason; equal reasons share a footnote."""
        return Cell(text, self._note(reason))

    def _note(self, text: str) -> int | None:
        if text and text not in self.notes:
            self.notes.append(text)
        return self.notes.index(text) + 1 if text else None
