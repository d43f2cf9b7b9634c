"""Scores, labels, patients and subgroups of one whole split, checked once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from monai_fairtune.exceptions import PredictionsError
from monai_fairtune.predictions.identifiers import Identifiers
from monai_fairtune.subgroups import Subgroups

__all__ = ["Predictions"]


@dataclass(frozen=True, eq=False)
class Predictions:
    """A binary classifier's scores for every image of one split.

    Everything is checked here, once; whoever receives a ``Predictions`` may trust it. Ranks are taken from the scores
    as they were given, so logits that saturate as probabilities still order the images.

    Args:
        labels: shape ``(n,)``, 0 or 1; a split that holds one class only is taken, though little about it is defined.
        scores: shape ``(n,)``, finite; larger means more likely to be of class 1.
        kind: ``"probability"`` (scores in [0, 1]) or ``"logit"`` (log-odds). There is no default: it changes numbers.
        subgroups: attribute declaration to the samples' subgroups, each of length ``n``.
        patient_ids: shape ``(n,)``; images of one patient share an id. By default each image is its own patient.
        sample_ids: shape ``(n,)``, all different; what pairs the images of two models. By default there are none.

    Raises:
        PredictionsError: if a length, a label, a score or an attribute's name is not as described, a patient or sample
            id is missing, or a sample id repeats.

    Example:
        >>> from monai_fairtune.subgroups import Subgroups
        >>> predictions = Predictions([0, 1], [-2.0, 3.0], kind="logit", subgroups={
        ...     "sex": Subgroups("sex", ("female", "male"), [0, 1])})
        >>> predictions.probabilities.round(3).tolist()
        [0.119, 0.953]
    """

    labels: NDArray[np.int64]
    scores: NDArray[np.float64]
    kind: Literal["probability", "logit"]
    subgroups: Mapping[str, Subgroups]
    patients: Identifiers
    samples: Identifiers | None

    def __init__(
        self,
        labels: ArrayLike,
        scores: ArrayLike,
        *,
        kind: Literal["probability", "logit"],
        subgroups: Mapping[str, Subgroups],
        patient_ids: ArrayLike | Identifiers | None = None,
        sample_ids: ArrayLike | Identifiers | None = None,
    ) -> None:
        checked_labels = _check_labels(labels)
        n = len(checked_labels)
        checked_scores = _check_scores(scores, kind, n)
        patients = _identifiers(patient_ids, "patient ids") or Identifiers.count(n)
        samples = _identifiers(sample_ids, "sample ids")
        sizes = {"scores": checked_scores.shape, "patient_ids": patients.codes.shape}
        if samples is not None:
            sizes["sample_ids"] = samples.codes.shape
        for name, shape in sizes.items():
            if shape != (n,):
                raise PredictionsError(f"{name} has shape {shape} for {n} labels. Give one value a label.")
        if samples is not None and samples.n < n:
            raise PredictionsError(f"{n - samples.n} of {n} sample ids repeat another. Give every image its own.")
        for array in (checked_labels, checked_scores):
            array.setflags(write=False)
        object.__setattr__(self, "labels", checked_labels)
        object.__setattr__(self, "scores", checked_scores)
        object.__setattr__(self, "patients", patients)
        object.__setattr__(self, "samples", samples)
        _check_subgroups(subgroups, n)
        object.__setattr__(self, "kind", kind)
        object.__setattr__(self, "subgroups", dict(subgroups))

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """The probability of class 1: shape ``(n,)``, in [0, 1]."""
        return self.scores if self.kind == "probability" else np.asarray(expit(self.scores), dtype=np.float64)

    @property
    def patient_ids(self) -> NDArray[np.str_]:
        """The patient of each image, as text: shape ``(n,)``. ``patients.codes`` holds the same as whole numbers."""
        return self.patients.text

    @property
    def sample_ids(self) -> NDArray[np.str_] | None:
        """The id of each image, as text: shape ``(n,)``; None where none were given."""
        return None if self.samples is None else self.samples.text

    @property
    def n_patients(self) -> int:
        """How many patients the images come from."""
        return self.patients.n

    @property
    def prevalence(self) -> float:
        """The share of images of class 1."""
        return float(self.labels.mean())

    def take(self, index: ArrayLike) -> Predictions:
        """Returns the samples at ``index`` (integers or a bool mask)."""
        chosen = np.asarray(index)
        return Predictions(
            self.labels[chosen],
            self.scores[chosen],
            kind=self.kind,
            subgroups={name: group.take(chosen) for name, group in self.subgroups.items()},
            patient_ids=self.patients.take(chosen),
            sample_ids=None if self.samples is None else self.samples.take(chosen),
        )


def _check_labels(labels: ArrayLike) -> NDArray[np.int64]:
    array = np.asarray(labels)
    if array.ndim != 1 or array.size == 0:
        raise PredictionsError(f"Labels have shape {array.shape}. Give a vector with one label an image.")
    if not np.isin(array, (0, 1)).all():
        raise PredictionsError(f"Labels hold {np.unique(array)[:5].tolist()}. Give 0 or 1 for every image.")
    return array.astype(np.int64)


def _check_scores(scores: ArrayLike, kind: str, n: int) -> NDArray[np.float64]:
    try:
        array = np.array(scores, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise PredictionsError(f"Scores cannot be read as numbers: {error}. Give one number an image.") from error
    n_bad = int(np.count_nonzero(~np.isfinite(array)))
    if n_bad:
        raise PredictionsError(
            f"{n_bad} of {n} scores are NaN or infinite. Look at the training loss or the table they come from: "
            "scores that are not finite cannot be ranked."
        )
    if kind not in ("probability", "logit"):
        raise PredictionsError(f"Scores are declared as {kind!r}. Declare them as 'probability' or 'logit'.")
    if kind == "probability" and array.size and (array.min() < 0 or array.max() > 1):
        raise PredictionsError(
            f"Scores declared as probabilities lie in [{array.min():g}, {array.max():g}]. "
            "Declare them as 'logit', or give values in [0, 1]."
        )
    return array


def _identifiers(given: ArrayLike | Identifiers | None, what: str) -> Identifiers | None:
    return given if given is None or isinstance(given, Identifiers) else Identifiers.read(given, what)


def _check_subgroups(subgroups: Mapping[str, Subgroups], n: int) -> None:
    for declaration, group in subgroups.items():
        if group.attribute != declaration:
            raise PredictionsError(
                f"The subgroups given as {declaration!r} are those of attribute {group.attribute!r}. "
                "Give subgroups under their own attribute's declaration."
            )
        if len(group) != n:
            raise PredictionsError(
                f"Attribute {declaration!r} has {len(group)} values for {n} labels. Give one value a label."
            )
