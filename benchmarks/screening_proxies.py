"""Scores of masks that cost less than training each of them: see ``screening.py``."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import cross_entropy
from trial_set_ups import KeepBest, SetUp

from monai_fairtune.masks import Mask, Partition
from monai_fairtune.objectives import WorstGroupAUROC
from monai_fairtune.predictions import Predictions
from monai_fairtune.tuning import Budget, SupervisedTuner, balanced_class_weights, tuned_optimizer, warmup_cosine
from monai_fairtune.tuning.blending import Blender, refitted_logits

PROXY_SEED = 99
LEARNING_RATE = 1e-4

Scores = NDArray[np.float64]


class Judge:
    """Turns logits for a whole split into the value that a search looks at."""

    def __init__(self, set_up: SetUp, split: str) -> None:
        self.cohort, self.rows, self.split = set_up.cohort, set_up.cohort.indices(split), split
        self.objective = WorstGroupAUROC(tuple(set_up.cohort.subgroups))

    def of_logits(self, logits: NDArray[np.float64]) -> float:
        return self.of(self.cohort.predictions_of(self.rows, logits, self.split))

    def of(self, predictions: Predictions) -> float:
        return float(self.objective.evaluate(predictions))

    def of_probabilities(self, scores: NDArray[np.float64]) -> float:
        clipped = np.clip(scores, 1e-12, 1 - 1e-12)
        return self.of_logits(np.log(clipped) - np.log1p(-clipped))


def blended(
    set_up: SetUp, tuner: SupervisedTuner, tuned: Mapping[str, torch.Tensor], masks: Sequence[Mask]
) -> dict[str, Scores]:
    """Scores of all masks by forward passes, with the trained head and with a head fitted for each."""
    network, space = tuner.network, masks[0].partition
    blender, judge = Blender(network, space, tuned), Judge(set_up, "validation")
    names = {name.rpartition(".")[2]: name for name in network.head_parameter_names}
    validation = blender.features(masks, tuner.splits["validation"])
    weight, bias = tuned[names["weight"]], tuned[names["bias"]]
    trained = validation @ (weight[1] - weight[0]) + (bias[1] - bias[0])
    train = blender.features(masks, tuner.splits["train"]).numpy()
    labels = tuner.splits["train"].labels.numpy()
    weights = balanced_class_weights(labels).numpy()[labels]
    found = {"": np.array([judge.of_logits(one.double().numpy()) for one in trained])}
    for ridge in (10.0, 100.0, 1000.0):
        logits = (
            refitted_logits(one, labels, weights, other, ridge=ridge)
            for one, other in zip(train, validation.numpy(), strict=True)
        )
        found[f" refit {ridge:g}"] = np.array([judge.of_logits(one) for one in logits])
    return found


def train_proxy(set_up: SetUp, tuner: SupervisedTuner, mask: Mask) -> None:
    """Leaves the network as a training under a mask makes it, at its last epoch."""
    budget, rates = Budget(set_up.epochs), {"learning_rate": LEARNING_RATE}
    tuner.tune(mask, rates, budget, seed=PROXY_SEED, on_epoch=KeepBest(set_up))


def task_vector(set_up: SetUp, tuner: SupervisedTuner, space: Partition) -> dict[str, torch.Tensor]:
    """What one training of all components changes, at its last epoch."""
    train_proxy(set_up, tuner, space.all_tuned())
    return tuner.network.delta()


def one_shot(set_up: SetUp, tuner: SupervisedTuner, space: Partition) -> dict[str, torch.Tensor]:
    """What a training changes whose every step runs a mask drawn at random; the others' blocks run pretrained."""
    network, split, rng = tuner.network, tuner.splits["train"], random.Random(PROXY_SEED)  # noqa: S311
    network.reset(PROXY_SEED)
    network.apply_mask(space.all_tuned())
    pretrained = network.delta()
    optimizer = tuned_optimizer(network, LEARNING_RATE)
    batches = split.batches(set_up.batch_size, shuffle=True, seed=PROXY_SEED, augmentation=tuner.augmentation)
    schedule = warmup_cosine(optimizer, 2 * set_up.epochs * len(batches))
    weights = balanced_class_weights(split.labels.numpy())
    parameters = dict(network.backbone.named_parameters())
    components = [one for one in space.components if one.role == "searchable"]
    network.train()
    for _ in range(2 * set_up.epochs):
        for batch in batches:
            off = [name for one in components if rng.random() < 0.5 for name in one.parameters]
            kept = {name: parameters[name].detach().clone() for name in off}
            for name in off:
                parameters[name].data.copy_(pretrained[name])
            cross_entropy(network(batch["image"]), batch["label"], weight=weights).backward()
            for name in off:
                parameters[name].data.copy_(kept[name])
                parameters[name].grad = None
            optimizer.step()
            schedule.step()
            optimizer.zero_grad(set_to_none=True)
    return network.delta()


def gradient_scores(set_up: SetUp, tuner: SupervisedTuner, masks: Sequence[Mask]) -> Scores:
    """Squared gradients of the worst subgroup's loss, of what a mask tunes, after the head alone was trained."""
    network, split, space = tuner.network, tuner.splits["train"], masks[0].partition
    train_proxy(set_up, tuner, space.head_only())
    network.apply_mask(space.all_tuned())
    weights = balanced_class_weights(split.labels.numpy())
    losses: dict[int, list[torch.Tensor]] = {}
    squares: dict[int, dict[str, torch.Tensor]] = {}
    for batch in split.batches(set_up.batch_size, shuffle=False):
        for group in batch["group"][:, 0].unique().tolist():
            rows = batch["group"][:, 0] == group
            loss = cross_entropy(network(batch["image"][rows]), batch["label"][rows], weight=weights)
            network.zero_grad(set_to_none=True)
            loss.backward()
            losses.setdefault(group, []).append(loss.detach())
            sums = squares.setdefault(group, {})
            for name, parameter in network.tuned_parameters():
                sums[name] = sums.get(name, torch.zeros(())) + parameter.grad.square().sum()
    worst = max((group for group in losses if group >= 0), key=lambda group: float(torch.stack(losses[group]).mean()))
    network.zero_grad(set_to_none=True)
    return np.array([sum(float(squares[worst][name]) for name in mask.parameter_names) for mask in masks])
