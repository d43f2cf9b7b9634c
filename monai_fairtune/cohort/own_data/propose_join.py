"""Which column tells a row's images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import get_args

import numpy as np
import pandas as pd

from monai_fairtune.cohort.console import n_of
from monai_fairtune.cohort.own_data.dates import fitting_formats
from monai_fairtune.cohort.own_data.images import OwnImages
from monai_fairtune.cohort.own_data.join import Joined, join_rows, n_shared_keys
from monai_fairtune.cohort.own_data.mapping import DateSource, Join, LeadingZeros
from monai_fairtune.cohort.own_data.proposed import Proposed
from monai_fairtune.cohort.own_data.sources import Source
from monai_fairtune.cohort.own_data.table import OwnTable
from monai_fairtune.cohort.own_data.words import BIRTH, is_date, is_exam_date, reads_like
from monai_fairtune.cohort.own_data.yaml_text import flow

__all__ = ["Candidate", "propose_join"]

_ELEMENTS = {
    "SOPInstanceUID": 0, "SeriesInstanceUID": 1, "StudyInstanceUID": 2, "AccessionNumber": 2, "PatientID": 3,
}  # fmt: skip
_FILE_NAMES = {"path": 0, "name": 1, "stem": 1}
"""To how coarse each is: of an image, a series or files of one name, a study, a patient."""

_OPEN = (
    "What table and images are joined on is open. Until then table and header cannot be compared; the next call says "
    "where they differ."
)
_ENOUGH = 0.5  # of what the best candidate matches


@dataclass(frozen=True, eq=False, repr=False)
class Candidate:
    """A join and what comes of it."""

    join: Join
    joined: Joined

    @property
    def coarseness(self) -> int:
        """0 for what is of one image."""
        return _ELEMENTS["StudyInstanceUID"] if self.join.date else (_ELEMENTS | _FILE_NAMES)[self.join.image.name]

    def __str__(self) -> str:
        """Names both sides and counts."""
        more = "".join(f"; rows left, {why}: {n}" for why, n in self.joined.rows_left.items())
        n_rows, n_images = self.joined.n_rows, self.joined.n_images
        return f"{self.join}: {n_of(n_rows, 'row')} match{'es' * (n_rows == 1)} {n_of(n_images, 'image')}{more}"


def propose_join(table: OwnTable, images: OwnImages) -> tuple[Proposed, Candidate | None]:
    """Returns the section, and the join if it is not left open.

    All columns are compared with all that identifies an image; with file names only where no element of DICOM matches.
    The join that most rows find images by is proposed; among equals, the one of the finest level.
    """
    elements = [Source("dicom", name) for name in _ELEMENTS] if images.kind == "dicom" else []
    files = [Source("image", name) for name in _FILE_NAMES]
    found = _candidates(table, images, elements) or _candidates(table, images, files)
    notes = tuple(str(each) for each in found) or ("no column matches",)
    question = _question(found, len(table.rows))
    if question is not None:
        notes += tuple(f"join: {flow(each.join.plain)}" for each in found)
        value = {"column": None, "dicom" if elements else "image": None, "leading_zeros": "keep"}
        return Proposed("join", value, notes, _OPEN, question), None
    best = found[0]
    said = f"Table and images are joined on {best}, of {n_of(len(table.rows), 'row')} and "
    said += f"{n_of(len(images.table), 'image')} in all."
    if best.joined.most_images > 1:
        said += f" Up to {best.joined.most_images} images share one row; all of them get its label."
    return Proposed("join", best.join.plain, notes, said), best


def _candidates(table: OwnTable, images: OwnImages, sources: list[Source]) -> list[Candidate]:
    """Returns what matches at least half as many rows as the best, the best first.

    A column that matches as it stands is not compared with other elements by ignoring its leading zeros. That of the
    patient is compared together with each column of dates, too; a date of which no name says that it is the exam's is
    part of no candidate that matches fewer rows than the patient alone.
    """
    dates = _dates(table.rows) if images.kind == "dicom" else []
    pairs = [Join(column, source, "ignore") for column in table.rows.columns for source in sources]
    bounds = _bounds(table, images, pairs)
    dated = [replace(join, date=date) for join in bounds if join.image.name == "PatientID" for date in dates]
    bounds |= _bounds(table, images, dated)
    found: list[Candidate] = []
    most = 0
    for join in sorted(bounds, key=lambda each: -bounds[each]):
        if bounds[join] >= _ENOUGH * most:
            found.append(_try(table, images, join))
            most = max(most, found[-1].joined.n_rows)
    viable = [each for each in found if each.joined.n_rows >= max(1, _ENOUGH * most)]
    exact = {each.join.column for each in viable if each.join.leading_zeros == "keep"}
    viable = [each for each in viable if each.join.leading_zeros == "keep" or each.join.column not in exact]
    alone = {(each.join.column, each.join.image): each.joined.n_rows for each in viable if each.join.date is None}
    viable = [
        each
        for each in viable
        if each.joined.n_rows >= alone.get((each.join.column, each.join.image), 0) or _is_exam(each.join.date)
    ]
    return sorted(viable, key=lambda each: (-each.joined.n_rows, each.coarseness, sources.index(each.join.image)))


def _bounds(table: OwnTable, images: OwnImages, joins: Sequence[Join]) -> dict[Join, int]:
    """Returns the joins that find anything, and how many rows at most."""
    return {join: n for join in joins if (n := n_shared_keys(table.rows, images.table, join))}


def _dates(rows: pd.DataFrame) -> list[DateSource]:
    fits = {name: fitting_formats(rows[name]) for name in rows.columns if is_date(name) and not reads_like(name, BIRTH)}
    return [
        DateSource(Source("column", name), each)
        for name, formats in fits.items()
        for each in formats
        if len(formats) == 1
    ]


def _is_exam(date: DateSource | None) -> bool:
    return date is not None and is_exam_date(date.source.name)


def _try(table: OwnTable, images: OwnImages, join: Join) -> Candidate:
    """Returns the join with leading zeros kept, or the one without where that finds images for more rows."""
    both = [replace(join, leading_zeros=zeros) for zeros in get_args(LeadingZeros)]
    columns = list(table.rows.columns)
    tried = [Candidate(each, join_rows(table.rows, images.table, each, columns)) for each in both]
    return max(tried, key=lambda each: each.joined.n_rows)


def _question(found: list[Candidate], n_rows: int) -> str | None:
    """Returns why the first candidate is not sure, or None."""
    if not found:
        return "No column of the table matches the images. Which one names them, and what does it name?"
    best, *others = found
    if best.joined.n_rows < _ENOUGH * n_rows:
        return f"The best join is weak: {best}, of {n_of(n_rows, 'row')}. Is it right?"
    n_several = int((best.joined.images_of_row > 1).sum())
    if best.join.image.kind == "image" and n_several:
        return (
            f"Names of files repeat: {best}; {n_several} of these rows would label several images each. Is that meant? "
            "If so, the comments in the file show what to write; if not, name paths below the root in the table."
        )
    for other in others:
        if _disagree(best, other):
            return f"Two joins give the same images different rows: {best}; {other}. Which one is right?"
        if other.coarseness < best.coarseness and other.joined.n_rows < best.joined.n_rows:
            return f"A finer join matches fewer rows: {best}; {other}. Which one is right?"
    return None


def _disagree(one: Candidate, other: Candidate) -> bool:
    both = one.joined.is_matched & other.joined.is_matched
    return bool(np.any(one.joined.row_of_image[both] != other.joined.row_of_image[both]))
