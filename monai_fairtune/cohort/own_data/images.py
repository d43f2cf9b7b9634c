"""The images below a root: their names and, of DICOM files, their headers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal, get_args

import pandas as pd

from monai_fairtune.cohort.console import n_of
from monai_fairtune.cohort.decoding.decode import ARRAYS, NIFTI, PICTURES, SUFFIXES
from monai_fairtune.cohort.own_data.headers import ELEMENTS, NoImage, read_headers
from monai_fairtune.cohort.own_data.sources import Source
from monai_fairtune.cohort.readers.files import find_images, linked_folders
from monai_fairtune.exceptions import ManifestError

__all__ = ["KINDS", "ImageKind", "OwnImages", "find_own_images", "without_ending"]

ImageKind = Literal["dicom", "nifti", "pictures"]
KINDS: tuple[ImageKind, ...] = get_args(ImageKind)

_ENDINGS: Mapping[ImageKind, tuple[str, ...]] = {"nifti": NIFTI, "pictures": (*PICTURES, *ARRAYS)}
_LINK = "a link to a folder, which is not followed"
_COPY = "a copy of a DICOM image that is there already"


@dataclass(frozen=True, eq=False, repr=False)
class OwnImages:
    """The images of one kind below a root.

    Args:
        kind: of the images.
        table: one row an image, sorted by path; all text, blank where absent. Columns are named as ``Source`` says:
            ``image path``, ``image name``, ``image stem``, and of DICOM images ``dicom <keyword>``.
        n_of_kind: kind to how many images there are of it.
        left_out: why a file is no image of the cohort, to how many there are.
    """

    kind: ImageKind
    table: pd.DataFrame
    n_of_kind: Mapping[ImageKind, int]
    left_out: Mapping[str, int]

    @property
    def sources(self) -> list[Source]:
        """What is known of every image."""
        elements = [Source("dicom", keyword) for keyword in ELEMENTS] if self.kind == "dicom" else []
        return [*elements, *(Source("image", name) for name in ("path", "name", "stem"))]


def find_own_images(root: Path, kind: ImageKind | None = None, *, progress: bool = False) -> OwnImages:
    """Returns the images below ``root``; pixels are not decoded.

    Args:
        root: a folder; hidden files are left alone, links to folders are not followed.
        kind: which images to take; None for the kind that most are of.
        progress: whether to draw a bar on standard error while DICOM headers are read.

    Raises:
        ManifestError: if the root is no folder, or holds no image of that kind.
    """
    if not root.is_dir():
        raise ManifestError(f"The root '{root}' is not a folder. Give the folder that holds the images.")
    names: dict[ImageKind, list[str]] = {each: [] for each in KINDS}
    for name in find_images(root, ("",)):
        names[_kind_by_ending(name)].append(name)
    n_files = sum(map(len, names.values()))
    headers = read_headers([root / name for name in names["dicom"]], progress=progress)
    read = {name: header for name, header in zip(names["dicom"], headers, strict=True) if isinstance(header, dict)}
    left_out = Counter(header.value for header in headers if isinstance(header, NoImage))
    n_links = len(linked_folders(root))
    left_out.update({_LINK: n_links} if n_links else {})
    n_of_kind = {each: len(read if each == "dicom" else names[each]) for each in KINDS}
    chosen = max(KINDS, key=lambda each: n_of_kind[each]) if kind is None else kind
    if not n_of_kind[chosen]:
        raise ManifestError(
            f"Among the {n_of(n_files, 'file')} below '{root}' is no {_an_image(kind)}: "
            f"{dict(left_out) or 'it is empty'}. "
            f"Give a folder with DICOM files, or files ending in {', '.join(SUFFIXES)}."
        )
    left_out.update({f"an image of another kind, {each}": n for each, n in n_of_kind.items() if each != chosen and n})
    table = _table(list(read) if chosen == "dicom" else names[chosen])
    if chosen == "dicom":
        elements = pd.DataFrame(list(read.values())).rename(columns=lambda keyword: str(Source("dicom", keyword)))
        table = pd.concat([table, elements], axis="columns")
        uid = table[str(Source("dicom", "SOPInstanceUID"))]
        is_copy = uid.duplicated() & (uid != "")
        left_out.update({_COPY: int(is_copy.sum())} if is_copy.any() else {})
        table = table[~is_copy].reset_index(drop=True)
    return OwnImages(chosen, table, n_of_kind, dict(left_out))


def without_ending(name: str) -> str:
    """Returns a file's name without the ending of an image format; other endings are part of the name.

    Example:
        >>> without_ending("a.nii.gz"), without_ending("1.2.840.3")
        ('a', '1.2.840.3')
    """
    lower = name.lower()
    for suffix in sorted(SUFFIXES, key=len, reverse=True):
        if lower.endswith(suffix):
            return name[: -len(suffix)]
    return name


def _kind_by_ending(name: str) -> ImageKind:
    """Returns what a file's ending says; without a known one it may be DICOM, which its first bytes decide."""
    return next((kind for kind, endings in _ENDINGS.items() if name.lower().endswith(endings)), "dicom")


def _an_image(kind: ImageKind | None) -> str:
    return f"image of the kind {kind!r}" if kind else "image"


def _table(paths: Sequence[str]) -> pd.DataFrame:
    names = [PurePosixPath(path).name for path in paths]
    columns = {"path": list(paths), "name": names, "stem": [without_ending(name) for name in names]}
    return pd.DataFrame({str(Source("image", name)): pd.Series(cells, dtype=object) for name, cells in columns.items()})
