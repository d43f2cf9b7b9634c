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

    Example:
        >>> predictions = random_predictions(0, n=6, attributes=(("sex", 2),))
        >>> len(predictions), predictions.subgroups["sex"].names
        (6, ('a', 'b'))
    """
    rng = np.random.default_rng(seed)
    labels = (rng.random(n) < prevalence).astype(np.int64)
    strength = rng.normal(1.0, 1.0, size=n)
    subgroups = {}
    for name, n_subgroups in attributes:
        codes = rng.choice(n_subgroups, size=n, p=rng.dirichlet(np.full(n_subgroups, 5.0)))
        strength += rng.normal(0.0, 1.0, size=n_subgroups)[codes]
        codes[rng.random(n) < missing] = MISSING
        subgroups[name] = Subgroups(name, tuple("abcdefghijklmnopqrst"[:n_subgroups]), codes)
    logits = strength * (2 * labels - 1) + rng.normal(0.0, 1.5, size=n)
    if n_levels is not None:
        logits = np.round(expit(logits) * (n_levels - 1)) / (n_levels - 1) * 4 - 2
    scores = logits if kind == "logit" else expit(logits)
    return Predictions(labels, scores, kind=kind, subgroups=subgroups, patient_ids=np.arange(n) // images_per_patient)
