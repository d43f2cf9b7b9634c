"""Where a value of the manifest comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Source"]


@dataclass(frozen=True)
class Source:
    """A column of the table, an element of a DICOM header, or the image file's own name.

    Args:
        kind: which of the three; the mapping's key.
        name: of the column; the element's keyword; ``path`` (below the root), ``name`` or ``stem`` (without ending).

    Example:
        >>> str(Source("dicom", "PatientSex"))
        'dicom PatientSex'
    """

    kind: Literal["column", "dicom", "image"]
    name: str

    def __str__(self) -> str:
        """Returns the name of the source's column in a joined table."""
        return f"{self.kind} {self.name}"

    @property
    def plain(self) -> dict[str, str]:
        """As the mapping writes it."""
        return {self.kind: self.name}
