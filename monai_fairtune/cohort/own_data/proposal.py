"""The first call: a mapping is proposed from headers and the table, and written for review."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from monai_fairtune.cohort.console import n_of, wrapped
from monai_fairtune.cohort.own_data.images import OwnImages, find_own_images
from monai_fairtune.cohort.own_data.join import stacked
from monai_fairtune.cohort.own_data.propose_age import propose_age
from monai_fairtune.cohort.own_data.propose_columns import propose_columns, propose_images
from monai_fairtune.cohort.own_data.propose_join import propose_join
from monai_fairtune.cohort.own_data.propose_label import propose_label, propose_split
from monai_fairtune.cohort.own_data.propose_people import propose_patient, propose_sex
from monai_fairtune.cohort.own_data.proposed import Proposed
from monai_fairtune.cohort.own_data.pseudonyms import refuse_pseudonyms_in
from monai_fairtune.cohort.own_data.table import OwnTable, below_root, read_table
from monai_fairtune.cohort.own_data.yaml_text import write_section
from monai_fairtune.exceptions import ConfigurationError

__all__ = ["MAPPING", "Proposal", "propose_mapping"]

MAPPING = "mapping.yaml"
_STACKED = "as the join is open, the counts are those of rows and images one below the other"
_ALWAYS = """\
Proposed by monai-fairtune prepare table. Review every line; null is a question that only you can answer.

Cells are compared as text without blanks around them; 12.0 is 12. A blank cell is ''. Values are the cells' own:
1, 0 or drop for the label; any word, or missing, for columns; train, validation, selection, test or drop for split.
Always: directories, objects without pixels, images of several frames and second copies of one DICOM image are left
out; of rows with one key that say the same the first is taken, and none where they differ; images without a patient
id are left out; ages below 0 or above 120 years are missing; patient ids become pseudonyms; dates are never written.
"""


@dataclass(frozen=True, eq=False, repr=False)
class Proposal:
    """A mapping to review.

    Args:
        path: where it was written.
        root: of the images.
        table: the table's file.
        sections: in the order of the file.
    """

    path: Path
    root: Path
    table: Path
    sections: tuple[Proposed, ...]

    @property
    def questions(self) -> list[str]:
        """What the user has to decide."""
        return [section.question for section in self.sections if section.question is not None]

    @property
    def said(self) -> list[str]:
        """What is proposed, and the counts behind it."""
        return [f"{section.said} {section.counts}".strip() for section in self.sections]

    @property
    def next_command(self) -> str:
        """The command that writes the manifest."""
        folder = self.path.parent
        command = ["monai-fairtune", "prepare", "table", "--root", self.root, "--table", self.table]
        return shlex.join(map(str, [*command, "--output-dir", folder, "--mapping", self.path]))

    def to_dict(self) -> dict[str, Any]:
        """Returns everything as plain JSON; it holds no value of a column of ids or dates."""
        return {
            "mapping": {section.section: section.value for section in self.sections},
            "said": self.said,
            "questions": self.questions,
            "next": self.next_command,
        }

    def to_text(self) -> str:
        """Returns a page for people, up to 100 columns wide."""
        parts = [_listed("Proposed", self.said)]
        parts += [_listed("For you to decide", self.questions)] if self.questions else []
        review = "Answer what is null in it, and review the rest" if self.questions else "Review it"
        return "\n\n".join([*parts, f"Mapping: {self.path}\n{review}.\nNext: {self.next_command}"])


def propose_mapping(root: Path, table: Path, output_dir: Path, *, progress: bool = True) -> Proposal:
    """Reads headers and the table, and writes ``mapping.yaml`` for review; no manifest.

    Args:
        root: a folder of DICOM, NIfTI, PNG, JPEG, TIFF or NPY files.
        table: a CSV file, a spreadsheet or a MONAI datalist.
        output_dir: receives the mapping.
        progress: whether to draw a bar on standard error.

    Returns:
        The proposal; it has questions where the label, the join, the patient or a value's meaning is not certain.

    Raises:
        ConfigurationError: if there is a mapping already, or it cannot be written, or would lie below the root.
        ManifestError: if the table cannot be read, or there are no images.
    """
    refuse_pseudonyms_in(root, output_dir)
    path = output_dir / MAPPING
    if path.exists():
        raise ConfigurationError(
            f"'{path}' is there already and maybe reviewed. Use it with --mapping, or delete it to have one proposed "
            "anew."
        )
    read = below_root(read_table(table), root)
    sections = _sections(read, find_own_images(root, progress=progress))
    try:
        output_dir.mkdir(parents=True, exist_ok=True)
        path.write_text(_yaml(sections), encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"'{path}' cannot be written: {error.strerror}. Give another output folder."
        ) from error
    return Proposal(path, root, table, sections)


def _sections(table: OwnTable, images: OwnImages) -> tuple[Proposed, ...]:
    join, best = propose_join(table, images)
    rows = table.rows
    frame = stacked(rows, images.table) if best is None else best.joined.frame(rows, images.table)
    label = propose_label(rows, [best.join.column] if best else [])
    values = label.value["values"] or {}
    labelled = rows[label.value["column"]].map(values) != "drop" if values else rows.iloc[:, 0].notna()
    patient, age, split = propose_patient(frame, images), propose_age(frame), propose_split(rows, labelled)
    sex, about_sex = propose_sex(frame)
    taken = set(_columns([join.value, label.value, patient.value, split.value, age.value, sex]))
    columns = propose_columns(frame, taken, sex, about_sex)
    if best is None:
        patient, age, columns = (
            replace(each, notes=(_STACKED, *each.notes), counts="") for each in (patient, age, columns)
        )
    return _table_section(table), propose_images(images), join, label, patient, age, columns, split


def _table_section(table: OwnTable) -> Proposed:
    said = f"The table has {n_of(len(table.rows), 'row')} and {n_of(table.rows.shape[1], 'column')}."
    if len(table.sheets) < 2:
        return Proposed("table", table.format.plain, (), said)
    said += f" It is the sheet {table.format.sheet!r}, the first of {len(table.sheets)}."
    return Proposed("table", table.format.plain, (f"sheets: {', '.join(map(repr, table.sheets))}",), said)


def _columns(node: Any) -> list[str]:
    """Returns the columns that sections name."""
    if isinstance(node, dict):
        own = [node["column"]] if isinstance(node.get("column"), str) else []
        return own + _columns(list(node.values()))
    return [name for each in node for name in _columns(each)] if isinstance(node, list) else []


def _yaml(sections: Sequence[Proposed]) -> str:
    head = "".join(f"# {line}".rstrip() + "\n" for line in _ALWAYS.splitlines())
    return "\n".join(
        [head + "schema: 1\n", *(write_section(each.section, each.value, each.notes) for each in sections)]
    )


def _listed(title: str, sentences: Sequence[str]) -> str:
    return "\n".join([f"{title}:", *(line for text in sentences for line in wrapped(text, first="- "))])
