"""An audit's report.json that nobody computed: plausible in every part, for reports and for whoever reads the file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_fairtune.metrics import assess, choose_threshold
from monai_fairtune.predictions import Predictions
from monai_fairtune.testing.example_cohort import ExampleCohort, Quality
from monai_fairtune.testing.example_measures import curves, interval, measures

__all__ = ["example_audit", "example_multiclass", "example_report", "with_intervals"]

_Report = dict[str, Any]
_DEFAULT = {"age:60": ["[0,60)", "[60,inf)"], "sex": ["female", "male"]}


def example_report(
    attributes: Mapping[str, Sequence[str]] | None = None,
    *,
    quality: Quality = Quality(0.93, 0.868, 0.042),  # noqa: B008 - immutable
    rare: Sequence[tuple[str, str]] = (),
    seed: int = 3,
) -> _Report:
    """Returns the content of a binary ``report.json`` of an audit, with intervals.

    Args:
        attributes: declaration to subgroups; by default age below and above 60, and sex.
        quality: of the scores.
        rare: attribute and subgroup of subgroups without a defined AUROC.
        seed: of everything drawn.

    Example:
        >>> example_report()["attributes"]["age:60"]["worst_group_auroc"]["subgroup"]
        '[60,inf)'
    """
    cohort = ExampleCohort(attributes or _DEFAULT, rare, seed)
    threshold = choose_threshold(cohort.predictions("validation", quality))
    predictions = cohort.predictions("test", quality)
    report = with_intervals(assess(predictions, threshold).to_dict(), predictions)
    return report | {"audit": example_audit(report)}


def with_intervals(report: Mapping[str, Any], predictions: Predictions) -> _Report:
    """Returns an assessment's report with everything that resampling adds to it, made up."""
    threshold = report["threshold"]["value"]
    labels, scores = predictions.labels, predictions.scores
    levels = {"level": 0.95, "n_replicates": 2000, "n_permutations": 2000, "seed": 0, "unit": "patient"}

    def described(member: NDArray[np.bool_], told: Mapping[str, Any]) -> _Report:
        return measures(labels[member], scores[member], threshold, told)

    everyone = np.ones(len(labels), dtype=bool)
    found: _Report = {
        **report,
        "intervals": {**levels, "max_images_per_patient": 4},
        "curves": curves(labels, scores),
        "overall": described(everyone, report["overall"]),
        "attributes": {},
    }
    for name, groups in predictions.subgroups.items():
        told = report["attributes"][name]
        subgroups = {
            group: described(member, told["subgroups"][group]) | {"curves": curves(labels[member], scores[member])}
            for group, member in groups.items()
        }
        missing = described(groups.codes < 0, told["missing"]) if told["missing"] else None
        found["attributes"][name] = {
            **told,
            "subgroups": subgroups,
            "missing": missing,
            **_comparisons(told, subgroups),
        }
    return found


_CHANCE = 0.037
"""The gap that chance alone exceeds in one of twenty cases."""

_RANGES = {
    "predictive_parity_difference": "ppv",
    "tpr_at_specificity_90_gap": "tpr_at_specificity_90",
    "underdiagnosis_rate_difference": "underdiagnosis_rate",
    "fn_per_1000_difference": "fn_per_1000",
    "fp_per_1000_difference": "fp_per_1000",
}
_EXTREMES = {
    "worst_group_tpr_at_specificity_90": ("tpr_at_specificity_90", min),
    "largest_brier": ("brier", max),
    "largest_ece": ("ece", max),
}


def _comparisons(told: Mapping[str, Any], subgroups: Mapping[str, _Report]) -> _Report:
    """Returns the comparisons with intervals, those of an assessment and those that come with resampling."""
    found: _Report = {}
    for name, value in told.items():
        if isinstance(value, Mapping) and value.get("value") is not None:
            found[name] = {**value, **interval(value["value"], 0.02, "extreme", 0.0, 10.0)}
    for name, key in _RANGES.items():
        values = {group: entry[key]["value"] for group, entry in subgroups.items()}
        size = 1000.0 if "1000" in name else 1.0
        found[name] = _undefined(values) or interval(
            max(values.values()) - min(values.values()), 0.02 * size, "mover", 0.0, size
        )
    for name, (key, pick) in _EXTREMES.items():
        values = {group: entry[key]["value"] for group, entry in subgroups.items()}
        if (found_undefined := _undefined(values)) is not None:
            found[name] = found_undefined
        else:
            group = pick(values, key=lambda each: float(values[each]))
            found[name] = {**subgroups[group][key], "subgroup": group}
    if found.get("auroc_gap"):
        p = float(np.exp(-3 * (found["auroc_gap"]["value"] / _CHANCE) ** 2))
        null = {"null_mean": 0.4 * _CHANCE, "null_high": _CHANCE, "test": "permutation"}
        found["auroc_gap"] |= {"p_value": p, **null}
    return found | {"pairs": _pairs(subgroups)}


