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

Then a search is played on the stored trainings, 10,000 times: it takes the mask with the best validation value among
masks drawn at random, or among a proxy's highest, each trained once; ``regret`` is that of its choice, by the mask's
other trainings, and ``trainings`` what it paid, the proxy included.
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
from scipy.stats import kendalltau
from screening_proxies import LEARNING_RATE, Judge, Scores, blended, gradient_scores, one_shot, task_vector
from trial_set_ups import SHARED, KeepBest, SetUp, build_tuner, prepare

from monai_fairtune.bundle import load_cohort
from monai_fairtune.masks import Mask, Partition
from monai_fairtune.tuning import Budget, SupervisedTuner

SEEDS = (11, 12, 13)
N_MASKS = 42
N_PLAYED = 10_000


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
        "played": _played(values, proxies),
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


def play(values: Mapping[str, Scores], order: Scores | None, n_tried: int) -> float:
    """Returns the mean regret of a search that trains masks once each and takes the best by validation.

    Args:
        values: of each split, by mask and seed.
        order: a proxy's scores, whose highest masks are tried; None tries masks drawn at random.
        n_tried: masks to train.
    """
    rng, (n_masks, n_seeds) = np.random.default_rng(0), values["validation"].shape
    seeds = rng.integers(n_seeds, size=(N_PLAYED, n_masks))
    seen = np.take_along_axis(values["validation"][None], seeds[:, :, None], axis=2)[:, :, 0]
    score = rng.random(seen.shape) if order is None else np.broadcast_to(order, seen.shape)
    tried = np.argsort(-score, axis=1, kind="stable")[:, :n_tried]
    chosen = np.take_along_axis(tried, np.take_along_axis(seen, tried, axis=1).argmax(axis=1)[:, None], axis=1)
    total = values["selection"].sum(axis=1)[chosen[:, 0]]
    own = values["selection"][chosen[:, 0], np.take_along_axis(seeds, chosen, axis=1)[:, 0]]
    return float(values["selection"].mean(axis=1).max() - ((total - own) / (n_seeds - 1)).mean())


def _played(values: Mapping[str, Scores], proxies: Mapping[str, tuple[Scores, float]]) -> list[dict[str, Any]]:
    n_masks = len(values["validation"])
    rows = [{"search": "drawn at random", "n_tried": n, "cost": float(n)} for n in (1, 5, 10, 20, 42) if n <= n_masks]
    for row in rows:
        row["regret"] = play(values, None, int(row["n_tried"]))
    for title in ("task vector refit 100", "one-shot refit 100"):
        order, cost = proxies[title]
        rows += [{"search": title, "n_tried": n, "cost": cost + n, "regret": play(values, order, n)} for n in (1, 3, 5)]
    return rows


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
    print(f"\n{'a search on these trainings':28}{'tried':>7}{'regret':>9}{'trainings':>11}")
    for row in found["played"]:
        print(f"{row['search']:28}{row['n_tried']:7}{row['regret']:9.4f}{row['cost']:11.1f}")


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
