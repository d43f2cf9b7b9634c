"""Do masks matter on the synthetic cohort, and does its fairness generalization gap open?

    python benchmarks/synthetic_cohort.py [--quick] [--json]

Trains head only, all attentions, everything, and random subsets of the attentions, each with two seeds, on as many
images as the demo does. Validation and test are larger than the demo's, so that they say more about the masks and less
about their own images. The older subgroup is the worst one; "spread" is a standard deviation.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from machine import processor

from monai_fairtune.cohort import Cohort, Preprocessing, ResidentSplit, cache_images, write_synthetic_cohort
from monai_fairtune.masks import TINY_VIT_WEIGHTS, FairTuneNetwork, Mask
from monai_fairtune.metrics import auroc
from monai_fairtune.predictions import Predictions
from monai_fairtune.subgroups import SensitiveAttribute
from monai_fairtune.tuning import Budget, EpochReport, SupervisedTuner, Verdict

ATTRIBUTE, YOUNGER, OLDER = "age:60", "[0,60)", "[60,inf)"
N_TRAINING_PATIENTS = 560
ANCHORS = ("head only", "full", "attention")

Row = dict[str, Any]


def make_tuner(folder: Path, n_patients: int, seed: int) -> SupervisedTuner:
    manifest = write_synthetic_cohort(folder, n_patients=n_patients, seed=seed)
    train = N_TRAINING_PATIENTS / n_patients
    attributes = [SensitiveAttribute.parse(ATTRIBUTE)]
    cohort = Cohort.from_manifest(
        manifest, attributes, split_fractions=(train, (1 - train) / 2, (1 - train) / 2), seed=seed
    )
    preprocessing = Preprocessing(48)
    images = cache_images(cohort, preprocessing, folder / "cache", progress=False)
    network = FairTuneNetwork("monai_fairtune.masks.tiny_vit", weights=TINY_VIT_WEIGHTS, image_size=48)
    splits = {name: ResidentSplit(cohort, images, name) for name in cohort.split_names}
    return SupervisedTuner(network, cohort, splits, batch_size=32)


def choose_masks(network: FairTuneNetwork, n_random: int) -> dict[str, Mask]:
    """Returns the anchors and random subsets of the attentions, from sparse to dense."""
    partition, draw = network.partition("attention"), random.Random(0)  # noqa: S311
    chosen = {name: network.anchors()[name] for name in ANCHORS}
    while len(chosen) < len(ANCHORS) + n_random:
        share = draw.choice((0.25, 0.5, 0.75))
        bits = tuple(draw.random() < share for _ in partition.searchable)
        if any(bits):
            chosen["".join("01"[bit] for bit in bits)] = partition.mask_from_bits(bits)
    return chosen


def measure(predictions: Predictions) -> dict[str, float]:
    names = predictions.subgroups[ATTRIBUTE].names
    codes = predictions.subgroups[ATTRIBUTE].codes
    found = {"overall": auroc(predictions.labels, predictions.scores)}
    for label, name in (("younger", YOUNGER), ("older", OLDER)):
        rows = codes == names.index(name)
        found[label] = auroc(predictions.labels[rows], predictions.scores[rows])
    return found


def train(tuner: SupervisedTuner, mask: Mask, options: argparse.Namespace, seed: int) -> Row:
    budget, rate = Budget(options.epochs), {"learning_rate": options.learning_rate}
    start = time.process_time()

    def keep_last(_: EpochReport) -> Verdict:
        return Verdict(keep=True)

    result = tuner.tune(mask, rate, budget, seed=seed, on_epoch=keep_last)
    row: Row = {"seconds": result.seconds, "processor_seconds": time.process_time() - start}
    return row | {name: measure(tuner.predict(result.model, name)) for name in ("train", "validation", "test")}


def values(rows: dict[str, list[Row]], split: str, subgroup: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Returns shape (masks, seeds)."""
    return np.array([[row[split][subgroup] for row in of_mask] for of_mask in rows.values()])


