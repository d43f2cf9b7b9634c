"""The result of a search that never ran: plausible in every part, for reports and for whoever reads result.json."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from monai_fairtune.metrics import Threshold, assess, choose_threshold, compare
from monai_fairtune.predictions import Predictions
from monai_fairtune.testing.example_cohort import ExampleCohort, Quality
from monai_fairtune.testing.example_report import QUICK

__all__ = ["ATTENTION", "FIXED_METHODS", "example_result"]

ATTENTION = tuple(f"blocks.{k}.attention" for k in range(12))

FIXED_METHODS = {
    "head only": (0.000035, Quality(0.80, 0.775, 0.055)),
    "full": (1.0, Quality(0.995, 0.855, 0.105)),
    "bias": (0.0021, Quality(0.90, 0.846, 0.070)),
    "norm": (0.0009, Quality(0.885, 0.848, 0.062)),
    "attention": (0.327, Quality(0.975, 0.861, 0.092)),
}
"""Trained share and quality of each fixed method."""

_NETWORK = "vit_small_patch14_dinov2.lvd142m"


def example_result(
    attributes: Mapping[str, Sequence[str]] | None = None,
    components: Sequence[str] = ATTENTION,
    *,
    found: Quality = Quality(0.93, 0.868, 0.042),  # noqa: B008 - immutable
    n_trials: int = 60,
    n_epochs: int = 10,
    rare: Sequence[tuple[str, str]] = (),
    seed: int = 3,
    intervals: bool = False,
) -> dict[str, Any]:
    """Returns the content of a ``result.json`` whose reports come from real assessments of made-up scores.

    Args:
        attributes: declaration to subgroups; by default age below and above 60.
        components: of the search space.
        found: quality of the final model.
        n_trials: fixed methods included.
        n_epochs: length of every curve.
        rare: attribute and subgroup of subgroups without a defined AUROC.
        seed: of everything drawn.
        intervals: whether reports on test have intervals, from few resamples, and comparisons are stored.

    Example:
        >>> result = example_result(n_trials=12, n_epochs=2)
        >>> result["test"]["attributes"]["age:60"]["worst_group_auroc"]["subgroup"]
        '[60,inf)'
    """
    attributes = attributes or {"age:60": ["[0,60)", "[60,inf)"]}
    cohort = ExampleCohort(attributes, rare, seed)
    generator = np.random.default_rng(seed)
    anchors = [
        _anchor(cohort, number, name, share, quality, n_epochs, generator)
        for number, (name, (share, quality)) in enumerate(FIXED_METHODS.items())
    ]
    trials = [_anchor_trial(anchor) for anchor in anchors]
    trials += [_searched_trial(number, components, generator) for number in range(len(anchors), n_trials)]
    result = {
        "schema": 1,
        "study": _study(n_trials, n_epochs),
        "attribute": next(iter(attributes)),
        "attributes": list(attributes),
        "objective": "worst_group_auroc",
        "objective_direction": "maximize",
        "objective_note": "",
        "method": "found mask",
        "anchors": anchors,
        **_searched(trials),
        "epochs": _epochs(attributes, found, n_epochs, generator),
        **cohort.reports(found),
        "test_reads": 1,
        "eligibility": cohort.eligibility(),
        "cohort": {**cohort.counts(), **copy.deepcopy(_COHORT)},
        **copy.deepcopy(_SETTINGS),
    }
    return _with_intervals(result, cohort, found) if intervals else result


def _searched(trials: list[dict[str, Any]]) -> dict[str, Any]:
    """Returns what a search says of its trials and of the one that it settled on."""
    able = [trial for trial in trials if trial["kind"] == "search" and trial["feasible"]]
    able.sort(key=lambda trial: -trial["value"])
    states = [trial["state"] for trial in trials]
    return {
        "mask": _mask("attention", able[0]["components"]),
        "trained_share": able[0]["trained_share"],
        "hyperparameters": {"learning_rate": able[0]["learning_rate"]},
        "finalists": [_finalist(trial, chosen=trial is able[0]) for trial in able[:3]],
        "trials": trials,
        "n_trials": {**{state: states.count(state) for state in ("complete", "pruned", "failed")}, "duplicate": 2},
    }


def _with_intervals(result: dict[str, Any], cohort: ExampleCohort, found: Quality) -> dict[str, Any]:
    """Adds intervals to the reports on test, and the comparisons of the final model with every fixed method."""
    qualities = {name: quality for name, (_, quality) in FIXED_METHODS.items()}
    tests = {name: _tested(cohort, quality) for name, quality in {**qualities, "found mask": found}.items()}
    final, threshold = tests["found mask"]
    result["test"] = assess(final, threshold, resampling=QUICK).to_dict()
    result["comparisons"] = {}
    for anchor in result["anchors"]:
        name = anchor["name"]
        anchor["test"] = assess(*tests[name], resampling=QUICK).to_dict()
        compared = compare(
            final, tests[name][0], threshold, tests[name][1], names=("found mask", name), resampling=QUICK
        )
        result["comparisons"][name] = compared.to_dict()
    return result


def _tested(cohort: ExampleCohort, quality: Quality) -> tuple[Predictions, Threshold]:
    return cohort.predictions("test", quality), choose_threshold(cohort.predictions("validation", quality))


_COHORT: dict[str, Any] = {
    "split_rule": "Splits are drawn by patient, stratified by label and subgroups, with seed 0.",
    "where": None,
    "train_fraction": 1.0,
    "class_names": ["benign", "malignant"],
}
_SETTINGS: dict[str, Any] = {
    "network": {
        "backbone": _NETWORK,
        "backbone_sha256": "8f0b5c2e" * 8,
        "image_size": 70,
        "n_parameters": 21630338,
        "pretrained": True,
    },
    "preprocessing": {"image_size": 70, "n_channels": 3, "steps": ["load", "resize with padding", "scale to 0..1"]},
    "training": {"batch_size": 64, "class_weights": [0.22, 0.78], "optimizer": "AdamW"},
    "seconds": 5420.0,
    "versions": {"monai_fairtune": "0.1.0", "torch": "2.9.1", "monai": "1.6.1", "optuna": "5.0.0"},
    "cohort_hash": "b1946ac9" * 8,
    "config_hash": "1f8ac10f" * 8,
    "created": "2026-11-22T17:00:00+00:00",
}


def _study(n_trials: int, n_epochs: int) -> dict[str, Any]:
    return {
        "name": "skin lesions",
        "seed": 0,
        "search_space": "attention",
        "sampler": "TPESampler(multivariate=True, seed=0)",
        "n_trials": n_trials,
        "max_epochs": n_epochs,
        "n_finalists": 3,
        "n_seeds": 3,
        "n_startup_trials": 10,
        "utility_floor": {"value": 0.812, "rule": "best overall AUROC of a fixed method on validation, minus 0.02"},
        "storage": "study.db",
    }


def _mask(partition: str, components: Mapping[str, bool]) -> dict[str, Any]:
    return {
        "network": _NETWORK,
        "partition": partition,
        "components": dict(components),
        "always_tuned": ["head"],
    }


def _anchor(
    cohort: ExampleCohort,
    number: int,
    name: str,
    share: float,
    quality: Quality,
    n_epochs: int,
    generator: np.random.Generator,
) -> dict[str, Any]:
    reports = cohort.reports(quality)
    worst = [attribute["worst_group_auroc"]["value"] for attribute in reports["validation"]["attributes"].values()]
    return {
        "name": name,
        "trial": number,
        "mask": _mask(f"anchor: {name}", {} if name == "head only" else {name: True}),
        "trained_share": share,
        "hyperparameters": {"learning_rate": 0.0003},
        "value": None if None in worst else min(worst),
        "epochs": _epochs(cohort.attributes, quality, n_epochs, generator),
        "seconds": 84.0,
        **reports,
    }


def _anchor_trial(anchor: Mapping[str, Any]) -> dict[str, Any]:
    overall = anchor["validation"]["overall"]["auroc"]["value"]
    return {
        "number": anchor["trial"],
        "name": anchor["name"],
        "kind": "anchor",
        "state": "complete",
        "value": anchor["value"],
        "overall_auroc": overall,
        "feasible": anchor["name"] != "head only",
        "components": None,
        "learning_rate": 0.0003,
        "trained_share": anchor["trained_share"],
        "n_epochs": 10,
        "seconds": 84.0,
        "reason": None,
    }


def _searched_trial(number: int, components: Sequence[str], generator: np.random.Generator) -> dict[str, Any]:
    """Draws a mask that comes closer to a liked one as the search goes on; its value follows from the likeness."""
    liked = [k >= 0.55 * len(components) and k % 4 != 2 for k in range(len(components))]
    chance = 0.5 + min(0.4, 0.009 * number)
    bits = [bool(generator.random() < (chance if good else 1 - chance)) for good in liked]
    likeness = sum(bit == good for bit, good in zip(bits, liked, strict=True)) / len(liked)
    rate = float(10 ** generator.uniform(-5, -3))
    value = 0.722 + 0.118 * likeness - 0.03 * abs(math.log10(rate) + 3.7) + float(generator.normal(0, 0.006))
    state = str(generator.choice(["complete", "pruned", "failed"], p=[0.72, 0.25, 0.03]))
    value -= 0.03 if state == "pruned" else 0
    overall = value + 0.035 + float(generator.normal(0, 0.004))
    return {
        "number": number,
        "name": None,
        "kind": "search",
        "state": state,
        "value": None if state == "failed" else value,
        "overall_auroc": None if state == "failed" else overall,
        "feasible": overall >= 0.812 if state == "complete" else None,
        "components": dict(zip(components, bits, strict=True)),
        "learning_rate": rate,
        "trained_share": 0.00004 + 0.327 * sum(bits) / len(bits),
        "n_epochs": 10 if state == "complete" else 3,
        "seconds": 84.0 if state == "complete" else 26.0,
        "reason": "the training loss is not finite after epoch 2" if state == "failed" else None,
    }


def _finalist(trial: Mapping[str, Any], *, chosen: bool) -> dict[str, Any]:
    lost = 0.010 if chosen else 0.025
    values = [trial["value"] - lost + step for step in (0.0, 0.011, -0.007)]
    return {
        "trial": trial["number"],
        "name": f"trial {trial['number']}",
        "mask": _mask("attention", trial["components"]),
        "hyperparameters": {"learning_rate": trial["learning_rate"]},
        "trained_share": trial["trained_share"],
        "value": trial["value"],
        "selection_values": values,
        "selection_value": sum(values) / len(values),
        "selection_overall_auroc": trial["overall_auroc"] - 0.01,
        "chosen": chosen,
    }


def _epochs(
    attributes: Mapping[str, Sequence[str]], quality: Quality, n_epochs: int, generator: np.random.Generator
) -> list[dict[str, Any]]:
    """Draws curves that start near chance and level off, sooner on unseen data."""
    found = []
    for epoch in range(1, n_epochs + 1):
        entry: dict[str, Any] = {"epoch": epoch, "loss": 0.62 * math.exp(-epoch / 5)}
        for split, pace in (("train", 2.6), ("validation", 1.9)):
            grown = 1 - math.exp(-epoch / pace)
            curves = {
                name: {
                    group: 0.55 + (target - 0.55) * grown + float(generator.normal(0, 0.004))
                    for group, target in quality.targets(groups, train=split == "train").items()
                }
                for name, groups in attributes.items()
            }
            values = [value for groups in curves.values() for value in groups.values()]
            entry[split] = {"overall": sum(values) / len(values), "attributes": curves}
            entry["value"] = min(values)
        found.append(entry)
    return found
