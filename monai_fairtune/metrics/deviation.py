"""How far a window's number lies from the reference's: one standard normal deviate for each quantity that is watched.

A deviate is what chance alone would make of an unchanged model: about standard normal, also from few patients. Images
of one patient count together. Patients who come again in a later window are taken as others, which errs on the side of
fewer alarms.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import hypergeom, norm, t

from monai_fairtune.exceptions import UndefinedMetricError
from monai_fairtune.metrics.estimate import AUROCEstimate
from monai_fairtune.metrics.placements import Placements

__all__ = ["Deviation", "Images", "auroc_deviation", "score_deviation", "share_deviation"]

_FARTHEST = 8.0
"""No deviate is taken for larger: tails this far out are not known from a few patients."""


@dataclass(frozen=True)
class Deviation:
    """A number of a window beside that of the reference.

    Args:
        value: in the window.
        reference: in the reference.
        z: standard normal if nothing had changed; positive where the window's number is larger.
        shared: the share of the deviation's variance that the reference contributes, in [0, 1]: it is the same in all
            windows, so that their deviates go together.
    """

    value: float
    reference: float
    z: float
    shared: float


@dataclass(frozen=True, eq=False)
class Images:
    """The images of a window, or of the reference.

    Args:
        scores: shape ``(n,)``.
        patients: shape ``(n,)``, whole numbers from 0: whose image it is.
        labels: shape ``(n,)``, 0 or 1; any number where no label is needed.
    """

    scores: NDArray[np.float64]
    patients: NDArray[np.int64]
    labels: NDArray[np.int64]

    def count_patients(self, label: int) -> int:
        """Returns how many patients have an image of this label."""
        return int(np.count_nonzero(np.bincount(self.patients[self.labels == label])))


def auroc_deviation(window: Images, reference: Images, min_per_class: int) -> Deviation:
    """Returns how far the AUROC has moved.

    Both variances are those of the AUROC that both would share, so that a window which is ranked without an error does
    not count as one that is known without an error.

    Raises:
        UndefinedMetricError: if one of them holds fewer than ``min_per_class`` positives or negatives.
    """
    now, before = (_auroc(images, min_per_class, where) for images, where in _named(window, reference))
    middle = (now.value + before.value) / 2
    weights = [1 / max(each.error_at(middle) ** 2, 1e-12) for each in (now, before)]
    common = (weights[0] * now.value + weights[1] * before.value) / sum(weights)
    return _deviation(
        now.value,
        before.value,
        now.error_at(common) ** 2,
        before.error_at(common) ** 2,
        min(now.n_patients, before.n_patients) - 1,
    )


def score_deviation(window: Images, reference: Images, min_patients: int) -> Deviation:
    """Returns whether scores have become higher or lower: a Mann-Whitney test that counts patients, not images.

    The value is the probability that an image of the window scores above one of the reference, ties one half; 0.5
    where nothing has moved.

    Raises:
        UndefinedMetricError: if one of them holds fewer than ``min_patients`` patients.
    """
    for images, where in _named(window, reference):
        if (n := len(np.unique(images.patients))) < min_patients:
            raise UndefinedMetricError(f"{where} holds {n} patients. At least {min_patients} are needed.")
    both = Images(
        np.concatenate([window.scores, reference.scores]),
        np.concatenate([window.patients, reference.patients + window.patients.max() + 1]),
        np.repeat([1, 0], [len(window.scores), len(reference.scores)]),
    )
    found = _auroc(both, 1, "The score")
    pulls = Placements.of(both.labels, both.scores).pull(both.labels)
    parts = [_by_patient(both.patients[both.labels == k], pulls[both.labels == k]) for k in (1, 0)]
    scale = found.error_at(0.5) ** 2 / max(sum(parts), 1e-300)
    return _deviation(found.value, 0.5, scale * parts[0], scale * parts[1], found.n_patients - 1)


def share_deviation(
    window: NDArray[np.bool_], patients: NDArray[np.int64], reference: NDArray[np.bool_], before: NDArray[np.int64]
) -> Deviation:
    """Returns how far a share of images has moved: Fisher's exact test, mid-p, of as many images as patients are worth.

    Images of one patient resemble each other; counts are divided by what that adds to the variance.

    Args:
        window: shape ``(n,)``, which images of the window count.
        patients: shape ``(n,)``, whose they are.
        reference: shape ``(m,)``, likewise of the reference.
        before: shape ``(m,)``, whose they are.

    Raises:
        UndefinedMetricError: if there is no image.

    Source:
        Rao and Scott, "A simple method for the analysis of clustered binary data", Biometrics 48 (1992).
    """
    if not len(window) or not len(reference):
        raise UndefinedMetricError(f"The window holds {len(window)} images and the reference {len(reference)}.")
    samples = ((window, patients), (reference, before))
    alike = _resemblance(samples)
    each = []
    for member, owners in samples:
        n_effective = max(1, round(len(member) / (1 + (_images_per_patient(owners) - 1) * alike)))
        each.append((n_effective, round(n_effective * member.mean())))
    (n, k), (m, other) = each
    told = hypergeom(n + m, k + other, n)
    above = float(told.sf(k) + told.pmf(k) / 2)
    z = float(np.clip(norm.isf(above), -_FARTHEST, _FARTHEST))
    return Deviation(float(window.mean()), float(reference.mean()), z, n / (n + m))


def _resemblance(samples: Sequence[tuple[NDArray[np.bool_], NDArray[np.int64]]]) -> float:
    """Returns the correlation of two images of one patient, in [0, 1], taken to be the same in all samples."""
    n = sum(len(member) for member, _ in samples)
    share = sum(int(member.sum()) for member, _ in samples) / n
    size = sum(len(member) * _images_per_patient(owners) for member, owners in samples) / n
    if size == 1 or not 0 < share < 1:
        return 0.0
    effect = sum(_by_patient(owners, member - member.mean()) for member, owners in samples) / (n * share * (1 - share))
    return min(max((effect - 1) / (size - 1), 0.0), 1.0)


def _images_per_patient(patients: NDArray[np.int64]) -> float:
    """Returns how many images the patient of an image has, on average over the images."""
    counts = np.bincount(patients)
    return float(counts @ counts) / len(patients)


def _named(window: Images, reference: Images) -> tuple[tuple[Images, str], tuple[Images, str]]:
    return (window, "The window"), (reference, "The reference")


def _auroc(images: Images, min_per_class: int, where: str) -> AUROCEstimate:
    n_positive = int(np.count_nonzero(images.labels == 1))
    n_negative = len(images.labels) - n_positive
    if min(n_positive, n_negative) < min_per_class:
        raise UndefinedMetricError(
            f"{where} holds {n_positive} positives and {n_negative} negatives. "
            f"At least {min_per_class} of each are needed."
        )
    placed = Placements.of(images.labels, images.scores)
    with_positive, with_negative = images.count_patients(1), images.count_patients(0)
    return AUROCEstimate(
        placed.auroc,
        math.sqrt(_by_patient(images.patients, placed.pull(images.labels))),
        min(with_positive, with_negative),
        n_positive,
        n_negative,
        with_positive,
        with_negative,
    )


def _by_patient(patients: NDArray[np.int64], terms: NDArray[np.float64]) -> float:
    """Returns the sum over the patients of their squared sums."""
    totals = np.bincount(patients, weights=terms)
    return float(totals @ totals)


def _deviation(value: float, reference: float, variance: float, before: float, freedom: int) -> Deviation:
    total = variance + before
    ratio = (value - reference) / math.sqrt(total) if total > 0 else 0.0
    # Student's tail as a normal one: few patients tell their variance badly.
    z = float(norm.isf(t.sf(abs(ratio), max(freedom, 1)))) if ratio else 0.0
    return Deviation(value, reference, math.copysign(min(z, _FARTHEST), ratio), before / total if total > 0 else 0.0)
