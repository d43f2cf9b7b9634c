"""Predictions drawn at random, for tests."""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy.special import expit

from monai_fairtune.predictions import Predictions
from monai_fairtune.subgroups import MISSING, Subgroups

__all__ = ["random_predictions"]


def random_predictions(
    seed: int,
    *,
    n: int = 200,
    attributes: tuple[tuple[str, int], ...] = (("site", 3),),
    prevalence: float = 0.4,
    missing: float = 0.0,
    n_levels: int | None = None,
    kind: Literal["probability", "logit"] = "logit",
    images_per_patient: int = 1,
    by_patient: bool = False,
    evenness: float = 5.0,
    saturated: float = 0.0,
) -> Predictions:
    """Returns a split whose subgroups differ in size and in how well they are ranked.

    Nothing is guaranteed: a small split may hold a subgroup with one class, or none of its images.

    Args:
        seed: same seed, same predictions.
        n: images.
        attributes: pairs of a declaration and its number of subgroups, which are named ``a``, ``b`` and so on.
        prevalence: expected share of positives.
        missing: expected share of images without a value, for each attribute.
        n_levels: how many different scores there are, to force ties; by default almost all differ.
        kind: of the scores.
        images_per_patient: how many consecutive images share a patient.
        by_patient: whether the images of a patient share their subgroup, so that no patient belongs to several.
        evenness: of the subgroups' sizes, above 0; well below 1 some subgroups are tiny and some empty.
        saturated: expected share of probabilities that are exactly 0 or 1; of ``kind="probability"`` only.

    Example:
        >>> predictions = random_predictions(0, n=6, attributes=(("sex", 2),))
        >>> len(predictions), predictions.subgroups["sex"].names
        (6, ('a', 'b'))
    """
    rng = np.random.default_rng(seed)
    labels = (rng.random(n) < prevalence).astype(np.int64)
    patients = np.arange(n) // images_per_patient
    strength = rng.normal(1.0, 1.0, size=n)
    subgroups = {}
    for name, n_subgroups in attributes:
        codes = rng.choice(n_subgroups, size=n, p=rng.dirichlet(np.full(n_subgroups, evenness)))
        if by_patient:
            codes = codes[patients * images_per_patient]
        strength += rng.normal(0.0, 1.0, size=n_subgroups)[codes]
        dropped = rng.random(n) < missing
        codes[dropped[patients * images_per_patient] if by_patient else dropped] = MISSING
        subgroups[name] = Subgroups(name, tuple("abcdefghijklmnopqrst"[:n_subgroups]), codes)
    logits = strength * (2 * labels - 1) + rng.normal(0.0, 1.5, size=n)
    if n_levels is not None:
        logits = np.round(expit(logits) * (n_levels - 1)) / (n_levels - 1) * 4 - 2
    scores = logits if kind == "logit" else expit(logits)
    if kind == "probability" and saturated > 0:
        scores = np.where(rng.random(n) < saturated, np.round(scores), scores)
    return Predictions(labels, scores, kind=kind, subgroups=subgroups, patient_ids=patients)
