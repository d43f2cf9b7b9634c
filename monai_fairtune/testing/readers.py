"""What every ``CohortReader`` must do: run these against a reader of your own, and a small download of its layout."""

from __future__ import annotations

import dataclasses
import pickle
from pathlib import Path

from monai_fairtune.cohort.decoding import decode_image
from monai_fairtune.cohort.readers import CohortReader, FoundCohort

__all__ = [
    "check_reader",
    "check_reader_accounts_for_every_row",
    "check_reader_describes_itself",
    "check_reader_leaves_the_download_alone",
    "check_reader_makes_a_manifest",
    "check_reader_tells_which_images_are_there",
]

_SPLITS = {"train", "validation", "selection", "test"}


def check_reader(reader: CohortReader, root: Path) -> None:
    """Runs every check.

    Args:
        reader: to be checked.
        root: of a download that lacks some of the images that its tables name.

    Raises:
        AssertionError: naming what does not hold.
    """
    check_reader_describes_itself(reader, root)
    check_reader_makes_a_manifest(reader, root)
    check_reader_accounts_for_every_row(reader, root)
    check_reader_tells_which_images_are_there(reader, root)
    check_reader_leaves_the_download_alone(reader, root)


def check_reader_describes_itself(reader: CohortReader, root: Path) -> None:
    """Every text is there, every option has a default and a help text, and what is published is counted."""
    blank = [name for name, value in vars(reader.about).items() if not value and name != "published"]
    _require(not blank, f"it says nothing about {blank}")
    options = dataclasses.fields(reader)  # type: ignore[arg-type]
    bare = [each.name for each in options if each.default is dataclasses.MISSING or not each.metadata.get("help")]
    _require(not bare, f"the options {bare} have no default or no help text")
    _require(pickle.loads(pickle.dumps(reader)) == reader, "it cannot be sent to another process")  # noqa: S301
    _require(set(reader.read(root).counts) == set(reader.about.published), "it does not count what is published")


def check_reader_makes_a_manifest(reader: CohortReader, root: Path) -> None:
    """The rows are text, in the contract's columns, with one row an image, a patient, and the label 0 or 1."""
    found = reader.read(root)
    rows = found.rows
    first = ["image", "label", "label_name", "patient_id"]
    _require(list(rows.columns[:4]) == first, f"the columns begin with {list(rows.columns[:4])}")
    strange = [name for name in rows.columns if not rows[name].map(lambda cell: isinstance(cell, str)).all()]
    _require(not strange, f"the columns {strange} hold cells that are not text")
    _require(set(rows["label"]) == {"0", "1"}, f"the labels are {sorted(set(rows['label']))}")
    _require(not rows["image"].duplicated().any(), "an image has two rows")
    _require(bool((rows[first] != "").all(axis=None)), "an image, label or patient is blank")
    _require("split" not in rows or set(rows["split"]) <= _SPLITS, "a split is not one of ours")
    _require(bool(set(reader.about.attributes) & set(rows.columns)), "no attribute has a column")
    studied = [each for name in reader.about.study for each in name.split("*")]
    _require({each.split(":")[0] for each in studied} <= set(reader.about.attributes), "the study names no attribute")


def check_reader_accounts_for_every_row(reader: CohortReader, root: Path) -> None:
    """Every row that is read is kept, or dropped for a reason."""
    found = reader.read(root)
    n_dropped = sum(found.dropped.values())
    _require(found.n_read == len(found.rows) + n_dropped, f"{len(found.rows)} + {n_dropped} is not {found.n_read}")
    _require(all(reason and n > 0 for reason, n in found.dropped.items()), "rows are dropped without a reason")
    _require(reader.read(root).rows.equals(found.rows), "a second reading differs")


def check_reader_tells_which_images_are_there(reader: CohortReader, root: Path) -> None:
    """Images that are missing are named; the others can be decoded; files without a row are listed, not used."""
    found = reader.read(root)
    images = list(found.rows["image"])
    _require(bool(found.missing) == bool(found.tables), "no image is missing: give a download that lacks one")
    _require(set(found.missing) < set(images), "the missing images are not some of the rows' images")
    _require(not set(found.surplus) & set(images), "a file is surplus and has a row")
    _require(all((root / name).is_file() for name in found.tables), "a table is not a file of the download")
    for name in sorted(set(images) - set(found.missing)):
        cut_of = root / (found.container or name)
        _require(
            cut_of.is_file(), f"the image {name!r} is cut out of a file that is not there: name it as the container"
        )
        pixels = decode_image(root / name) if found.picture is None else found.picture(root, name)
        _require(pixels.size > 0, f"the image {name!r} has no pixels")


def check_reader_leaves_the_download_alone(reader: CohortReader, root: Path) -> None:
    """Nothing below the root is written, renamed or removed."""
    before = _state(root)
    _read_all(reader.read(root), root)
    _require(_state(root) == before, "the download has changed")


def _read_all(found: FoundCohort, root: Path) -> None:
    if found.picture is not None:
        for name in set(found.rows["image"]) - set(found.missing):
            found.picture(root, name)


def _state(root: Path) -> dict[Path, tuple[int, int]]:
    return {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in sorted(root.rglob("*"))}


def _require(holds: bool, complaint: str) -> None:
    if not holds:
        raise AssertionError(f"This reader does not hold its promise: {complaint}.")