def summarise(rows: dict[str, list[Row]]) -> dict[str, Any]:
    """Returns the differences first. The best subset is chosen on validation and told on test."""
    names = list(rows)
    older = values(rows, "test", "older")
    chosen = max(names[len(ANCHORS) :], key=lambda name: values({name: rows[name]}, "validation", "older").mean())

    def gap(name: str, split: str) -> float:
        part = {name: rows[name]}
        return float((values(part, split, "younger") - values(part, split, "older")).mean())

    not_full = [index for index, name in enumerate(names) if name != "full"]
    return {
        "ratio_spread_masks_over_seeds": _ratio(older),
        "ratio_spread_masks_over_seeds_without_full": _ratio(older[not_full]),
        "difference_younger_minus_older_full_train": gap("full", "train"),
        "difference_younger_minus_older_full_test": gap("full", "test"),
        "difference_best_subset_minus": {
            name: float((older[names.index(chosen)] - older[names.index(name)]).mean()) for name in ANCHORS
        },
        "best_subset": chosen,
        "seconds_per_tuning": {name: float(np.mean([row["seconds"] for row in rows[name]])) for name in ANCHORS},
        "processor_seconds_per_tuning": {
            name: float(np.mean([row["processor_seconds"] for row in rows[name]])) for name in ANCHORS
        },
    }


def _ratio(older: np.ndarray[Any, np.dtype[np.float64]]) -> float:
    """Returns the spread between masks over that between seeds of one mask, the seeds' part taken out of the first."""
    within = older.var(axis=1, ddof=1).mean()
    between = older.mean(axis=1).var(ddof=1) - within / older.shape[1]
    return float(np.sqrt(max(0.0, between) / within))


def print_tables(rows: dict[str, list[Row]], found: dict[str, Any]) -> None:
    for name, value in found.items():
        for part, number in value.items() if isinstance(value, dict) else [("", value)]:
            print(f"{name} {part}".ljust(60), number if isinstance(number, str) else f"{number:.3f}")
    print("\nAUROC, mean of the seeds          train           validation            test")
    print("mask                        younger older   overall older   overall younger older  (range)")
    columns = [("train", "younger"), ("train", "older"), ("validation", "overall"), ("validation", "older")]
    columns += [("test", "overall"), ("test", "younger"), ("test", "older")]
    for name, of_mask in sorted(rows.items(), key=lambda item: -values(dict([item]), "test", "older").mean()):
        part = {name: of_mask}
        numbers = "   ".join(f"{values(part, *column).mean():.3f}" for column in columns)
        print(f"{name:28s} {numbers}  ({np.ptp(values(part, 'test', 'older')):.3f})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer masks and test images: under ten minutes")
    parser.add_argument("--json", action="store_true", help="print one object")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--learning-rate", type=float, default=6e-4)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0, help="of the cohort")
    options = parser.parse_args()
    n_patients, n_random = (2000, 8) if options.quick else (4000, 25)
    rows: dict[str, list[Row]] = {}
    with tempfile.TemporaryDirectory() as folder:
        tuner = make_tuner(Path(folder), n_patients, options.seed)
        for name, mask in choose_masks(tuner.network, n_random).items():
            rows[name] = [train(tuner, mask, options, seed) for seed in range(options.seeds)]
            print(f"{name}: {rows[name][0]['seconds']:.1f} s", file=sys.stderr)
    where = {
        "machine": f"{processor()}, {torch.get_num_threads()} threads",
        "versions": {name: version(name) for name in ("monai-fairtune", "monai", "timm", "torch", "numpy")},
        "command": " ".join(["python", *sys.argv]),
    }
    found = summarise(rows)
    if options.json:
        print(json.dumps(found | where | {"masks": rows}))
        return
    print_tables(rows, found)
    print("\n" + "\n".join(f"{name}: {value}" for name, value in where.items()))


if __name__ == "__main__":
    main()
