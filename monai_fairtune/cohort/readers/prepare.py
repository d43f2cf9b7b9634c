"""From an original download to a manifest and the record of how it came about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from monai_fairtune.cohort.hashing import file_sha256
from monai_fairtune.cohort.paths import resolve_images
from monai_fairtune.cohort.prepared import (
    MANIFEST,
    forget_prepared,
    refuse_foreign_manifest,
    refuse_output_in,
    row_counts,
    write_prepared,
)
from monai_fairtune.cohort.readers.files import linked_folders
from monai_fairtune.cohort.readers.pictures import PictureWriter, write_pictures
from monai_fairtune.cohort.readers.reader import CohortReader, FoundCohort, options_of
from monai_fairtune.exceptions import ConfigurationError, ImageError
from monai_fairtune.predictions import read_json, write_json

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["PreparedCohort", "prepare_cohort"]

_IMAGES, _IMAGES_RECORD, _LOCK = "images", "images.json", ".prepare.lock"
_MOST_NAMED, _LARGEST = 20, 4096


@dataclass(frozen=True, eq=False, repr=False)
class PreparedCohort:
    """What became of a download.

    Args:
        reader: its options are the choices that were made.
        found: what it found.
        unreadable: images that are there and cannot be decoded, and why; known only where images were written.
        manifest: the file that was written; None if images are missing and that was not allowed, or none is left.
        data_root: the folder that the manifest's images are relative to.
        rows: that are kept: those of the manifest, if there is one.
        resize: side of the written images in pixels, or None.
        table_sha256: the dataset's own tables to their hash.
        linked_folders: links to folders, which are not followed; looked for only where images are missing.
        manifest_sha256: by which the record knows its manifest; None where there is none.
    """

    reader: CohortReader
    found: FoundCohort
    unreadable: Mapping[str, str]
    manifest: Path | None
    data_root: Path
    rows: pd.DataFrame
    resize: int | None
    table_sha256: Mapping[str, str]
    linked_folders: tuple[str, ...]
    manifest_sha256: str | None = None

    @property
    def dropped(self) -> dict[str, int]:
        """The reason to how many images are not kept for it."""
        lost = {"the file is missing": len(self.found.missing), "the file cannot be decoded": len(self.unreadable)}
        return {**self.found.dropped, **{reason: n for reason, n in lost.items() if n}}

    @property
    def counts(self) -> dict[str, Any]:
        """Images, patients, label 1, and how many images lack each attribute: see ``row_counts``."""
        return row_counts(self.rows, [name for name in self.reader.about.attributes if name in self.rows.columns])

    @property
    def study(self) -> list[str]:
        """The attributes as a study may declare them, of those that the manifest has."""
        return [name for name in self.reader.about.study if name.split(":")[0] in self.rows.columns]

    @property
    def mismatches(self) -> dict[str, tuple[int, int]]:
        """What is counted to how many were found and how many are published, where these differ."""
        counts = self.found.counts
        return {name: (counts[name], n) for name, n in self.reader.about.published.items() if counts[name] != n}

    def to_dict(self) -> dict[str, Any]:
        """Returns everything as plain JSON; it names image files, and no folder outside the download."""
        about = {**asdict(self.reader.about), "study": list(self.reader.about.study)}
        name, published = about.pop("name"), about.pop("published")
        return {
            "schema": 1,
            "reader": name,
            "about": about,
            "options": options_of(self.reader),
            "resize": self.resize,
            "images": "download" if self.resize is None and self.found.picture is None else "written",
            "n_read": self.found.n_read,
            **self.counts,
            "dropped": self.dropped,
            "missing": _listed(self.found.missing),
            "unreadable": _listed([{"image": name, "reason": reason} for name, reason in self.unreadable.items()]),
            "surplus": _listed(self.found.surplus),
            "linked_folders": _listed(self.linked_folders),
            "counts": dict(self.found.counts),
            "published": published,
            "tables": dict(self.table_sha256),
            "manifest_sha256": self.manifest_sha256,
        }

    def to_text(self) -> str:
        """Returns a page for people, up to 100 columns wide."""
        from monai_fairtune.cohort.readers.prepared_text import prepared_text

        return prepared_text(self)


def prepare_cohort(
    reader: CohortReader,
    root: str | Path,
    output_dir: str | Path,
    *,
    resize: int | None = None,
    allow_missing: bool = False,
    n_workers: int = 1,
    progress: bool = True,
) -> PreparedCohort:
    """Writes ``manifest.csv`` and ``prepared.json`` for a download, which is left as it is.

    The manifest names the download's own files, unless images are resized or have to be cut out of other files: these
    are written below ``images``, and a later call writes those that are not there yet or whose file has changed.

    Args:
        reader: of the dataset.
        root: the folder that the download was unpacked into.
        output_dir: receives everything; outside ``root``.
        resize: side in pixels, up to 4096; images are written as square PNG files, their aspect ratio not kept.
        allow_missing: leave out the rows whose image is missing or cannot be decoded, instead of writing no manifest.
        n_workers: threads that write images.
        progress: whether to draw a bar on standard error.

    Returns:
        What became of it; ``manifest`` is None if images are missing and ``allow_missing`` was not given, or no image
        is left, and one of an earlier call is removed then.

    Raises:
        ConfigurationError: if the folder or an option cannot be used.
        ManifestError: if the download's tables cannot be read, or links to its images lead out of it and no images are
            written.
    """
    root, folder = Path(root), Path(output_dir)
    _require_usable(root, folder, reader, resize, n_workers)
    found = reader.read(root)
    hashes = {table: file_sha256(root / table) for table in found.tables}
    links = linked_folders(root) if found.missing else ()
    rows = found.rows[~found.rows["image"].isin(found.missing)]
    if found.missing and not allow_missing:
        if (folder / MANIFEST).exists():
            with _alone_in(folder):
                forget_prepared(folder)
        return PreparedCohort(reader, found, {}, None, root, rows, resize, hashes, links)
    unreadable: dict[str, str] = {}
    data_root = root
    with _alone_in(folder):
        if resize is not None or found.picture is not None:
            options = options_of(reader) if found.picture is not None else {}
            choices = {"reader": reader.about.name, "options": options}
            writer = PictureWriter(root, folder / _IMAGES, found.picture, resize, found.container, choices)
            _require_same_images(writer)
            errors = write_pictures(writer, list(rows["image"]), n_workers=n_workers, progress=progress)
            unreadable = {name: _reason(error, root) for name, error in errors.items()}
            rows = rows[~rows["image"].isin(unreadable)]
            rows = rows.assign(image=[writer.path(name).relative_to(folder).as_posix() for name in rows["image"]])
            data_root = folder
        else:
            resolve_images(list(rows["image"]), root)
        manifest = folder / MANIFEST if len(rows) and (allow_missing or not unreadable) else None
        prepared = PreparedCohort(reader, found, unreadable, manifest, data_root, rows, resize, hashes, links)
        if manifest is None:
            forget_prepared(folder)
        else:
            record = write_prepared(folder, rows, prepared.to_dict())
            prepared = replace(prepared, manifest_sha256=record["manifest_sha256"])
    return prepared


def _require_usable(root: Path, folder: Path, reader: CohortReader, resize: int | None, n_workers: int) -> None:
    refuse_output_in(root, folder)
    if resize is not None and not 1 <= resize <= _LARGEST:
        raise ConfigurationError(
            f"resize is {resize}. Give the side of the images in pixels, from 1 to {_LARGEST}, such as 224."
        )
    if n_workers < 1:
        raise ConfigurationError(f"n_workers is {n_workers}. Give how many threads write images, 1 or more.")
    refuse_foreign_manifest(folder, reader.about.name)


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Keeps a second process out of the folder, and says what is wrong with a folder that cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / _LOCK, timeout=0):
            yield
    except Timeout as error:
        raise ConfigurationError(
            f"Another process is preparing a cohort in '{folder}'. Wait for it, or give another output folder."
        ) from error
    except OSError as error:
        raise ConfigurationError(
            f"'{folder}' cannot be written: {error.strerror or error}. Give a folder that can be, with room enough."
        ) from error


def _require_same_images(writer: PictureWriter) -> None:
    """Refuses a folder of images that were made in another way: they may be in use, and would be written over."""
    wanted = {**writer.choices, "resize": writer.size}
    record = writer.folder / _IMAGES_RECORD
    if not record.exists() or not writer.has_written():
        write_json(record, wanted)
    elif (made := read_json(record)) != wanted:
        raise ConfigurationError(
            f"'{writer.folder}' holds images that were made with {made}, and {wanted} is asked for. "
            "Give another output folder, or delete that one."
        )


def _reason(error: ImageError, root: Path) -> str:
    """Returns why an image cannot be decoded; libraries name the whole path."""
    return str(error).replace(f"{root}/", "").replace(f"{root.resolve()}/", "")


def _listed(what: Sequence[Any]) -> dict[str, Any]:
    return {"n": len(what), "first": list(what[:_MOST_NAMED])}
