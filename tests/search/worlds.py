"""Small worlds in which the best mask is known: a function takes the place of training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from monai_fairtune.masks import Component, Mask, Partition
from monai_fairtune.objectives import WorstGroupAUROC
from monai_fairtune.predictions import Predictions
from monai_fairtune.search import Experiment, SearchSettings, search_masks
from monai_fairtune.search.seeds import derive_seed
from monai_fairtune.subgroups import Subgroups
from monai_fairtune.testing.function_tuner import FunctionTuner, Job

N_BITS = 12
PLANTED = frozenset(f"blocks.{i}.attention" for i in (1, 2, 5, 8, 9, 11))
_SPLITS = ("train", "validation", "selection", "test")


def partition(n_bits: int = N_BITS) -> Partition:
    blocks = tuple(
        Component(f"blocks.{i}.attention", (f"blocks.{i}.attn.qkv.weight",), 40, "searchable") for i in range(n_bits)
    )
    rest = (
        Component("norm", ("norm.weight",), 4, "frozen"),
        Component("head", ("head.weight",), 10, "tuned"),
    )
    return Partition("attention", "toy", (*blocks, *rest))


def anchors(space: Partition) -> dict[str, Mask]:
    """Head only and attention lie in the space; full and norm do not."""
    all_names = [name for component in space.components for name in component.parameters if name != "head.weight"]
    body = Component("body", tuple(all_names), space.n_parameters - 10, "searchable")
    head = Component("head", ("head.weight",), 10, "tuned")
    full = Partition("anchor: full", "toy", (body, head)).all_tuned()
    others = Component("others", tuple(name for name in all_names if name != "norm.weight"), 480, "frozen")
    norm = Partition(
        "anchor: norm", "toy", (Component("norm", ("norm.weight",), 4, "searchable"), others, head)
    ).all_tuned()
    return {"head only": space.head_only(), "full": full, "norm": norm, "attention": space.all_tuned()}


def split(name: str, seed: int = 0, n: int = 1200) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, subgroup codes (a quarter is older) and the images' own noise, fixed for a split."""
    rng = np.random.default_rng(derive_seed(seed, name))
    return rng.integers(0, 2, n), (rng.random(n) < 0.25).astype(np.int64), rng.normal(size=n)


def world(quality: Callable[[Job, str, int], tuple[float, float]]) -> Callable[[Job, int, str], Predictions]:
    """Returns a prediction function from the signal strengths (young, old) that a training reaches."""

    def predict(job: Job, epoch: int, split_name: str) -> Predictions:
        labels, codes, noise = split(split_name)
        young, old = quality(job, split_name, epoch)
        strength = np.where(codes == 1, old, young)
        jitter = np.random.default_rng(job.seed + epoch).normal(size=len(labels)) * 0.02
        return Predictions(
            labels,
            strength * (labels - 0.5) + noise + jitter,
            kind="logit",
            subgroups={"age:60": Subgroups("age:60", ("[0,60)", "[60,inf)"), codes)},
        )

    return predict


def planted(job: Job, split_name: str, epoch: int) -> tuple[float, float]:
    """The older patients are served by how many bits agree with the planted mask; all fit the training split."""
    if split_name == "train":
        return 6.0, 6.0
    agreement = N_BITS - len(PLANTED ^ (job.tuned & frozenset(f"blocks.{i}.attention" for i in range(N_BITS))))
    rate = 1.0 - 0.05 * abs(np.log10(job.learning_rate) + 4)
    return 2.5 * rate, (0.3 + 1.8 * agreement / N_BITS) * rate * (1 - 0.5 / (epoch + 1))


SETTINGS = SearchSettings(n_trials=20, max_epochs=3, n_startup_trials=6, n_finalists=2, n_seeds=2, n_replicates=100)
EXPERIMENT = Experiment(("age:60",), cohort_hash="c0")


def search(folder: Path, settings: SearchSettings = SETTINGS, **changes: Any) -> dict[str, Any]:
    """Searches the planted world; other arguments of ``search_masks`` by name."""
    usual: dict[str, Any] = {
        "tuner": FunctionTuner(world(planted)),
        "partition": partition(),
        "objective": WorstGroupAUROC(["age:60"]),
        "anchors": anchors(partition()),
        "experiment": EXPERIMENT,
        "progress": False,
    }
    return search_masks(output_dir=folder, settings=settings, **usual | changes)
