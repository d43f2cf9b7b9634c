"""What ``monai-fairtune prepare`` leaves in a folder: the manifest, and the record of how it came about."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monai_fairtune.cohort.console import wrapped
from monai_fairtune.cohort.hashing import file_sha256
from monai_fairtune.exceptions import ConfigurationError
from monai_fairtune.predictions import read_json, write_durably, write_json
from monai_fairtune.predictions.safe_csv import csv_bytes

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "MANIFEST",
    "RECORD",
    "check_command",
    "counts_text",
    "forget_prepared",
    "preparation_rules",
    "read_prepared",
    "refuse_foreign_manifest",
    "refuse_output_in",
    "row_counts",
    "write_prepared",
]

MANIFEST, RECORD = "manifest.csv", "prepared.json"
_CHOICES = ("reader", "options", "mapping", "resize")
_OBJECTS = ("about", "options", "mapping", "dropped", "tables")  # of the record, where it has them
_NAMING = ("missing", "unreadable", "surplus", "linked_folders")  # lists of files in the record


def row_counts(rows: pd.DataFrame, attributes: Iterable[str]) -> dict[str, Any]:
    """Returns what the record counts of a manifest: images, patients, label 1, and images that lack an attribute.

    Args:
        rows: of the manifest, all text.
        attributes: names of columns.
    """
    return {
        "n": len(rows),
        "n_patients": int(rows["patient_id"].nunique()),
        "n_positive": int((rows["label"] == "1").sum()),
        "not_recorded": {name: int((rows[name] == "").sum()) for name in attributes},
    }


def counts_text(what: str, counts: Mapping[str, int]) -> list[str]:
    """Returns the lines that tell of what, how many, such as ``Not recorded: sex (3).``; none where all are 0."""
    told = ", ".join(f"{name} ({n})" for name, n in counts.items() if n)
    return wrapped(f"{what}: {told}.") if told else []


def check_command(manifest: Path, data_root: Path, attributes: Iterable[str]) -> str:
    """Returns the command that looks at a manifest."""
    command = ["monai-fairtune", "check", str(manifest), "--data-root", str(data_root)]
    return shlex.join([*command, "--attribute", *attributes])


def write_prepared(folder: Path, rows: pd.DataFrame, record: Mapping[str, Any], *, mode: int = 0o644) -> dict[str, Any]:
    """Writes a manifest and the record beside it.

    Args:
        folder: receives both.
        rows: of the manifest.
        record: plain JSON.
        mode: the manifest's permissions, before the process's umask.

    Returns:
        The record as it is written: it knows its manifest by ``manifest_sha256``.
    """
    manifest = csv_bytes(rows)
    whole = {**record, "manifest_sha256": hashlib.sha256(manifest).hexdigest()}
    write_json(folder / RECORD, whole)  # first: a manifest without a record would be taken for somebody else's
    write_durably(folder / MANIFEST, manifest, mode=mode)
    return whole


def forget_prepared(folder: Path) -> None:
    """Removes manifest and record of an earlier call: they would be taken for what became of this one."""
    for name in (MANIFEST, RECORD):
        (folder / name).unlink(missing_ok=True)


def refuse_foreign_manifest(folder: Path, reader: str) -> None:
    """Keeps a manifest that somebody wrote by other means, or that is another dataset's.

    Args:
        folder: that may hold one.
        reader: whose manifest may be there.

    Raises:
        ConfigurationError: if the folder holds another one.
    """
    if not (folder / MANIFEST).exists():
        return
    record = _read_record(folder)
    if record is None and (folder / RECORD).exists():
        raise ConfigurationError(
            f"'{folder / RECORD}' is damaged, or no record of this command. Delete it and the {MANIFEST} beside it if "
            "that was prepared and not changed since; else give another output folder."
        )
    if record is None:
        raise ConfigurationError(
            f"'{folder}' holds a {MANIFEST} that was not prepared by this command. Give another output folder."
        )
    if record["reader"] != reader:
        raise ConfigurationError(
            f"'{folder}' holds the manifest of {record['reader']!r}, and {reader!r} is to be prepared. Give "
            "another output folder."
        )


def refuse_output_in(root: Path, folder: Path) -> None:
    """Keeps what is read as it is.

    Raises:
        ConfigurationError: if the output folder is the root, or below it.
    """
    if folder.resolve().is_relative_to(root.resolve()):
        raise ConfigurationError(
            f"The output folder '{folder}' is in the root '{root}', which stays as it is. Give a folder outside."
        )


def read_prepared(manifest: Path) -> Mapping[str, Any] | None:
    """Returns what ``monai-fairtune prepare`` recorded of a manifest, lists of files as counts.

    None where it did not write that file, or the file was changed since. A record that is damaged, or somebody else's,
    is none: the manifest is read without it too.
    """
    record = _read_record(manifest.parent)
    return record if record and record.get("manifest_sha256") == file_sha256(manifest) else None


def _read_record(folder: Path) -> dict[str, Any] | None:
    try:
        found = read_json(folder / RECORD)
    except (OSError, ValueError):
        return None
    if not isinstance(found, dict) or not isinstance(found.get("reader"), str):
        return None
    if not all(isinstance(found.get(name, {}), dict) for name in _OBJECTS):
        return None
    return {key: _count(value) if key in _NAMING else value for key, value in found.items()}


def preparation_rules(prepared: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Returns the choices that a cohort was prepared by, as a result tells them: no count, and no name of a file.

    Args:
        prepared: as :func:`read_prepared` returns it.
    """
    if prepared is None:
        return None
    about = prepared.get("about", {})
    told = {"dataset": about.get("title"), "label": about.get("label"), **{key: prepared.get(key) for key in _CHOICES}}
    return {key: value for key, value in told.items() if value is not None}


def _count(listed: object) -> object:
    if isinstance(listed, Mapping):
        return listed.get("n")
    return len(listed) if isinstance(listed, list) else listed
