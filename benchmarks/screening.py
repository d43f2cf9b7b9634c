"""How well cheap scores rank masks, beside trainings of the masks themselves.

    python benchmarks/screening.py [--set-up ham10000|oasis1|demo] [--store FOLDER] [--n-seeds N] [--quick] [--json]

Masks over the attention of every block (dense near the top: most tune half of the blocks or more) are trained with
several seeds each; predictions for the validation and the selection split are kept in ``--store``, so that a run that
was broken off goes on. Then every proxy scores all masks on the validation split:

* ``task vector``: one training of all attentions; a mask has the tuned weights where its bit is set;
* ``one-shot``: one training of as many epochs twice, in which every step tunes a mask drawn at random;
* ``gradient``: the squared gradient of the worst subgroup's loss at the pretrained weights, summed over what is tuned;
* ``trained share``: how many blocks are tuned, to see that a proxy knows more than this.

``refit`` fits a logistic regression to a mask's features of the training images instead of the trained head.

Kendall's tau is taken against the mean value of a mask over its seeds on validation. The ceiling is one training
against the mean of the others. The regret is how far the best of a proxy's three highest masks lies below the best
mask, by mean values on the *selection* split, which no proxy saw. ``top`` repeats tau for the better half of the masks.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from machine import describe, show
from numpy.typing import NDArray
from scipy.stats import kendalltau
from torch.nn.functional import cross_entropy
from trial_set_ups import SHARED, KeepBest, SetUp, build_tuner, prepare

from monai_fairtune.bundle import load_cohort
from monai_fairtune.masks import Mask, Partition
from monai_fairtune.objectives import WorstGroupAUROC
from monai_fairtune.predictions import Predictions
from monai_fairtune.tuning import Budget, SupervisedTuner, balanced_class_weights, tuned_optimizer, warmup_cosine
from monai_fairtune.tuning.blending import Blender, refitted_logits

SEEDS = (11, 12, 13)
N_MASKS = 42
PROXY_SEED = 99
LEARNING_RATE = 1e-4


def set_up_of(name: str, folder: Path) -> SetUp:
    """The cohort, network and budget."""
    if name == "demo":
        return prepare("demo", folder / "demo")
    (weights,) = (SHARED / "weights").glob("*.safetensors")
    backbone = "vit_small_patch14_dinov2.lvd142m"
    if name == "oasis1":
        cohort = load_cohort(
            SHARED / "data" / "oasis1_slices" / "manifest.csv", "age:75", split_fractions=[0.42, 0.5, 0.08]
        )
        return SetUp("oasis1, three slices a subject: ViT-S/14", cohort, backbone, weights, 56, 32, 4, augments=False)
    cohort = load_cohort(SHARED / "data" / "ham10000" / "manifest.csv", "age:60", split_fractions=[0.084, 0.2, 0.716])
    return SetUp("ham10000: ViT-S/14", cohort, backbone, weights, 56, 32, 3, augments=False)


def draw_masks(space: Partition, n_masks: int) -> list[Mask]:
    """Nothing, everything, halves and alternate blocks; then masks drawn with more and more bits."""
    names, rng = space.searchable, random.Random(0)  # noqa: S311 - no secret
    half = len(names) // 2
    found = {one.key: one for one in map(space.mask, ((), names, names[:half], names[half:], names[::2], names[1::2]))}
    for share in itertools.cycle((0.25, 0.5, 0.5, 0.75, 0.75)):
        if len(found) >= n_masks:
            return list(found.values())[:n_masks]
        one = space.mask(name for name in names if rng.random() < share)
        found.setdefault(one.key, one)
    raise AssertionError


@dataclass(frozen=True)
class Job:
    """One training, on one processor."""

    name: str
    folder: Path
    place: int
    seed: int


@cache
def workplace(name: str, folder: Path) -> tuple[SetUp, SupervisedTuner, list[Mask]]:
    torch.set_num_threads(1)
    set_up = set_up_of(name, folder)
    tuner, _ = build_tuner(set_up, folder, "cpu", None if name == "demo" else "bfloat16")
    return set_up, tuner, draw_masks(tuner.network.partition("attention"), N_MASKS)


def train(job: Job) -> float:
    """Trains a mask and keeps what it says; returns the seconds, or 0 if that was done before."""
    set_up, tuner, masks = workplace(job.name, job.folder)
    path = job.folder / f"{masks[job.place].key}-{job.seed}.npz"
    if path.exists():
        return 0.0
    start = time.perf_counter()
    result = tuner.tune(
        masks[job.place],
        {"learning_rate": LEARNING_RATE},
        Budget(set_up.epochs),
        seed=job.seed,
        on_epoch=KeepBest(set_up),
    )
    seconds = time.perf_counter() - start
    selection = tuner.predict(result.model, "selection")
    temporary = path.with_suffix(".part.npz")
    np.savez(temporary, validation=result.validation.scores, selection=selection.scores, seconds=seconds)
    temporary.replace(path)
    return seconds


def train_all(name: str, folder: Path, n_masks: int, seeds: Sequence[int], n_workers: int) -> None:
    workplace(name, folder)  # decodes once
    jobs = [Job(name, folder, place, seed) for seed in seeds for place in range(n_masks)]
    with ProcessPoolExecutor(n_workers, mp_context=get_context("spawn")) as pool:
        for number, seconds in enumerate(pool.map(train, jobs), start=1):
            if seconds:
                print(f"\r{number} of {len(jobs)} trainings, {seconds:.0f} s each ", end="", flush=True)
    print()


Scores = NDArray[np.float64]


class Judge:
    """Turns logits for a whole split into the value that a search looks at."""

    def __init__(self, set_up: SetUp, split: str) -> None:
        self.cohort, self.rows, self.split = set_up.cohort, set_up.cohort.indices(split), split
        self.objective = WorstGroupAUROC(tuple(set_up.cohort.subgroups))

    def of_logits(self, logits: NDArray[np.float64]) -> float:
        both = np.stack([np.zeros_like(logits), logits], axis=1)
        return self.of(self.cohort.predictions_of(self.rows, both, self.split))

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


def measure(name: str, folder: Path, n_masks: int, seeds: Sequence[int]) -> dict[str, Any]:
    """Returns how proxies and single trainings rank the masks."""
    set_up, tuner, masks = workplace(name, folder)
    masks, space = masks[:n_masks], masks[0].partition
    values = {split: np.empty((len(masks), len(seeds))) for split in ("validation", "selection")}
    seconds = []
    for (place, mask), (column, seed) in itertools.product(enumerate(masks), enumerate(seeds)):
        stored = np.load(folder / f"{mask.key}-{seed}.npz")
        seconds.append(float(stored["seconds"]))
        for split, found in values.items():
            found[place, column] = Judge(set_up, split).of_probabilities(stored[split])
    proxies: dict[str, tuple[Scores, float]] = {}
    makers: dict[str, Callable[..., dict[str, torch.Tensor]]] = {"task vector": task_vector, "one-shot": one_shot}
    for title, make in makers.items():
        start = time.perf_counter()
        tuned = make(set_up, tuner, space)
        found = blended(set_up, tuner, tuned, masks)
        cost = (time.perf_counter() - start) / np.mean(seconds)
        proxies |= {title + kind: (scores, cost) for kind, scores in found.items()}
    start = time.perf_counter()
    scores = gradient_scores(set_up, tuner, masks)
    proxies["gradient"] = (scores, (time.perf_counter() - start) / float(np.mean(seconds)))
    proxies["trained share"] = (np.array([mask.trained_share for mask in masks]), 0.0)
    return {
        "set_up": set_up.describe(),
        "masks": len(masks),
        "seeds": len(seeds),
        "seconds_a_training": float(np.mean(seconds)),
        "spread_between_masks": float(values["validation"].mean(axis=1).std(ddof=1)),
        "spread_between_seeds": float(np.sqrt(values["validation"].var(axis=1, ddof=1).mean())),
        "rows": [*_ceiling(values), *(_row(title, scores, cost, values) for title, (scores, cost) in proxies.items())],
    }


def _ceiling(values: Mapping[str, Scores]) -> list[dict[str, Any]]:
    """A training of each mask against the mean of the others, averaged over which one."""
    rows = []
    for column in range(values["validation"].shape[1]):
        others = {split: np.delete(found, column, axis=1) for split, found in values.items()}
        rows.append(_row("", values["validation"][:, column], float(len(others["validation"])), others))
    mean = {key: float(np.mean([row[key] for row in rows])) for key in rows[0] if key != "proxy"}
    return [{"proxy": "one training of each mask", **mean}]


def _row(title: str, scores: Scores, cost: float, values: Mapping[str, Scores]) -> dict[str, Any]:
    validation, selection = (values[split].mean(axis=1) for split in ("validation", "selection"))
    top = np.argsort(-validation)[: len(validation) // 2]
    best = np.argsort(-scores, kind="stable")[:3]
    return {
        "proxy": title,
        "tau": float(kendalltau(scores, validation).statistic),
        "tau_top": float(kendalltau(scores[top], validation[top]).statistic),
        "tau_selection": float(kendalltau(scores, selection).statistic),
        "regret": float(selection.max() - selection[best].max()),
        "regret_mean": float(selection.max() - selection[best].mean()),
        "trainings": cost,
    }


def print_table(found: Mapping[str, Any]) -> None:
    print(f"\n{found['set_up']}")
    print(
        f"{found['masks']} masks, {found['seeds']} seeds each, {found['seconds_a_training']:.1f} s a training; "
        f"worst-group AUROC spreads by {found['spread_between_masks']:.4f} between masks, "
        f"{found['spread_between_seeds']:.4f} between seeds\n"
    )
    print(f"{'':28}{'tau':>7}{'top':>7}{'selection':>11}{'regret':>8}{'mean':>8}{'trainings':>11}")
    for row in found["rows"]:
        print(
            f"{row['proxy']:28}{row['tau']:7.2f}{row['tau_top']:7.2f}{row['tau_selection']:11.2f}"
            f"{row['regret']:8.4f}{row['regret_mean']:8.4f}{row['trainings']:11.1f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set-up", choices=("ham10000", "oasis1", "demo"), default="demo")
    parser.add_argument("--store", type=Path, help="keeps trainings; default: a folder that is deleted")
    parser.add_argument("--n-workers", type=int, default=os.cpu_count() or 1, help="processes, of one thread each")
    parser.add_argument("--n-seeds", type=int, default=len(SEEDS), help="trainings of each mask, from 2")
    parser.add_argument("--quick", action="store_true", help="12 masks and 2 seeds")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    n_masks, seeds = (12, SEEDS[:2]) if options.quick else (N_MASKS, SEEDS[: options.n_seeds])
    with tempfile.TemporaryDirectory() as name:
        folder = (options.store or Path(name)) / options.set_up
        folder.mkdir(parents=True, exist_ok=True)
        train_all(options.set_up, folder, n_masks, seeds, options.n_workers)
        about, found = describe("torch", "timm"), measure(options.set_up, folder, n_masks, seeds)
    show(about, found, print_table, as_json=options.json)


if __name__ == "__main__":
    main()
