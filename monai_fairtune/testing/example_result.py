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
from monai_fairtune.testing.example_honesty import Noise, faults, optimism, pareto_front
from monai_fairtune.testing.example_report import QUICK
from monai_fairtune.testing.example_settings import COHORT, SETTINGS, mask, study
from monai_fairtune.testing.example_trials import LEARNING_RATE, OBJECTIVE, anchor_trial, group_trials, search_trials

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

_DIRECTIONS = {"auroc_gap": "minimize", "trained_share": "minimize"}


def example_result(
    attributes: Mapping[str, Sequence[str]] | None = None,
    components: Sequence[str] = ATTENTION,
    *,
    found: Quality = Quality(0.93, 0.868, 0.042),  # noqa: B008 - immutable
    n_trials: int = 60,
    n_epochs: int = 10,
    further_objectives: Sequence[str] = (),
    rare: Sequence[tuple[str, str]] = (),
    seed: int = 3,
    intervals: bool = False,
) -> dict[str, Any]:
    """Returns the content of a ``result.json`` whose reports come from real assessments of made-up scores.

    Args:
        attributes: declaration to subgroups; by default age below and above 60.
        components: of the search space.
        found: quality of the final model.
        n_trials: fixed methods and repeats included.
        n_epochs: length of every curve.
        further_objectives: of ``"overall_auroc"``, ``"auroc_gap"`` and ``"trained_share"``, for a Pareto front.
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
    objectives = (OBJECTIVE, *further_objectives)
    anchors = [
        _anchor(cohort, number, name, share, quality, n_epochs, generator)
        for number, (name, (share, quality)) in enumerate(FIXED_METHODS.items())
    ]
    trials = [anchor_trial(anchor, objectives) for anchor in anchors]
    trials += search_trials(len(anchors), n_trials, components, objectives, generator)
    reports = cohort.reports(found)
    result = {
        "schema": 1,
        "study": study(n_trials, n_epochs, "nsga2" if further_objectives else "tpe"),
        "attribute": next(iter(attributes)),
        "attributes": list(attributes),
        **_objectives(objectives),
        "method": "found mask",
        "anchors": anchors,
        **_searched(trials, objectives, reports, list(attributes)),
        "epochs": _epochs(attributes, found, n_epochs, generator),
        **reports,
        "test_reads": 1,
        "eligibility": cohort.eligibility(),
        "cohort": {**cohort.counts(), **copy.deepcopy(COHORT)},
        **copy.deepcopy(SETTINGS),
    }
    return _with_intervals(result, cohort, found) if intervals else result


def _objectives(names: Sequence[str]) -> dict[str, Any]:
    return {
        "objective": names[0],
        "objective_direction": "maximize",
        "objective_note": "",
        "objectives": [{"name": name, "direction": _DIRECTIONS.get(name, "maximize")} for name in names],
    }


def _searched(
    trials: list[dict[str, Any]], objectives: Sequence[str], reports: Mapping[str, Any], attributes: Sequence[str]
) -> dict[str, Any]:
    """Returns what a search says of its trials, of the one that it settled on, and of its luck."""
    groups = group_trials(trials)
    if all(group[0]["kind"] != "search" for group in groups):  # so few trials that none is fit to win
        groups = [*groups, [next(trial for trial in trials if trial["kind"] == "search")]]
    noise = Noise(groups)
    order = sorted(range(len(groups)), key=lambda at: -noise.estimates[at])
    able = [groups[at] for at in order if groups[at][0]["kind"] == "search"]
    chosen = groups.index(able[0])
    finalists = [_finalist(group, chosen=group is able[0]) for group in able[:3]]
    worst = {split: _worst(reports[split], attributes) for split in ("validation", "test")}
    states = [trial["state"] for trial in trials]
    return {
        "mask": mask("attention", able[0][0]["components"]),
        "trained_share": able[0][0]["trained_share"],
        "hyperparameters": {"learning_rate": able[0][0]["learning_rate"]},
        "finalists": finalists,
        "trials": trials,
        "noise": noise.to_dict(chosen),
        "optimism": optimism(finalists[0], noise.estimates[chosen], worst["validation"]["value"], worst["test"]),
        "pareto_front": pareto_front(groups, objectives, [_DIRECTIONS.get(name, "maximize") for name in objectives]),
        "faults": faults(trials),
        "n_trials": {**{state: states.count(state) for state in ("complete", "pruned", "failed")}, "duplicate": 2},
    }


def _worst(report: Mapping[str, Any], attributes: Sequence[str]) -> dict[str, Any]:
    """Returns the lowest worst-group AUROC over the attributes, or the first that is undefined."""
    found: list[dict[str, Any]] = [report["attributes"][name]["worst_group_auroc"] for name in attributes]
    undefined = [value for value in found if value["value"] is None]
    return undefined[0] if undefined else min(found, key=lambda value: float(value["value"]))


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
        "mask": mask(f"anchor: {name}", {} if name == "head only" else {name: True}),
        "trained_share": share,
        "hyperparameters": {"learning_rate": LEARNING_RATE},
        "seed": 1000 + number,
        "value": None if None in worst else min(worst),
        "epochs": _epochs(cohort.attributes, quality, n_epochs, generator),
        "seconds": 84.0,
        **reports,
    }


def _finalist(group: Sequence[Mapping[str, Any]], *, chosen: bool) -> dict[str, Any]:
    trial = group[0]
    values = [one["value"] for one in group]
    value, lost = sum(values) / len(values), 0.010 if chosen else 0.025
    again = [value - lost + step for step in (0.0, 0.011, -0.007)]
    return {
        "trial": trial["number"],
        "name": trial["name"] or f"trial {trial['number']}",
        "mask": mask("attention", trial["components"]),
        "hyperparameters": {"learning_rate": trial["learning_rate"]},
        "trained_share": trial["trained_share"],
        "value": value,
        "values": values,
        "selection_values": again,
        "selection_value": sum(again) / len(again),
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
