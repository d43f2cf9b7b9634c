"""Looking a cohort over before anything trains."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_fairtune.cohort.cohort import Cohort, assemble_cohort
from monai_fairtune.cohort.duplicates import Duplicates, contradictions, group_rows, overlap_problems
from monai_fairtune.cohort.eligibility import (
    DEFAULT_MIN_PER_CLASS,
    SmallSubgroup,
    SubgroupCounts,
    check_min_per_class,
    count_subgroups,
    refusal,
    small_subgroups,
)
from monai_fairtune.cohort.looking import Looked, look_at_images
from monai_fairtune.cohort.manifest import read_manifest
from monai_fairtune.cohort.quality.acquisition import assign_acquisition, measure_acquisition
from monai_fairtune.cohort.quality.balance import associations, measure_balance
from monai_fairtune.cohort.quality.cautions import finding_cautions
from monai_fairtune.cohort.quality.implausible import find_implausible_ages
from monai_fairtune.cohort.quality.missingness import measure_missingness
from monai_fairtune.cohort.quality.near_duplicates import checked_distance
from monai_fairtune.cohort.quality.recorded import Recorded
from monai_fairtune.cohort.splits import split_problems
from monai_fairtune.exceptions import ConfigurationError, UndefinedMetricError
from monai_fairtune.subgroups import SensitiveAttribute, minimum_detectable_gap

__all__ = ["CohortCheck", "check_manifest"]


@dataclass(frozen=True, eq=False)
class CohortCheck:
    """What there is to know about a cohort before a search.

    Args:
        cohort: what was checked.
        recorded: its labels, patients, splits, attributes and acquisition as codes.
        looked: what its images showed; None where they were not opened.
        implausible_ages: columns with ages that nobody reaches.
        min_per_class: the fewest positives and negatives for a subgroup to enter an objective.
        acquisition: how well acquisition tells label and subgroups: see ``measure_acquisition``.
        folds: the splits of searches for cross-validation, each of shape ``(n,)``; where there are any, problems and
            refusals are theirs, and the cohort's own splits are counted only.
    """

    cohort: Cohort
    recorded: Recorded
    looked: Looked | None
    implausible_ages: Sequence[str]
    min_per_class: int
    acquisition: tuple[Mapping[str, Any], ...]
    folds: tuple[NDArray[np.str_], ...] = ()

    @cached_property
    def counts(self) -> dict[str, Any]:
        """As ``Cohort.counts``."""
        return self.cohort.counts()

    @cached_property
    def balance(self) -> dict[str, Any]:
        """Counts and prevalence by split, subgroup, intersection and acquisition: see ``measure_balance``."""
        return measure_balance(self.recorded)

    @cached_property
    def associations(self) -> list[dict[str, Any]]:
        """What goes with what: see ``associations``."""
        return associations(self.recorded)

    @cached_property
    def missingness(self) -> dict[str, Any]:
        """Where attributes are not recorded: see ``measure_missingness``."""
        return measure_missingness(self.recorded)

    @cached_property
    def detectable_gaps(self) -> dict[str, dict[str, float | str]]:
        """Attribute to split to the smallest AUROC gap that the split would probably show, or why it shows none."""
        return {
            name: {split: _detectable_gap(counts[name]) for split, counts in self._class_counts.items()}
            for name in self.cohort.subgroups
        }

    @cached_property
    def small(self) -> tuple[SmallSubgroup, ...]:
        """The subgroups that a search would find too small, split by split: see ``small_subgroups``."""
        return small_subgroups(self._class_counts, self.min_per_class)

    @cached_property
    def refused(self) -> dict[str, str]:
        """The attributes that a search would refuse, and why: by the search's own rule, on the first such fold."""
        found: dict[str, str] = {}
        for where, cohort in self._searched():
            for name in cohort.subgroups:
                reason = refusal(cohort, [name], self.min_per_class)
                if reason is not None:
                    found.setdefault(name, f"{where}{reason}")
        return found

    @property
    def problems(self) -> tuple[str, ...]:
        """What must be mended first: a search on this manifest would stop, whatever the attribute."""
        return self.find_problems(naming=True)

    def find_problems(self, *, naming: bool) -> tuple[str, ...]:
        """Returns the problems, with or without names of images."""
        bad = () if self.looked is None else _unreadable_problem(self.cohort.n, len(self.looked.unreadable))
        for where, cohort in self._searched():
            unsplit = split_problems(cohort.splits, cohort.patient_ids, cohort.labels)
            found = (*unsplit, *overlap_problems(self._duplicates(cohort), naming=naming))
            if found:
                return (*bad, *(f"{where}{problem}" for problem in found))
        return bad

    @property
    def cautions(self) -> tuple[str, ...]:
        """What looks wrong and stops nothing."""
        files = () if self.looked is None else contradictions(self.looked.duplicates)
        return (*files, *finding_cautions(self.findings()))

    @property
    def passed(self) -> bool:
        """Whether there is no problem, and an attribute at least that a search would not refuse."""
        return not self.problems and len(self.refused) < len(self.cohort.subgroups)

    def _searched(self) -> Iterator[tuple[str, Cohort]]:
        """Yields what searches would split the cohort into, each with how a text about it begins."""
        if not self.folds:
            yield "", self.cohort
        for number, names in enumerate(self.folds, start=1):
            yield f"Fold {number}: ", replace(self.cohort, splits=names)

    def _duplicates(self, cohort: Cohort) -> tuple[Duplicates, ...]:
        """Returns the equal files with the splits that they are in there."""
        if self.looked is None:
            return ()
        rows = {name: row for row, name in enumerate(cohort.image_names)}
        return tuple(group_rows(cohort, [rows[name] for name in group.images]) for group in self.looked.duplicates)

    @cached_property
    def _class_counts(self) -> SubgroupCounts:
        return count_subgroups(self.cohort, self.cohort.subgroups)

    def findings(self) -> dict[str, Any]:
        """Returns what was found in table and images, as plain JSON that names neither image nor patient."""
        looked = self.looked
        return {
            "class_names": list(self.cohort.class_names),
            "split_rule": self.cohort.split_rule,
            "minimum_detectable_gap": {
                attribute: {split: _value(gap) for split, gap in gaps.items()}
                for attribute, gaps in self.detectable_gaps.items()
            },
            "min_per_class": self.min_per_class,
            "balance": self.balance,
            "associations": self.associations,
            "missingness": self.missingness,
            "implausible_ages": list(self.implausible_ages),
            "acquisition_columns": list(self.recorded.acquisition),
            "acquisition": list(self.acquisition),
            "near_duplicates": None if looked is None else looked.near,
            "image_quality": None if looked is None else looked.unnamed_quality(),
        }

    def to_dict(self) -> dict[str, Any]:
        """Returns everything as plain JSON; it names images, but no patient. What needs images is None without them."""
        looked = self.looked
        found = {
            "passed": self.passed,
            "problems": list(self.problems),
            "refused": self.refused,
            "cautions": list(self.cautions),
            **self.counts,
            **self.findings(),
            "unreadable": None,
            "duplicates": None,
            "below_min_per_class": [vars(cell) for cell in self.small],
        }
        return found if looked is None else {**found, **looked.to_dict()}

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
    split_by: str | None = None,
    split_file: str | Path | None = None,
    train_fraction: float = 1.0,
    where: str | None = None,
    seed: int = 0,
    acquisition: Sequence[str] = (),
    images: bool = True,
    near_duplicates: int | None = None,
    min_per_class: int = DEFAULT_MIN_PER_CLASS,
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
        split_by: see there.
        split_file: see there.
        train_fraction: see there.
        where: see there.
        seed: see there; also deals patients to folds where acquisition is assessed.
        acquisition: columns that say how images came about, declared as attributes are, such as ``"site"``.
        images: whether to open the images; without, only the table is checked.
        near_duplicates: in how many of 256 bits the perceptual hashes of two images may differ for them to look alike;
            by default 20 where ImageHash is installed, and no search where it is not.
        min_per_class: the fewest positives and negatives for a subgroup to enter an objective, from 1.
        progress: whether to draw a bar on standard error.

    Raises:
        ManifestError: if the table is incomplete or inconsistent, or an image lies outside the data root.
        AttributeDeclarationError: if an attribute or an acquisition column cannot be read from the table.
        SplitError: if the column ``split`` or the split file names unknown splits or lacks one.
        ConfigurationError: if ``where``, a fraction, ``near_duplicates`` or ``min_per_class`` cannot be used, or
            something is declared both as attribute and as acquisition.
    """
    max_distance = checked_distance(near_duplicates)
    check_min_per_class(min_per_class)
    _refuse_double_declarations(attributes, acquisition)
    rows = read_manifest(manifest, where=where)
    cohort = assemble_cohort(
        rows,
        attributes,
        Path(manifest).parent if data_root is None else data_root,
        split_fractions=split_fractions,
        split_by=split_by,
        split_file=split_file,
        train_fraction=train_fraction,
        seed=seed,
    )
    table = rows.table.set_index("image").loc[list(cohort.image_names)]
    recorded = Recorded(
        cohort.labels,
        np.unique(cohort.patient_ids, return_inverse=True)[1],
        cohort.splits,
        cohort.subgroups,
        assign_acquisition(table, acquisition),
    )
    return CohortCheck(
        cohort=cohort,
        recorded=recorded,
        looked=look_at_images(cohort, recorded, max_distance, progress=progress) if images else None,
        implausible_ages=find_implausible_ages(table, cohort.subgroups),
        min_per_class=min_per_class,
        acquisition=tuple(measure_acquisition(recorded, seed=seed)),
    )


def _refuse_double_declarations(attributes: Sequence[SensitiveAttribute], acquisition: Sequence[str]) -> None:
    twice = sorted({attribute.declaration for attribute in attributes} & set(acquisition))
    if twice:
        raise ConfigurationError(f"{twice} are declared as attributes and as acquisition. Give each once.")


def _unreadable_problem(n: int, n_unreadable: int) -> tuple[str, ...]:
    if not n_unreadable:
        return ()
    return (
        f"{n_unreadable} of {n} images cannot be read. Replace the files, or leave their rows out of the manifest.",
    )


def _detectable_gap(counts: Mapping[str, tuple[int, int]]) -> float | str:
    try:
        return minimum_detectable_gap(counts)
    except UndefinedMetricError as error:
        return str(error)


def _value(gap: float | str) -> dict[str, Any]:
    return {"value": None, "reason": gap} if isinstance(gap, str) else {"value": gap}
