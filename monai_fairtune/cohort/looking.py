"""Opening every image of a cohort once, for all that a check asks of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from monai_fairtune.cohort.cohort import Cohort
from monai_fairtune.cohort.decode_all import decode_all
from monai_fairtune.cohort.duplicates import Duplicates, find_duplicates
from monai_fairtune.cohort.hashing import files_sha256
from monai_fairtune.cohort.quality.image_quality import measure_quality
from monai_fairtune.cohort.quality.near_duplicates import find_near_duplicates, tell_near_duplicates
from monai_fairtune.cohort.quality.recorded import Recorded
from monai_fairtune.cohort.quality.traits import ImageTraits, examine
from monai_fairtune.exceptions import ImageError

__all__ = ["Looked", "look_at_images"]

_NAMED = ("constant", "outliers")


@dataclass(frozen=True, eq=False)
class Looked:
    """What the images of a cohort showed.

    Args:
        unreadable: images that cannot be decoded: name and reason.
        duplicates: images that are the same file.
        near_duplicates: images that look alike, across splits or patients.
        near: how many those are; None where they were not searched for.
        quality: images unlike the others, and differences between subgroups: see ``measure_quality``.
    """

    unreadable: tuple[tuple[str, str], ...]
    duplicates: tuple[Duplicates, ...]
    near_duplicates: tuple[Duplicates, ...]
    near: Mapping[str, Any] | None
    quality: Mapping[str, Any]

    def unnamed_quality(self) -> dict[str, Any]:
        """Returns ``quality`` without names of images."""
        return {key: value for key, value in self.quality.items() if key not in _NAMED}

    def to_dict(self) -> dict[str, Any]:
        """Returns everything as plain JSON; it names images."""
        groups = {"groups": [group.to_dict() for group in self.near_duplicates]}
        return {
            "unreadable": [{"image": name, "reason": reason} for name, reason in self.unreadable],
            "duplicates": [group.to_dict() for group in self.duplicates],
            "near_duplicates": None if self.near is None else {**self.near, **groups},
            "image_quality": dict(self.quality),
        }


def look_at_images(cohort: Cohort, recorded: Recorded, max_distance: int | None, *, progress: bool) -> Looked:
    """Decodes, measures and hashes every image.

    Args:
        cohort: the images.
        recorded: of the same images.
        max_distance: of two hashes, for images to look alike; None for no search.
        progress: whether to draw a bar on standard error.
    """
    see = partial(examine, with_hash=max_distance is not None)
    seen = list(decode_all(cohort.images, see, progress=progress))
    rows = [row for row, image in enumerate(seen) if not isinstance(image, ImageError)]
    traits = [image for image in seen if not isinstance(image, ImageError)]
    sha256 = files_sha256([cohort.images[row] for row in rows])
    near = () if max_distance is None else _look_alike(cohort, rows, traits, sha256, max_distance)
    return Looked(
        unreadable=tuple(
            (cohort.image_names[row], str(image)) for row, image in enumerate(seen) if isinstance(image, ImageError)
        ),
        duplicates=find_duplicates(cohort, rows, sha256),
        near_duplicates=near,
        near=None if max_distance is None else tell_near_duplicates(near, max_distance),
        quality=measure_quality(traits, recorded.take(rows), [cohort.image_names[row] for row in rows]),
    )


def _look_alike(
    cohort: Cohort, rows: list[int], traits: list[ImageTraits], sha256: tuple[str, ...], max_distance: int
) -> tuple[Duplicates, ...]:
    """Leaves out images of one colour: nothing can be told apart in them."""
    hashed = [(k, image.perceptual_hash) for k, image in enumerate(traits) if not image.is_constant]
    hashes = np.array([found for _, found in hashed], dtype=np.uint8)
    kept = [k for k, _ in hashed]
    return find_near_duplicates(cohort, [rows[k] for k in kept], hashes, [sha256[k] for k in kept], max_distance)
