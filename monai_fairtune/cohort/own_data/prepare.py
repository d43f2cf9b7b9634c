"""The second call: a reviewed mapping makes the manifest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from monai_fairtune.cohort.console import n_of, wrapped
from monai_fairtune.cohort.hashing import file_sha256
from monai_fairtune.cohort.own_data.ages import all_alike, count_missing, read_ages
from monai_fairtune.cohort.own_data.contradictions import find_contradictions
from monai_fairtune.cohort.own_data.images import OwnImages, find_own_images
from monai_fairtune.cohort.own_data.join import Joined, join_rows
from monai_fairtune.cohort.own_data.mapping import Recode, TableMapping
from monai_fairtune.cohort.own_data.mapping_schema import DROP
from monai_fairtune.cohort.own_data.pseudonyms import KEY_FILE, pseudonymize, read_key, refuse_pseudonyms_in
from monai_fairtune.cohort.own_data.read_mapping import read_mapping
from monai_fairtune.cohort.own_data.recoding import recode_cells, recode_first, refuse_dates, refuse_identifiers
from monai_fairtune.cohort.own_data.sources import Source
from monai_fairtune.cohort.own_data.table import OwnTable, below_root, read_table
from monai_fairtune.cohort.paths import resolve_images
from monai_fairtune.cohort.prepared import (
    MANIFEST,
    check_command,
    counts_text,
    refuse_foreign_manifest,
    row_counts,
    write_prepared,
)
from monai_fairtune.exceptions import ConfigurationError, ManifestError

__all__ = ["PreparedTable", "prepare_table"]

_READER, _PRIVATE = "table", 0o600
_COUNTS = {
    "Files left out": "files_left_out",
    "Images left out": "dropped",
    "Rows without images": "rows_left_out",
    "Not recorded": "not_recorded",
    "Age is missing": "age_missing",
}


@dataclass(frozen=True, eq=False, repr=False)
class PreparedTable:
    """What became of a table and images.

    Args:
        manifest: the file that was written.
        root: what its images are relative to.
        rows: of the manifest.
        record: counts and rules; holds no id, date or path.
    """

    manifest: Path
    root: Path
    rows: pd.DataFrame
    record: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Returns what ``prepared.json`` holds."""
        return dict(self.record)

    def to_text(self) -> str:
        """Returns a page for people, up to 100 columns wide."""
        counts = self.record
        lines = wrapped(
            f"{counts['n']} of {counts['n_read']} images are kept, of {n_of(counts['n_patients'], 'patient')}; "
            f"{counts['n_positive']} have label 1. {counts['rows_matched']} of {counts['n_rows']} rows have images."
        )
        lines += [line for each in counts["contradictions"] for line in wrapped(f"Review the mapping: {each}")]
        lines += [line for what, key in _COUNTS.items() for line in counts_text(what, counts[key])]
        if "age" in self.rows:
            lines += all_alike(self.rows["age"])
        return "\n".join([*lines, "", f"Manifest: {self.manifest}", f"Next: {self.next_command}"])

    @property
    def next_command(self) -> str:
        """The command that looks at the manifest, with the attributes that it holds."""
        recorded = [name for name in self.record["not_recorded"] if (self.rows[name] != "").any()]
        known = [declared for name, declared in (("sex", "sex"), ("age", "age:60")) if name in recorded]
        return check_command(self.manifest, self.root, known or recorded[:1] or ["ATTRIBUTE"])


def prepare_table(root: Path, table: Path, output_dir: Path, mapping: Path, *, progress: bool = True) -> PreparedTable:
    """Writes ``manifest.csv`` and ``prepared.json`` as a mapping says; images stay where they are.

    Args:
        root: a folder of DICOM, NIfTI, PNG, JPEG, TIFF or NPY files.
        table: a CSV file, a spreadsheet or a MONAI datalist.
        output_dir: receives both, and the key of the pseudonyms unless the environment holds one.
        mapping: as ``propose_mapping`` writes it, reviewed.
        progress: whether to draw a bar on standard error.

    Raises:
        ConfigurationError: if the mapping cannot be used, or does not fit the table or the images.
        ManifestError: if the table cannot be read, there are no images, none is left, or links to them lead out of the
            root.
    """
    rules = read_mapping(mapping)
    refuse_pseudonyms_in(root, output_dir)
    refuse_foreign_manifest(output_dir, _READER)
    read = below_root(read_table(table, rules.table), root)
    images = find_own_images(root, rules.kind, progress=progress)
    _require_sources(rules, read, images)
    kept = _kept(images, rules)
    taken = images.table[kept].reset_index(drop=True)
    joined = join_rows(read.rows, taken, rules.join, _used_columns(rules))
    frame = joined.frame(read.rows, taken)
    resolve_images(frame["image path"].tolist(), root)
    dropped = {"an element of DICOM is not among those kept": int((~kept).sum()), **joined.images_left}
    try:
        output_dir.mkdir(parents=True, exist_ok=True)
        ages = read_ages(frame, rules.age)
        rows, more = _rows(frame, ages["age"], rules, read_key(output_dir / KEY_FILE))
        age_missing = count_missing(ages.loc[rows.index])
        record = _record(rules, read, images, joined, rows, dropped | more, age_missing)
        record["contradictions"] = find_contradictions(frame.loc[rows.index], rows, rules.patient_id)
        record["tables"] = {"table": file_sha256(table)}
        record = write_prepared(output_dir, rows, record, mode=_PRIVATE)
    except OSError as error:
        raise ConfigurationError(
            f"'{output_dir}' cannot be written: {error.strerror}. Give a folder that can be, with room enough."
        ) from error
    return PreparedTable(output_dir / MANIFEST, root, rows, record)


