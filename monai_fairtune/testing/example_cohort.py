"""A cohort without images, and scores of any wanted quality: so that reports can be written without training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from monai_fairtune.cohort.counts import count_cohort
from monai_fairtune.metrics import Assessment, assess, choose_threshold, fairness_generalization_gap
from monai_fairtune.predictions import Predictions
from monai_fairtune.subgroups import MISSING, Subgroups, class_counts

__all__ = ["SPLIT_SIZES", "ExampleCohort", "Quality"]

SPLIT_SIZES = {"train": 2410, "validation": 806, "selection": 804, "test": 1612}


@dataclass(frozen=True)
class Quality:
    """How well a model ranks.

    Args:
        train: AUROC on train of the first subgroup.
        unseen: the same on the other splits.
        gap: how much lower the AUROC of the last subgroup is on unseen data; on train it is a seventh of this.
    """

    train: float
    unseen: float
    gap: float

    def targets(self, names: Sequence[str], *, train: bool, scale: float = 1.0) -> dict[str, float]:
        """Returns the AUROC to aim at for each subgroup, falling evenly from the first to the last."""
        top, gap = (self.train, self.gap / 7) if train else (self.unseen, self.gap)
        return {name: min(0.999, top - scale * gap * k / max(1, len(names) - 1)) for k, name in enumerate(names)}


@dataclass(frozen=True, eq=False)
class ExampleCohort:
    """Patients with up to two images each, of whom some have an attribute that is not recorded.

    Args:
        attributes: declaration to subgroups, such as ``{"sex": ["female", "male"]}``; nothing is parsed.
        rare: attribute and subgroup of subgroups with too few images of class 1 for an AUROC.
        seed: of everything drawn.
    """

    attributes: Mapping[str, Sequence[str]]
    rare: Sequence[tuple[str, str]] = ()
    seed: int = 0
    labels: Mapping[str, NDArray[np.int64]] = field(init=False)
    subgroups: Mapping[str, Mapping[str, Subgroups]] = field(init=False)
    patients: Mapping[str, NDArray[np.str_]] = field(init=False)

    def __post_init__(self) -> None:
        generator = np.random.default_rng(self.seed)
        drawn = {split: self._draw(split, n, generator) for split, n in SPLIT_SIZES.items()}
        for k, name in enumerate(("labels", "subgroups", "patients")):
            object.__setattr__(self, name, {split: found[k] for split, found in drawn.items()})

    def _draw(
        self, split: str, n: int, generator: np.random.Generator
    ) -> tuple[NDArray[np.int64], dict[str, Subgroups], NDArray[np.str_]]:
        n_patients = int(0.65 * n)
        patient = np.sort(generator.integers(0, n_patients, n))
        patients = np.array([f"{split}-{k}" for k in patient])
        codes = {
            name: generator.integers(0, len(groups), n_patients)[patient] for name, groups in self.attributes.items()
        }
        main = next(iter(self.attributes))
        share = 0.13 + 0.08 * codes[main] / len(self.attributes[main])
        labels = (generator.random(n) < share).astype(np.int64)
        subgroups = {}
        for name, groups in self.attributes.items():
            codes[name][(generator.random(n_patients) < 0.015)[patient]] = MISSING
            subgroups[name] = Subgroups(name, tuple(groups), codes[name])
        for name, group in self.rare:
            positives = np.flatnonzero(subgroups[name].member(group) & (labels == 1))
            labels[positives[6:]] = 0
        return labels, subgroups, patients

    def predictions(self, split: str, quality: Quality) -> Predictions:
        """Returns scores that reach about the wanted AUROC in each subgroup of the first attribute."""
        generator = np.random.default_rng([self.seed, int(1e6 * sum((quality.train, quality.unseen, quality.gap)))])
        labels, subgroups = self.labels[split], self.subgroups[split]
        distance = np.full(len(labels), np.sqrt(2) * ndtri(quality.train if split == "train" else quality.unseen))
        main, *others = self.attributes
        for name, scale in ((main, 1.0), *((other, 0.25) for other in others)):
            targets = quality.targets(self.attributes[name], train=split == "train", scale=scale)
            top = next(iter(targets.values()))
            for group, member in subgroups[name].items():
                distance[member] += np.sqrt(2) * (ndtri(targets[group]) - ndtri(top))
        scores = np.zeros(len(labels))
        for code in np.unique(subgroups[main].codes):
            for label in (0, 1):
                cell = np.flatnonzero((subgroups[main].codes == code) & (labels == label))
                scores[cell] = generator.permutation(ndtri((np.arange(len(cell)) + 0.5) / max(1, len(cell))))
        scores += labels * distance + generator.normal(0, 0.12, len(labels))
        logits = distance * scores - distance**2 / 2 + np.log(0.2 / 0.8)
        return Predictions(labels, logits, kind="logit", subgroups=subgroups, patient_ids=self.patients[split])

    def reports(self, quality: Quality) -> dict[str, Any]:
        """Returns the reports of all splits and the fairness generalization gap, as a search stores them."""
        threshold = choose_threshold(self.predictions("validation", quality))
        found: dict[str, Assessment] = {
            split: assess(self.predictions(split, quality), threshold) for split in SPLIT_SIZES
        }
        gaps = fairness_generalization_gap(found["train"], found["test"])
        return {split: assessment.to_dict() for split, assessment in found.items()} | {
            "fairness_generalization_gap": {
                name: {measure: value.to_dict() for measure, value in values.items()} for name, values in gaps.items()
            }
        }

    def counts(self) -> dict[str, Any]:
        """Returns the counts of the whole cohort, as ``Cohort.counts`` does."""
        splits = np.concatenate([np.full(n, split) for split, n in SPLIT_SIZES.items()])
        joined = {
            name: Subgroups(name, tuple(groups), np.concatenate([self.subgroups[s][name].codes for s in SPLIT_SIZES]))
            for name, groups in self.attributes.items()
        }
        labels, patients = (np.concatenate([part[s] for s in SPLIT_SIZES]) for part in (self.labels, self.patients))
        return count_cohort(labels, patients, splits, joined)

    def eligibility(self) -> dict[str, Any]:
        """Returns the class counts of the splits that decide, as a search stores them."""
        cells = {
            split: {
                name: {group: list(pair) for group, pair in class_counts(groups, self.labels[split]).items()}
                for name, groups in self.subgroups[split].items()
            }
            for split in ("validation", "selection", "test")
        }
        return {"min_per_class": 20, "default": 20, "lowered": False, "cells": cells}
