"""Which images are taken, and which further columns a manifest gets."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

import pandas as pd

from monai_fairtune.cohort.console import n_of
from monai_fairtune.cohort.own_data.images import OwnImages
from monai_fairtune.cohort.own_data.mapping_schema import MISSING_CELL
from monai_fairtune.cohort.own_data.proposed import Proposed, counted, listed
from monai_fairtune.cohort.own_data.recoding import MOST_VALUES
from monai_fairtune.cohort.own_data.sources import Source
from monai_fairtune.cohort.own_data.words import ACQUISITION, OTHER_ATTRIBUTES, name_words, reads_like, value_of

__all__ = ["propose_columns", "propose_images"]

_KEEP = ("Modality", "ViewPosition")
_ELEMENTS = {
    "InstitutionName": "site", "Manufacturer": "manufacturer", "ManufacturerModelName": "scanner",
    "StationName": "station", "Modality": "modality", "ViewPosition": "view",
}  # fmt: skip


def propose_images(images: OwnImages) -> Proposed:
    """Returns the section: the kind that most images are of, and all modalities and views where there are several."""
    cells = {keyword: images.table[str(Source("dicom", keyword))] for keyword in _KEEP if images.kind == "dicom"}
    several = {keyword: column for keyword, column in cells.items() if column.nunique() > 1}
    left = [f"left out: {why} ({n})" for why, n in images.left_out.items()]
    notes = [
        *left,
        *(f"{keyword}: {counted(column)}; delete what you do not want" for keyword, column in several.items()),
    ]
    said = f"The root holds {n_of(len(images.table), 'image')} of the kind {images.kind}. " + "".join(
        f"Their {keyword} is {counted(column)}, and all are kept. " for keyword, column in several.items()
    )
    said += f"Other files: {', '.join(f'{why} ({n})' for why, n in images.left_out.items())}." if left else ""
    value: dict[str, Any] = {"kind": images.kind}
    if several:
        value["keep"] = {keyword: sorted(column.unique()) for keyword, column in several.items()}
    return Proposed("images", value, tuple(notes), said.strip())


def propose_columns(
    frame: pd.DataFrame, taken: Collection[str], sex: Mapping[str, Any], about_sex: Proposed
) -> Proposed:
    """Returns the section: sex, columns whose name reads like an attribute or the acquisition, and DICOM elements.

    Args:
        frame: one row an image, columns named as ``Source`` says.
        taken: columns of the table that other sections use.
        sex: the entry of that name, or nothing.
        about_sex: what is said of it.
    """
    columns = dict(sex)
    unused = []
    for source in _table_columns(frame, taken):
        n_values = frame[str(source)].nunique()
        name, told = _manifest_name(source.name), reads_like(source.name, ACQUISITION | OTHER_ATTRIBUTES)
        if told and 1 < n_values <= MOST_VALUES and name not in columns:
            columns[name] = {**source.plain, **_missing(frame[str(source)])}
        else:
            unused.append(f"{source.name!r} ({n_of(n_values, 'value')})")
    for keyword, name in _ELEMENTS.items():
        element = Source("dicom", keyword)
        if str(element) in frame.columns and 1 < frame[str(element)].nunique() <= MOST_VALUES:
            columns.setdefault(name, element.plain)
    more = [
        f"{name} ({n_of(frame[_source_name(entry)].nunique(), 'value')})"
        for name, entry in columns.items()
        if name != "sex"
    ]
    notes = (*about_sex.notes, *([f"columns that nothing uses: {', '.join(unused)}"] if unused else []))
    counts = f"{about_sex.counts} Further columns of the manifest: {listed(more)}." if more else about_sex.counts
    return Proposed("columns", columns, notes, about_sex.said, about_sex.question, counts.strip())


def _table_columns(frame: pd.DataFrame, taken: Collection[str]) -> list[Source]:
    names = [name.removeprefix("column ") for name in frame.columns if name.startswith("column ")]
    return [Source("column", name) for name in names if name not in taken]


def _manifest_name(name: str) -> str:
    return re.sub(r"\W+", "_", "_".join(name_words(name)))


def _missing(cells: pd.Series[str]) -> dict[str, dict[str, str]]:
    """Returns what values become, where one of them but a blank means that nothing is recorded."""
    values = {cell: value_of(cell) for cell in sorted(cells.unique())}
    return {"values": values} if any(value == MISSING_CELL and cell for cell, value in values.items()) else {}


def _source_name(entry: Mapping[str, Any]) -> str:
    return str(Source("column", entry["column"]) if "column" in entry else Source("dicom", entry["dicom"]))
