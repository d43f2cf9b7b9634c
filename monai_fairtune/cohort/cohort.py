"""Images, labels, patients, sensitive attributes and splits of one study."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monai_fairtune.cohort.counts import count_cohort
from monai_fairtune.cohort.folds import assign_folds, count_folds
from monai_fairtune.cohort.hashing import files_sha256
from monai_fairtune.cohort.manifest import Manifest, read_manifest
from monai_fairtune.cohort.paths import require_images, resolve_images
from monai_fairtune.cohort.splits import SPLIT_NAMES, Splits, assign_splits, check_splits
from monai_fairtune.exceptions import ImageError, PredictionsError, SplitError
from monai_fairtune.predictions import Identifiers, Predictions
from monai_fairtune.subgroups import SensitiveAttribute, Subgroups

__all__ = ["Cohort", "assemble_cohort"]


@dataclass(frozen=True, eq=False, repr=False)
class Cohort:
    """The images of a study, one row each, in the order of the manifest.

    Everything is checked when it is built, except that images can be decoded: see ``cache_images``.

    Args:
        labels: shape ``(n,)``, 0 or 1.
        patient_ids: shape ``(n,)``; images of one patient share an id, and no patient is in two splits.
        images: the image files.
        image_names: the same as the manifest writes them.
        splits: shape ``(n,)``, each of ``split_names``.
        subgroups: attribute declaration to the images' subgroups.
        class_names: what 0 and 1 mean.
        split_rule: the sentence that says how the splits came about.
        seed: decides what is drawn later: the folds.
        prepared: what ``monai-fairtune prepare`` recorded; None where it did not prepare the manifest.
    """

    labels: NDArray[np.int64]
    patient_ids: NDArray[np.str_]
    images: tuple[Path, ...]
    image_names: tuple[str, ...]
    splits: NDArray[np.str_]
    subgroups: Mapping[str, Subgroups]
    class_names: tuple[str, str]
    split_rule: str
    seed: int = 0
    prepared: Mapping[str, Any] | None = None

    @classmethod
    def from_manifest(
        cls,
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
    ) -> Cohort:
        """Reads a manifest.

        The splits are those of its column ``split``; with train, validation and test only, selection is half of
        validation. Without the column, or with ``split_fractions`` or ``split_by``, they are drawn. Every draw keeps a
        patient's images together and is stratified by label and subgroup; one seed gives one draw, whatever the order
        of rows.

        Args:
            manifest: a CSV file with one row an image and the columns ``image``, ``label`` and ``patient_id``.
            attributes: the sensitive attributes to assess.
            data_root: the folder that the images' paths start from; by default the manifest's own.
            split_fractions: shares of train, validation (half of which becomes selection) and test.
            split_by: the rows to test on, such as ``"site=B|C"`` or ``"year>=2019"``; other images of their patients
                leave the cohort, and the rest is dealt to train, validation and selection.
            split_file: a CSV file with the columns ``image`` and ``split``, as a check writes it, to use as it is;
                images that it does not name leave the cohort.
            train_fraction: the share of training patients to keep; the others leave the cohort.
            where: the rows to keep, such as ``"plane=axial,site=A|B"``.
            seed: decides every draw.

        Raises:
            ManifestError: if the table is incomplete or inconsistent, or an image lies outside the data root.
            AttributeDeclarationError: if an attribute cannot be read from the table.
            SplitError: if a split leaks, is empty or holds one class.
            ImageError: if an image file does not exist.
            ConfigurationError: if ``where`` or a fraction cannot be used.
        """
        cohort = assemble_cohort(
            read_manifest(manifest, where=where),
            attributes,
            Path(manifest).parent if data_root is None else data_root,
            split_fractions=split_fractions,
            split_by=split_by,
            split_file=split_file,
            train_fraction=train_fraction,
            seed=seed,
        )
        check_splits(cohort.splits, cohort.patient_ids, cohort.labels)
        require_images(cohort.image_names, cohort.images)
        return cohort

    def __repr__(self) -> str:
        # Logs print objects: patients must not get there.
        return f"Cohort(n={self.n}, attributes={list(self.subgroups)})"

    @property
    def n(self) -> int:
        """How many images there are."""
        return len(self.labels)

    def __len__(self) -> int:
        return self.n

    @property
    def split_names(self) -> tuple[str, ...]:
        """Train, validation, selection and test."""
        return SPLIT_NAMES

    def indices(self, split: str) -> NDArray[np.int64]:
        """Returns the positions of a split's images within the cohort, ascending.

        Raises:
            SplitError: if there is no such split.
        """
        if split not in SPLIT_NAMES:
            raise SplitError(f"There is no split {split!r}. The splits are {', '.join(SPLIT_NAMES)}.")
        return np.flatnonzero(self.splits == split)

    def predictions(self, split: str, logits: ArrayLike) -> Predictions:
        """Returns what a model says about one split, ready to be assessed.

        Args:
            split: the split's name.
            logits: shape ``(n_split, 2)``, a network's output, or ``(n_split,)``, the logit of class 1 minus that of
                class 0; in the order of ``indices(split)``.

        Raises:
            PredictionsError: if the shape does not fit the split, or a logit is not finite.
        """
        return self.predictions_of(self.indices(split), logits, f"the {split} split")

    def predictions_of(self, rows: NDArray[np.int64], logits: ArrayLike, name: str) -> Predictions:
        """Returns what a model says about some images, such as a fold.

        Args:
            rows: the images' positions within the cohort, shape ``(n_rows,)``.
            logits: as for ``predictions``, in the order of ``rows``.
            name: what to call the images in messages.

        Raises:
            PredictionsError: likewise.
        """
        scores = np.asarray(logits, dtype=np.float64)
        if scores.shape not in ((len(rows),), (len(rows), 2)):
            raise PredictionsError(
                f"Logits have shape {scores.shape} for the {len(rows)} images of {name}. "
                f"Give shape ({len(rows)},) or ({len(rows)}, 2)."
            )
        return Predictions(
            self.labels[rows],
            scores if scores.ndim == 1 else scores[:, 1] - scores[:, 0],
            kind="logit",
            subgroups={name: group.take(rows) for name, group in self.subgroups.items()},
            patient_ids=self._patients.take(rows),
            sample_ids=self._samples.take(rows),
        )

    def folds(self, n_folds: int) -> NDArray[np.int64]:
        """Returns the folds of k-fold validation: the images of train and validation together, dealt anew.

        A patient's images are in one fold, and folds resemble one another in labels and subgroups. The cohort and its
        seed decide; the order of rows does not. Selection and test are left alone.

        Args:
            n_folds: how many, at least 2.

        Returns:
            Shape ``(n,)``: the fold of each image, from 0, and -1 outside train and validation.

        Raises:
            ConfigurationError: if there are fewer than 2.
            SplitError: if there are too few patients for each fold to have one.
        """
        return assign_folds(self.splits, self.patient_ids, self.labels, self.subgroups, n_folds, seed=self.seed)

    def fold_counts(self, n_folds: int) -> tuple[dict[str, Any], ...]:
        """Returns what each fold trains and validates on, so that folds that lack a class can be refused.

        Returns:
            One ``{"train", "validation"}`` a fold, each in the form that ``counts`` has for a split.
        """
        return count_folds(self.folds(n_folds), self.patient_ids, self.labels, self.subgroups)

    @cached_property
    def _patients(self) -> Identifiers:
        return Identifiers.read(self.patient_ids)

    @cached_property
    def _samples(self) -> Identifiers:
        return Identifiers.read(np.array(self.image_names, dtype=np.str_), "image names")

    def counts(self) -> dict[str, Any]:
        """Returns how many images, patients and positives there are, for reports.

        Returns:
            ``{"n", "n_patients", "n_positive", "splits": {split: {the same three, "attributes": {declaration:
            {"subgroups": {name: the same three}, "missing": the same three}}}}}``.
        """
        return count_cohort(self.labels, self.patient_ids, self.splits, self.subgroups)

    @cached_property
    def image_sha256(self) -> tuple[str, ...]:
        """The SHA-256 of each image file; read once and kept.

        Raises:
            ImageError: if a file cannot be read.
        """
        try:
            return files_sha256(self.images)
        except OSError as error:
            raise ImageError(
                f"An image file cannot be read: {error.strerror}. Look at the disk and the files' permissions."
            ) from error

    @cached_property
    def hash(self) -> str:
        """The cohort's identity: SHA-256 over image contents, labels, patients' groupings, subgroups and splits.

        Paths, patient ids and the order of columns do not enter, so that a copy of the data is the same cohort.
        """
        _, patients = np.unique(self.patient_ids, return_inverse=True)
        first_seen = {patient: code for code, patient in enumerate(dict.fromkeys(patients.tolist()))}
        content = {
            "images": self.image_sha256,
            "labels": self.labels.tolist(),
            "patients": [first_seen[patient] for patient in patients.tolist()],
            "splits": self.splits.tolist(),
            "subgroups": {name: [group.names, group.codes.tolist()] for name, group in sorted(self.subgroups.items())},
        }
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def assemble_cohort(
    rows: Manifest, attributes: Sequence[SensitiveAttribute], data_root: str | Path, *, seed: int, **how_to_split: Any
) -> Cohort:
    """Builds a cohort whose splits may leak or be empty and whose images may be missing: for a check to say so.

    Args:
        rows: of the manifest.
        attributes: the sensitive attributes to assess.
        data_root: the folder that the images' paths start from.
        seed: decides every draw.
        how_to_split: as for ``assign_splits``.

    Raises:
        InputError: as :meth:`Cohort.from_manifest`.
    """
    subgroups = {attribute.declaration: attribute.assign(rows.table) for attribute in attributes}
    splits = assign_splits(rows, subgroups, seed=seed, **how_to_split)
    return _keep_used(rows, subgroups, splits, resolve_images(rows.image_names, data_root), seed)


def _keep_used(
    rows: Manifest, subgroups: Mapping[str, Subgroups], splits: Splits, images: Sequence[Path], seed: int
) -> Cohort:
    """Leaves out the images that no split uses."""
    used = np.flatnonzero(splits.names != "")
    arrays = rows.labels[used], rows.patient_ids[used], splits.names[used]
    for array in arrays:
        array.setflags(write=False)
    names = rows.image_names
    return Cohort(
        labels=arrays[0],
        patient_ids=arrays[1],
        images=tuple(images[row] for row in used.tolist()),
        image_names=tuple(names[row] for row in used.tolist()),
        splits=arrays[2],
        subgroups={name: group.take(used) for name, group in subgroups.items()},
        class_names=rows.class_names,
        split_rule=splits.rule,
        seed=seed,
        prepared=rows.prepared,
    )
