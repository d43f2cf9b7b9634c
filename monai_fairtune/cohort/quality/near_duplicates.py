"""Images that look alike and are not the same file: copies that were compressed, brightened or cut a little."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from monai_fairtune.cohort.duplicates import Duplicates, group_rows
from monai_fairtune.cohort.quality.hamming import close_pairs
from monai_fairtune.exceptions import ConfigurationError

if TYPE_CHECKING:
    from monai_fairtune.cohort.cohort import Cohort

__all__ = [
    "MAX_DISTANCE",
    "N_BITS",
    "can_hash",
    "checked_distance",
    "find_near_duplicates",
    "near_duplicate_cautions",
    "perceptual_hash",
    "tell_near_duplicates",
]

_SIDE = 16
N_BITS = _SIDE * _SIDE
"""Length of a perceptual hash."""

MAX_DISTANCE = 20
"""In how many bits two hashes may differ by default.

Copies in JPEG quality 50, brightened by a tenth, or cut by a fiftieth at the edges differ in at most 26 bits, nearly
all in fewer than 20; images of different patients in at least 22 (aligned MR slices), 46 and 60 (photographs of skin).
"""

_LARGEST_DISTANCE = 24


def can_hash() -> bool:
    """Returns whether ImageHash is installed."""
    return importlib.util.find_spec("imagehash") is not None


def checked_distance(asked: int | None) -> int | None:
    """Returns in how many bits hashes may differ; None where near-duplicates cannot be searched for.

    Args:
        asked: by the user; None for the default where ImageHash is installed, and no search where it is not.

    Raises:
        ConfigurationError: if it is out of range, or ImageHash is asked for and not installed.
    """
    if asked is None:
        return MAX_DISTANCE if can_hash() else None
    if not 0 <= asked <= _LARGEST_DISTANCE:
        raise ConfigurationError(
            f"near_duplicates is {asked}. Give in how many of {N_BITS} bits two images' hashes may differ, "
            f"from 0 to {_LARGEST_DISTANCE}."
        )
    if not can_hash():
        raise ConfigurationError(
            "Near-duplicates are found by ImageHash, which is not installed. Run pip install 'monai-fairtune[quality]'."
        )
    return asked


def perceptual_hash(grey: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Returns what an image looks like in 256 bits: shape ``(32,)``.

    Args:
        grey: shape ``(H, W)``, in [0, 1].

    Source:
        The signs of the lowest frequencies of a discrete cosine transform about their median, by ImageHash's ``phash``;
        see Zauner, "Implementation and benchmarking of perceptual image hash functions" (2010).
    """
    from imagehash import phash
    from PIL import Image

    picture = Image.fromarray(np.round(grey * 255).astype(np.uint8))
    return np.packbits(phash(picture, hash_size=_SIDE).hash.ravel())


def find_near_duplicates(
    cohort: Cohort,
    rows: Sequence[int],
    hashes: NDArray[np.uint8],
    sha256: Sequence[str],
    max_distance: int,
) -> tuple[Duplicates, ...]:
    """Returns the groups of images that look alike and are in several splits, or of several patients.

    A group links each image to one that it looks like, so that its ends may differ more. Groups whose files are all
    equal are left out: ``find_duplicates`` has them.

    Args:
        cohort: the images.
        rows: positions within the cohort, shape ``(n,)``.
        hashes: of these rows, shape ``(n, 32)``.
        sha256: of these rows' files.
        max_distance: in how many bits two hashes may differ.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if not len(rows):
        return ()
    distinct, position = np.unique(hashes, axis=0, return_inverse=True)
    position = position.ravel()
    pairs, distances = close_pairs(distinct, max_distance)
    links = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(distinct), len(distinct)))
    component = connected_components(links, directed=False)[1]
    farthest = np.zeros(len(distinct), dtype=np.int64)
    np.maximum.at(farthest, component[pairs[:, 0]], distances)
    groups = []
    for label, members in _groups(component[position]):
        chosen = [rows[k] for k in members]
        if len({sha256[k] for k in members}) > 1:
            groups.append(group_rows(cohort, chosen, distance=int(farthest[label])))
    return tuple(group for group in groups if len(group.splits) > 1 or group.n_patients > 1)


def _groups(labels: NDArray[np.int64]) -> Iterator[tuple[int, list[int]]]:
    """Yields the positions of each label that occurs more than once, by first occurrence."""
    order = np.argsort(labels, kind="stable")
    bounds = np.flatnonzero(np.diff(labels[order])) + 1
    several = [part.tolist() for part in np.split(order, bounds) if len(part) > 1]
    for members in sorted(several):
        yield int(labels[members[0]]), members


def tell_near_duplicates(groups: Sequence[Duplicates], max_distance: int) -> dict[str, Any]:
    """Returns how many there are, as plain JSON without a name."""
    return {
        "max_distance": max_distance,
        "n_bits": N_BITS,
        "n_groups": len(groups),
        "n_images": sum(len(group.images) for group in groups),
        "n_across_splits": sum(len(group.splits) > 1 for group in groups),
        "n_across_patients": sum(group.n_patients > 1 for group in groups),
        "n_with_both_labels": sum(len(group.labels) > 1 for group in groups),
    }


def near_duplicate_cautions(told: Mapping[str, Any]) -> Iterator[str]:
    """Yields what to do about images that look alike, if there are any."""
    if told["n_groups"]:
        yield (
            f"{told['n_groups']} groups of images look alike and are not the same file (at most "
            f"{told['max_distance']} of {told['n_bits']} bits differ): {told['n_across_splits']} reach over several "
            f"splits, {told['n_across_patients']} over several patients, {told['n_with_both_labels']} have both "
            "labels. Look at them: copies belong to one patient and one split."
        )