def _require_sources(rules: TableMapping, table: OwnTable, images: OwnImages) -> None:
    columns = {Source("column", name) for name in table.rows.columns}
    absent = [source for source in rules.sources if source not in columns | set(images.sources)]
    if absent:
        raise ConfigurationError(
            f"The mapping names {', '.join(map(str, dict.fromkeys(absent)))}, and there is no such thing: the table's "
            f"columns are {list(table.rows.columns)[:30]}, and the images are of the kind {images.kind!r}. "
            "Correct the mapping, or give the table and images that it was made for."
        )
    secret = {rules.patient_id, rules.join.image, Source("column", rules.join.column)}
    named = [name for name, sources in rules.columns.items() if any(each.source in secret for each in sources)]
    if named:
        raise ConfigurationError(
            f"The mapping writes to the columns {named} what tells patients or studies apart, and a manifest holds "
            "pseudonyms only. Leave them out."
        )


def _used_columns(rules: TableMapping) -> list[str]:
    used = {source.name for source in rules.sources if source.kind == "column"}
    return sorted(used - {rules.join.column})


def _kept(images: OwnImages, rules: TableMapping) -> pd.Series[bool]:
    """Returns which images have the wanted modality and view."""
    kept = pd.Series(data=True, index=images.table.index)
    for keyword, wanted in rules.keep.items():
        cells = images.table[str(Source("dicom", keyword))]
        kept &= cells.isin(wanted)
        if not kept.any():
            found = sorted(cells.unique())[:20]
            raise ConfigurationError(
                f"No image is left by {keyword} {list(wanted)}; found are {found}. Keep one of these."
            )
    return kept


def _rows(
    frame: pd.DataFrame, ages: pd.Series[str], rules: TableMapping, key: bytes
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Returns the rows of the manifest, indexed as the frame, and why others of it are left out."""
    label = recode_cells(frame, rules.label, "label")
    patients = frame[str(rules.patient_id)]
    columns = {"image": frame["image path"], "label": label, "label_name": frame[str(rules.label.source)]}
    columns["patient_id"] = pseudonymize(patients, key)
    if rules.age:
        columns["age"] = ages
    for name, sources in rules.columns.items():
        for each in sources:
            if isinstance(each, Recode) and each.values is None and not each.measured:
                refuse_identifiers(frame[str(each.source)], patients, f"columns, {name}")
        columns[name] = recode_first(frame, sources, f"columns, {name}")
    splits = pd.Series("", index=frame.index) if rules.split is None else recode_cells(frame, rules.split, "split")
    if rules.split is not None:
        columns["split"] = splits
    out = {
        "the label is left out": label == DROP,
        "the patient's id is blank": patients == "",
        "the split is left out": splits == DROP,
    }
    dropped, left = {}, pd.Series(data=True, index=frame.index)
    for reason, which in out.items():
        dropped[reason] = int((left & which).sum())
        left &= ~which
    rows = pd.DataFrame(columns)[left]
    if rows.empty:
        raise ManifestError(f"No image is left: {dict(dropped)} of {len(frame)} with a row. Review join and label.")
    refuse_dates(rows.drop(columns="image"))
    return rows, dropped


def _record(
    rules: TableMapping, table: OwnTable, images: OwnImages, joined: Joined, rows: pd.DataFrame,
    dropped: Mapping[str, int], age_missing: Mapping[str, int],
) -> dict[str, Any]:  # fmt: skip
    attributes = [name for name in rows.columns if name in rules.columns or name == "age"]
    return {
        "schema": 1,
        "reader": _READER,
        "mapping": dict(rules.plain),
        "n_read": len(images.table),
        "n_rows": len(table.rows),
        "rows_matched": joined.n_rows,
        "most_images_of_a_row": joined.most_images,
        **row_counts(rows, attributes),
        "age_missing": dict(age_missing),
        "dropped": {reason: n for reason, n in dropped.items() if n},
        "rows_left_out": joined.rows_left,
        "files_left_out": dict(images.left_out),
        "patient_ids": "head of HMAC-SHA-256",
    }