def _undefined(values: Mapping[str, Any]) -> _Report | None:
    missing = [group for group, value in values.items() if value is None]
    return {"value": None, "reason": f"subgroup {missing[0]!r} has no value"} if missing else None


def _pairs(subgroups: Mapping[str, _Report]) -> list[_Report]:
    pairs, found = list(combinations(subgroups, 2)), []
    for a, b in pairs:
        one, other = subgroups[a]["auroc"]["value"], subgroups[b]["auroc"]["value"]
        entry: _Report = {"subgroups": [a, b], "p_value": None, "p_holm": None, "p_max_t": None}
        if one is None or other is None:
            entry["difference"] = {"value": None, "reason": "one of the two has no AUROC"}
        else:
            p = float(np.exp(-abs(one - other) * 90))
            entry |= {"difference": interval(one - other, 0.02, "mover", -1.0), "p_value": p}
            entry |= {"p_holm": min(1.0, p * len(pairs)), "p_max_t": min(1.0, p * (len(pairs) + 1) / 2)}
        found.append(entry)
    return found


def example_audit(report: Mapping[str, Any]) -> _Report:
    """Returns the key ``audit`` of a report: where the predictions come from and how they were read."""
    attributes = {
        name: {
            "column": name.partition(":")[0],
            "bins": list(entry["subgroups"]),
            "n_missing": entry["n_missing"],
            "merged": [],
        }
        for name, entry in report["attributes"].items()
    }
    return {
        "source": {"file": "predictions.csv", "sha256": "3f5a0c9b" * 8, "n_rows": report["n"] + 3, "n_refused": 3},
        "label": "malignant",
        "score": "score",
        "kind": "probability",
        "patient": "patient_id",
        "split": "test",
        "attributes": attributes,
        "min_per_class": 10,
        "suppress_below": 10,
        "created": "2026-11-22T17:00:00+00:00",
        "versions": {"monai_fairtune": "0.1.0", "numpy": "2.3.5", "scipy": "1.16.3"},
        "notes": ["3 rows were refused: their score is blank."],
    }


def example_multiclass(classes: Sequence[str] = ("benign", "melanoma", "carcinoma")) -> _Report:
    """Returns the content of a multi-class ``report.json``: a binary report for each class, and their mean."""
    reports = {
        name: example_report(quality=Quality(0.95, 0.87 - 0.03 * k, 0.03 + 0.02 * k), seed=k)
        for k, name in enumerate(classes)
    }
    first = next(iter(reports.values()))
    audit = {name: report.pop("audit") for name, report in reports.items()}[classes[0]]

    def mean(*path: str) -> _Report:
        values = []
        for report in reports.values():
            entry: Any = report
            for key in path:
                entry = entry[key]
            values.append(entry["value"])
        return interval(float(np.mean(values)), 0.012, "percentile")

    attributes = {}
    for name, entry in first["attributes"].items():
        groups = {
            group: {"auroc": mean("attributes", name, "subgroups", group, "auroc")} for group in entry["subgroups"]
        }
        worst = min(groups, key=lambda group: groups[group]["auroc"]["value"])
        spread = max(groups[group]["auroc"]["value"] for group in groups) - groups[worst]["auroc"]["value"]
        attributes[name] = {
            "subgroups": groups,
            "worst_group_auroc": {**groups[worst]["auroc"], "subgroup": worst},
            "auroc_gap": interval(spread, 0.01, "extreme"),
        }
    macro = {"auroc": mean("overall", "auroc"), "attributes": attributes}
    return {"schema": 1, "kind": "multiclass", "classes": reports, "macro": macro, "audit": audit}
