"""Results with plausible values, built by a few formulas, so that reports can be written without a search."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

Result = dict[str, Any]

METHODS = {  # trained share, levels of AUROC on train and unseen data, extra disadvantage of the last subgroup
    "head only": (0.000035, 0.80, 0.775, 0.055),
    "full": (1.0, 0.995, 0.842, 0.105),
    "bias": (0.0021, 0.90, 0.836, 0.070),
    "norm": (0.0009, 0.885, 0.838, 0.062),
    "attention": (0.327, 0.975, 0.848, 0.092),
}
SPLITS = {"train": 1210, "validation": 403, "selection": 404, "test": 806}


def value(number: float | None, reason: str = "too few images", **extra: Any) -> Result:
    if number is None:
        return {"value": None, "reason": reason, **extra}
    return {"value": round(number, 6), "low": None, "high": None, **extra}


class Builder:
    """Makes one result; every number follows from the method, the split and the subgroup."""

    def __init__(self, attributes: Mapping[str, Sequence[str]], components: Sequence[str], n_trials: int, seed: int) -> None:
        self.attributes, self.components, self.n_trials = attributes, list(components), n_trials
        self.random = random.Random(seed)
        self.undefined: set[tuple[str, str]] = set()

    def report(self, levels: tuple[float, float, float], split: str, shift: float = 0.0) -> Result:
        train, unseen, disadvantage = levels
        level = train if split == "train" else unseen + shift
        gap = 0.15 * disadvantage if split == "train" else disadvantage
        n = SPLITS[split]
        found = {name: self._attribute(name, names, level, gap, n) for name, names in self.attributes.items()}
        first = next(iter(found.values()))
        return {
            "schema": 1,
            "n": n,
            "n_patients": round(0.62 * n),
            "prevalence": (2 + sum(entry["n_positive"] for entry in first["subgroups"].values())) / n,
            "overall": self._rates(level - 0.3 * gap),
            "threshold": {"value": 0.231, "chosen_on": "validation", "rule": "youden"},
            "attributes": found,
        }

    def _rates(self, auroc: float) -> Result:
        tpr, fpr = min(0.99, auroc + 0.02 - 0.12 * (1 - auroc)), max(0.01, 0.42 * (1 - auroc) + 0.12)
        return {
            "auroc": value(min(auroc, 0.999)),
            "accuracy": value(0.82 * (1 - fpr) + 0.18 * tpr),
            "brier": value(0.3 * (1 - auroc) + 0.06),
            "ece": value(0.12 * (1 - auroc) + 0.015),
            "loss": value(1.1 * (1 - auroc) + 0.18),
            "tpr": value(tpr),
            "fpr": value(fpr),
        }

    def aurocs(self, name: str, level: float, gap: float) -> dict[str, float]:
        names = self.attributes[name]
        steps = {group: k / max(1, len(names) - 1) for k, group in enumerate(names)}
        return {group: min(0.999, level + 0.012 - gap * step) for group, step in steps.items()}

    def _attribute(self, name: str, names: Sequence[str], level: float, gap: float, n: int) -> Result:
        aurocs = self.aurocs(name, level, gap)
        subgroups = {}
        for k, (group, auroc) in enumerate(aurocs.items()):
            size = round((n - 14) * (0.46 if k == len(names) - 1 else 0.54 / max(1, len(names) - 1)))
            entry = {"n": size, "n_positive": round(size * (0.12 + 0.1 * k / len(names))), "n_patients": round(0.62 * size)}
            rates = self._rates(auroc)
            if (name, group) in self.undefined:
                reason = f"subgroup {group!r} of {name!r} holds 6 positives and 31 negatives; at least 10 of each are needed"
                rates |= {"auroc": value(None, reason), "tpr": value(None, "it holds no positives")}
                entry |= {"n": 37, "n_positive": 6}
            subgroups[group] = {**entry, **rates}
        known = {group: entry for group, entry in subgroups.items() if entry["auroc"]["value"] is not None}
        refused = next((e["auroc"]["reason"] for e in subgroups.values() if e["auroc"]["value"] is None), None)
        return self._measures(known, refused) | {"n_missing": 14, "minimum_detectable_gap": 0.094, "subgroups": subgroups}

    def _measures(self, known: Mapping[str, Any], refused: str | None) -> Result:
        numbers = {group: entry["auroc"]["value"] for group, entry in known.items()}
        worst, best = min(numbers, key=numbers.__getitem__), max(numbers, key=numbers.__getitem__)
        gap = numbers[best] - numbers[worst]
        if refused:
            names = ("worst_group_auroc", "auroc_gap", "equalized_odds_difference", "largest_subgroup_loss")
            return {name: value(None, refused) for name in names}
        return {
            "worst_group_auroc": value(numbers[worst], subgroup=worst),
            "best_group_auroc": value(numbers[best], subgroup=best),
            "auroc_gap": value(gap),
            "equalized_odds_difference": value(1.3 * gap + 0.01),
            "equalized_odds_ratio": value(max(0.1, 1 - 4 * gap)),
            "equal_opportunity_difference": value(1.1 * gap),
            "demographic_parity_difference": value(0.9 * gap + 0.03),
            "demographic_parity_ratio": value(max(0.1, 0.9 - 2 * gap)),
            "equity_scaled_auroc": value(numbers[best] / (1 + gap)),
            "distance_to_optimal": value(1 - numbers[worst]),
            "largest_subgroup_loss": value(1.1 * (1 - numbers[worst]) + 0.18, subgroup=worst),
        }

    def epochs(self, levels: tuple[float, float, float], n_epochs: int, *, train: bool = True) -> list[Result]:
        found = []
        for epoch in range(1, n_epochs + 1):
            grown = 1 - math.exp(-epoch / 2.6)
            late = 0.012 * max(0, epoch - 6) / 6 * (levels[0] > 0.97)
            curves = {
                "train": (0.56 + (levels[0] - 0.56) * grown, 0.15 * levels[2] + 0.04 * (1 - grown)),
                "validation": (0.56 + (levels[1] + 0.012 - 0.56) * (1 - math.exp(-epoch / 1.9)) - late, levels[2]),
            }
            entry = {split: self._curve(*curves[split]) for split in curves}
            entry["train"] = entry["train"] if train else None
            value_ = min(v for group in entry["validation"]["attributes"].values() for v in group.values())
            found.append({"epoch": epoch, "loss": round(0.62 * math.exp(-epoch / 5), 4), "value": value_, **entry})
        return found

    def _curve(self, level: float, gap: float) -> Result:
        wobble = self.random.gauss
        attributes = {
            name: {group: round(auroc + wobble(0, 0.004), 4) for group, auroc in self.aurocs(name, level, gap).items()}
            for name in self.attributes
        }
        return {"overall": round(level - 0.3 * gap, 4), "attributes": attributes}


def mask_of(components: Mapping[str, bool]) -> Result:
    return {
        "network": "vit_small_patch14_dinov2.lvd142m",
        "partition": "attention",
        "components": dict(components),
        "always_tuned": ["head"],
    }


def build_result(
    attributes: Mapping[str, Sequence[str]] | None = None,
    components: Sequence[str] = tuple(f"blocks.{k}.attention" for k in range(12)),
    *,
    n_trials: int = 60,
    n_epochs: int = 10,
    found: tuple[float, float, float] = (0.925, 0.861, 0.041),
    seed: int = 3,
    undefined: Sequence[tuple[str, str]] = (),
) -> Result:
    """Returns the content of a plausible result.json."""
    attributes = attributes or {"age:60": ["[0,60)", "[60,inf)"]}
    builder = Builder(attributes, components, n_trials, seed)
    builder.undefined = set(undefined)
    anchors = [_anchor(builder, k, name, n_epochs) for k, name in enumerate(METHODS)]
    liked = {name: k >= 0.55 * len(components) and k % 4 != 2 for k, name in enumerate(components)}
    trials = [_anchor_trial(anchor) for anchor in anchors]
    trials += [_searched(builder, number, liked) for number in range(len(METHODS), n_trials)]
    complete = [t for t in trials if t["kind"] == "search" and t["state"] == "complete" and t["feasible"]]
    complete.sort(key=lambda trial: -trial["value"])
    chosen = complete[0]
    finalists = [_finalist(builder, trial, chosen["number"]) for trial in complete[:3]]
    share = chosen["trained_share"]
    reports = {split: builder.report(found, split, _SHIFT[split]) for split in SPLITS}
    return {
        "schema": 1,
        "study": {
            "name": "ham10000-age",
            "seed": 0,
            "search_space": "attention",
            "sampler": "TPESampler(multivariate=True, seed=0)",
            "max_epochs": n_epochs,
            "n_finalists": 3,
            "n_seeds": 3,
            "utility_floor": {"value": 0.812, "rule": "overall validation AUROC of the best anchor minus 0.02"},
            "n_startup_trials": 10,
            "storage": "study.db",
        },
        "attribute": next(iter(attributes)),
        "attributes": list(attributes),
        "objective": "worst_group_auroc",
        "objective_direction": "maximize",
        "objective_note": "",
        "network": {
            "backbone": "vit_small_patch14_dinov2.lvd142m",
            "backbone_sha256": "8f0b5c2e" * 8,
            "image_size": 70,
            "n_parameters": 21630338,
            "pretrained": True,
        },
        "mask": mask_of(chosen["components"]),
        "method": "found mask",
        "trained_share": share,
        "hyperparameters": {"learning_rate": 0.000214},
        "anchors": anchors,
        "finalists": finalists,
        "trials": trials,
        "epochs": builder.epochs(found, n_epochs),
        **reports,
        "fairness_generalization_gap": _generalization(reports),
        "test_reads": 1,
        "n_trials": {
            **{state: sum(t["state"] == state for t in trials) for state in ("complete", "pruned", "failed")},
            "duplicate": 2,
        },
        "eligibility": _eligibility(attributes),
        "cohort": _cohort(reports),
        "preprocessing": {"image_size": 70, "n_channels": 3, "steps": ["LoadImage", "ResizeWithPad", "ScaleIntensity"]},
        "training": {"batch_size": 64, "class_weights": [0.22, 0.78], "optimizer": "AdamW"},
        "seconds": 5420.0,
        "versions": {"monai_fairtune": "0.1.0", "torch": "2.9.1", "monai": "1.6.1", "optuna": "5.0.0"},
        "cohort_hash": "b1946ac9" * 8,
        "config_hash": "1f8ac10f" * 8,
        "created": "2026-11-22T17:00:00+00:00",
        "command": "python -m monai_fairtune search --manifest manifest.csv --attribute age:60",
    }


_SHIFT = {"train": 0.0, "validation": 0.018, "selection": 0.006, "test": 0.0}


def _generalization(reports: Mapping[str, Any]) -> Result:
    keys = ("auroc_gap", "worst_group_auroc", "equalized_odds_difference", "largest_subgroup_loss")
    found: Result = {}
    for name, unseen in reports["test"]["attributes"].items():
        seen = reports["train"]["attributes"][name]
        found[name] = {}
        for key in keys:
            a, b = unseen[key]["value"], seen[key]["value"]
            found[name][key] = value(None, "undefined on test") if a is None or b is None else value(a - b)
    return found


def _anchor(builder: Builder, number: int, name: str, n_epochs: int) -> Result:
    share, *levels = METHODS[name]
    three = (levels[0], levels[1], levels[2])
    reports = {split: builder.report(three, split, 0.006 if split == "validation" else 0.0) for split in SPLITS}
    values = [entry["worst_group_auroc"]["value"] for entry in reports["validation"]["attributes"].values()]
    return {
        "name": name,
        "trial": number,
        "mask": mask_of({component: name in {"full", "attention"} for component in builder.components}),
        "trained_share": share,
        "hyperparameters": {"learning_rate": 0.0003},
        "value": None if None in values else min(values),
        **reports,
        "fairness_generalization_gap": _generalization(reports),
        "epochs": builder.epochs(three, n_epochs, train=name != "norm"),
        "seconds": 84.0,
    }


def _anchor_trial(anchor: Mapping[str, Any]) -> Result:
    return {
        "number": anchor["trial"],
        "name": anchor["name"],
        "kind": "anchor",
        "state": "complete",
        "value": anchor["value"],
        "overall_auroc": anchor["validation"]["overall"]["auroc"]["value"],
        "feasible": anchor["name"] != "head only",
        "components": None if anchor["name"] in {"bias", "norm"} else anchor["mask"]["components"],
        "learning_rate": 0.0003,
        "trained_share": anchor["trained_share"],
        "n_epochs": 10,
        "seconds": 84.0,
    }


def _searched(builder: Builder, number: int, liked: Mapping[str, bool]) -> Result:
    draw = builder.random
    learned = min(0.46, 0.012 * number)
    components = {name: draw.random() < (0.5 + learned if good else 0.5 - learned) for name, good in liked.items()}
    match = sum(components[name] == good for name, good in liked.items()) / len(liked)
    rate = 10 ** draw.uniform(-5, -3)
    quality = 0.725 + 0.125 * match - 0.03 * abs(math.log10(rate) + 3.7) + draw.gauss(0, 0.006)
    state = "complete" if draw.random() < 0.72 else "pruned" if draw.random() < 0.93 else "failed"
    quality -= 0.03 if state == "pruned" else 0
    overall = quality + 0.035 + draw.gauss(0, 0.004)
    return {
        "number": number,
        "name": None,
        "kind": "search",
        "state": state,
        "value": None if state == "failed" else round(quality, 5),
        "overall_auroc": None if state == "failed" else round(overall, 5),
        "feasible": overall >= 0.812 if state == "complete" else None,
        "components": components,
        "learning_rate": rate,
        "trained_share": round(0.0001 + 0.327 * sum(components.values()) / len(components), 6),
        "n_epochs": 10 if state == "complete" else 3,
        "seconds": 84.0 if state == "complete" else 26.0,
        "reason": "the training loss is not finite after epoch 2" if state == "failed" else None,
    }


def _finalist(builder: Builder, trial: Mapping[str, Any], chosen: int) -> Result:
    lost = 0.004 if trial["number"] == chosen else 0.019
    values = [round(trial["value"] - lost - 0.006 + step, 5) for step in (0.0, 0.011, -0.007)]
    return {
        "trial": trial["number"],
        "name": f"trial {trial['number']}",
        "mask": mask_of(trial["components"]),
        "hyperparameters": {"learning_rate": trial["learning_rate"]},
        "trained_share": trial["trained_share"],
        "value": trial["value"],
        "selection_values": values,
        "selection_value": sum(values) / 3,
        "selection_overall_auroc": trial["overall_auroc"] - 0.01,
        "chosen": trial["number"] == chosen,
    }


def _eligibility(attributes: Mapping[str, Sequence[str]]) -> Result:
    cells = {
        split: {name: {g: [round(n * 0.4), round(n * 0.09)] for g in groups} for name, groups in attributes.items()}
        for split, n in SPLITS.items()
        if split != "train"
    }
    return {"min_per_class": 20, "default": 20, "lowered": False, "cells": cells}


def _cohort(reports: Mapping[str, Any]) -> Result:
    counts = {}
    for split, report in reports.items():
        attributes = {}
        for name, entry in report["attributes"].items():
            keys = ("n", "n_positive", "n_patients")
            groups = {group: {key: member[key] for key in keys} for group, member in entry["subgroups"].items()}
            attributes[name] = {"subgroups": groups, "missing": {"n": 14, "n_positive": 2, "n_patients": 9}}
        n, n_patients = report["n"], report["n_patients"]
        positive = round(n * report["prevalence"])
        counts[split] = {"n": n, "n_patients": n_patients, "n_positive": positive, "attributes": attributes}
    return {
        "splits": counts,
        "split_rule": "drawn by patient, stratified by label and subgroup, seed 0",
        "where": None,
        "train_fraction": 1.0,
        "class_names": ["benign", "malignant"],
    }


@pytest.fixture
def make_result() -> Callable[..., Result]:
    """Builds the content of a plausible result.json."""
    return build_result


@pytest.fixture
def store(tmp_path: Path) -> Callable[[Result], Path]:
    """Writes a result into a folder of its own and returns the folder."""

    def write(result: Result) -> Path:
        folder = tmp_path / f"output-{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        (folder / "result.json").write_text(json.dumps(result), encoding="utf-8")
        return folder

    return write
