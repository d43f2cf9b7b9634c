"""Looking a cohort over before anything trains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monai_fairtune.cohort.cohort import Cohort, assemble_cohort
from monai_fairtune.cohort.decode_all import decode_all
from monai_fairtune.cohort.duplicates import DuplicateFiles, contradictions, find_duplicates, overlap_problems
from monai_fairtune.cohort.hashing import files_sha256
from monai_fairtune.cohort.splits import split_problems
from monai_fairtune.exceptions import ImageError, UndefinedMetricError
from monai_fairtune.subgroups import SensitiveAttribute, class_counts, minimum_detectable_gap

__all__ = ["CohortCheck", "SmallSubgroup", "check_manifest"]


@dataclass(frozen=True)
class SmallSubgroup:
    """A subgroup that holds too few images of a class in one split."""

    split: str
    attribute: str
    subgroup: str
    n_negative: int
    n_positive: int


@dataclass(frozen=True, eq=False)
class CohortCheck:
    """What there is to know about a cohort before a search.

    Args:
        counts: as ``Cohort.counts``.
        split_rule: how the splits came about.
        class_names: what 0 and 1 mean.
        unreadable: images that cannot be decoded: name and reason.
        duplicates: images that are the same file.
        detectable_gaps: attribute to split to the smallest AUROC gap that the split would probably show, or why it
            shows none.
        small: the subgroups below ``min_per_class`` in each split but train.
        min_per_class: the fewest positives and negatives for a subgroup to enter an objective.
        problems: what must be mended first: a search on this manifest would stop.
        cautions: what looks wrong and stops nothing.
    """

    counts: Mapping[str, Any]
    split_rule: str
    class_names: tuple[str, str]
    unreadable: tuple[tuple[str, str], ...]
    duplicates: tuple[DuplicateFiles, ...]
    detectable_gaps: Mapping[str, Mapping[str, float | str]]
    small: tuple[SmallSubgroup, ...]
    min_per_class: int
    problems: tuple[str, ...]
    cautions: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether there is no problem. Small subgroups are none: another attribute may be searched for."""
        return not self.problems

    def to_dict(self) -> dict[str, Any]:
        """Returns everything as plain JSON; it names images, but no patient."""
        return {
            "passed": self.passed,
            "problems": list(self.problems),
            "cautions": list(self.cautions),
            **self.counts,
            "class_names": list(self.class_names),
            "split_rule": self.split_rule,
            "unreadable": [{"image": name, "reason": reason} for name, reason in self.unreadable],
            "duplicates": [group.to_dict() for group in self.duplicates],
            "minimum_detectable_gap": {
                attribute: {split: _value(gap) for split, gap in gaps.items()}
                for attribute, gaps in self.detectable_gaps.items()
            },
            "min_per_class": self.min_per_class,
            "below_min_per_class": [vars(cell) for cell in self.small],
        }

    def to_text(self) -> str:
        """Returns a page for people, up to 100 columns wide."""
        from monai_fairtune.cohort.check_text import check_text

        return check_text(self)


def check_manifest(
    manifest: str | Path,
    attributes: Sequence[SensitiveAttribute],
    *,
    data_root: str | Path | None = None,
    split_fractions: Sequence[float] | None = None,
    train_fraction: float = 1.0,
    where: str | None = None,
    seed: int = 0,
    image_size: int = 64,
    min_per_class: int = 20,
    progress: bool = True,
) -> CohortCheck:
    """Reads a manifest as :meth:`Cohort.from_manifest` does, decodes every image, and says all that is wrong at once.

    Images that are missing or damaged, patients in two splits and empty splits are reported, not raised: they can be
    mended together.

    Args:
        manifest: as for ``Cohort.from_manifest``, like the arguments up to ``seed``.
        attributes: the sensitive attributes to assess.
        data_root: see there.
        split_fractions: see there.
        train_fraction: see there.
        where: see there.
        seed: see there.
        image_size: the size to decode to, in pixels; what is decoded is not kept.
        min_per_class: the fewest positives and negatives for a subgroup to enter an objective.
        progress: whether to draw a bar on standard error.

    Raises:
        ManifestError: if the table is incomplete or inconsistent, or an image lies outside the data root.
        AttributeDeclarationError: if an attribute cannot be read from the table.
        SplitError: if the column ``split`` names unknown splits or lacks one.
        ConfigurationError: if ``where`` or a fraction cannot be used.
    """
    cohort = assemble_cohort(
        manifest,
        attributes,
        data_root=data_root,
        split_fractions=split_fractions,
        train_fraction=train_fraction,
        where=where,
        seed=seed,
    )
    reasons = _unreadable(cohort, image_size, progress=progress)
    rows = [row for row in range(cohort.n) if row not in reasons]
    duplicates = find_duplicates(cohort, rows, files_sha256([cohort.images[row] for row in rows]))
    return CohortCheck(
        counts=cohort.counts(),
        split_rule=cohort.split_rule,
        class_names=cohort.class_names,
        unreadable=tuple((cohort.image_names[row], reason) for row, reason in reasons.items()),
        duplicates=duplicates,
        detectable_gaps={
            name: {split: _detectable_gap(cohort, split, name) for split in cohort.split_names[1:]}
            for name in cohort.subgroups
        },
        small=tuple(_small_subgroups(cohort, min_per_class)),
        min_per_class=min_per_class,
        problems=(
            *_unreadable_problem(cohort.n, len(reasons)),
            *split_problems(cohort.splits, cohort.patient_ids, cohort.labels),
            *overlap_problems(duplicates),
        ),
        cautions=contradictions(duplicates),
    )


def _unreadable(cohort: Cohort, image_size: int, *, progress: bool) -> dict[int, str]:
    """Returns the rows whose image cannot be decoded, and why."""
    from monai_fairtune.cohort.preprocessing import Preprocessing

    images = decode_all(cohort.images, Preprocessing(image_size), progress=progress)
    return {row: str(image) for row, image in enumerate(images) if isinstance(image, ImageError)}


def _unreadable_problem(n: int, n_unreadable: int) -> tuple[str, ...]:
    if not n_unreadable:
        return ()
    return (
        f"{n_unreadable} of {n} images cannot be read. Replace the files, or leave their rows out of the manifest.",
    )


def _class_counts(cohort: Cohort, split: str, attribute: str) -> dict[str, tuple[int, int]]:
    rows = cohort.indices(split)
    return class_counts(cohort.subgroups[attribute].take(rows), cohort.labels[rows])


def _detectable_gap(cohort: Cohort, split: str, attribute: str) -> float | str:
    try:
        return minimum_detectable_gap(_class_counts(cohort, split, attribute))
    except UndefinedMetricError as error:
        return str(error)


def _small_subgroups(cohort: Cohort, min_per_class: int) -> list[SmallSubgroup]:
    return [
        SmallSubgroup(split, attribute, name, *cell)
        for split in cohort.split_names[1:]
        for attribute in cohort.subgroups
        for name, cell in _class_counts(cohort, split, attribute).items()
        if min(cell) < min_per_class
    ]


def _value(gap: float | str) -> dict[str, Any]:
    return {"value": None, "reason": gap} if isinstance(gap, str) else {"value": gap}
