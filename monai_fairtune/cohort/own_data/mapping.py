"""The mapping: every rule by which a table and images become a manifest, as a file that people review."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from monai_fairtune.cohort.own_data.images import ImageKind
from monai_fairtune.cohort.own_data.sources import Source
from monai_fairtune.cohort.own_data.table import TableFormat

__all__ = [
    "STUDY_DATE", "AgeSource", "DateSource", "Join", "LeadingZeros", "Recode", "TableMapping", "YearOf",
]  # fmt: skip

LeadingZeros = Literal["keep", "ignore"]


@dataclass(frozen=True)
class DateSource:
    """A source of dates; ``format`` as ``strptime`` reads it, None for DICOM's own."""

    source: Source
    format: str | None

    def __str__(self) -> str:
        """Names the source."""
        return str(self.source)

    @property
    def plain(self) -> dict[str, str]:
        """As the mapping writes it."""
        return {**self.source.plain, **({} if self.format is None else {"format": self.format})}


STUDY_DATE = DateSource(Source("dicom", "StudyDate"), None)


@dataclass(frozen=True)
class Join:
    """How rows find their images.

    Args:
        column: of the table.
        image: what it is compared with.
        leading_zeros: ``ignore`` takes 0012 and 12 for one number.
        date: of the table, which has to be the header's StudyDate as well; None where the column is enough.
    """

    column: str
    image: Source
    leading_zeros: LeadingZeros
    date: DateSource | None = None

    def __str__(self) -> str:
        """Names both sides; says nothing of values."""
        date = f", and {self.date} and {STUDY_DATE}" if self.date else ""
        zeros = ", leading zeros ignored" if self.leading_zeros == "ignore" else ""
        return f"column {self.column!r} and {self.image}{date}{zeros}"

    @property
    def plain(self) -> dict[str, Any]:
        """As the mapping writes it."""
        date = {"date": self.date.plain} if self.date else {}
        return {"column": self.column, **self.image.plain, "leading_zeros": self.leading_zeros, **date}

    @property
    def sources(self) -> list[Source]:
        """All that is compared."""
        dates = [self.date.source, STUDY_DATE.source] if self.date else []
        return [Source("column", self.column), self.image, *dates]


@dataclass(frozen=True)
class Recode:
    """A source and what its values become.

    Args:
        source: of the values.
        values: what each becomes; None to leave them as they are.
        measured: whether somebody said that its numbers are measurements, and no ids.
    """

    source: Source
    values: Mapping[str, str] | None = None
    measured: bool = False


@dataclass(frozen=True)
class YearOf:
    """The year of a date, which may reach a manifest where the date may not."""

    date: DateSource

    @property
    def source(self) -> Source:
        """Of the date."""
        return self.date.source


@dataclass(frozen=True)
class AgeSource:
    """An age as it stands there, or two dates."""

    age: Source | None = None
    birth: DateSource | None = None
    study: DateSource | None = None

    def __str__(self) -> str:
        """Names the sources."""
        return str(self.age) if self.age else f"the years from {self.birth} to {self.study}"

    @property
    def plain(self) -> dict[str, Any]:
        """As the mapping writes it."""
        if self.birth is not None and self.study is not None:
            return {"birth": self.birth.plain, "study": self.study.plain}
        return {} if self.age is None else dict(self.age.plain)


@dataclass(frozen=True)
class TableMapping:
    """All rules, none of them open.

    Args:
        table: how the table is written.
        kind: which images are taken.
        keep: element of the DICOM header to the values that are kept.
        join: how rows find their images.
        label: its values become ``0``, ``1`` or ``drop``.
        patient_id: whose image it is, before it becomes a pseudonym.
        age: sources in the order in which they are asked.
        columns: column of the manifest to where it comes from, in the order in which the sources are asked; their
            values may become ``missing``.
        split: its values become names of splits or ``drop``; None where splits are to be drawn.
        plain: the mapping as it was read.
    """

    table: TableFormat
    kind: ImageKind
    keep: Mapping[str, tuple[str, ...]]
    join: Join
    label: Recode
    patient_id: Source
    age: tuple[AgeSource, ...]
    columns: Mapping[str, tuple[Recode | YearOf, ...]]
    split: Recode | None
    plain: Mapping[str, Any]

    @property
    def sources(self) -> list[Source]:
        """Everything that is asked for, in the order of the file; a source may occur several times."""
        dates = [date for each in self.age for date in (each.birth, each.study) if date]
        recodes = [recode for entry in self.columns.values() for recode in entry]
        return [
            *self.join.sources, self.label.source, self.patient_id,
            *(each.age for each in self.age if each.age), *(date.source for date in dates),
            *(recode.source for recode in recodes), *([self.split.source] if self.split else []),
            *(Source("dicom", keyword) for keyword in self.keep),
        ]  # fmt: skip
