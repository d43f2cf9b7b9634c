"""A thousand random tables: every number is an independent route's within 1e-9, or null with a reason."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import fairlearn.metrics as fl
import numpy as np
import pytest
import torch
from ignite.metrics.fairness import DemographicParityDifference, SubgroupAccuracyDifference
from numpy.typing import NDArray

from monai_fairtune.metrics import Assessment, Threshold, Value, assess
from monai_fairtune.predictions import Predictions
from monai_fairtune.subgroups import MISSING
from monai_fairtune.testing.random_predictions import random_predictions
from tests.metrics.reference import Images, comparison_values, detectable_gap, values

_N_TABLES = 1000
_SENTENCE = re.compile(r"[A-Z].{20,}\.", re.DOTALL)


@dataclass(frozen=True)
class Table:
    """Predictions, our assessment of them, and what the independent routes need."""

    predictions: Predictions
    min_per_class: int
    decisions: NDArray[np.bool_]
    probabilities: NDArray[np.float64]
    report: Assessment

    @classmethod
    def draw(cls, seed: int) -> Table:
        """Draws a table: ties, imbalance, tiny, empty and one-class subgroups, missing values, several images."""
        rng = np.random.default_rng((seed, 7))
        kind = "logit" if seed % 2 else "probability"
        predictions = random_predictions(
            seed,
            n=int(rng.integers(1, 300)),
            attributes=(("site", int(rng.integers(2, 7))),),
            prevalence=float(rng.choice([0.0, 0.05, 0.3, 0.5, 0.9, 1.0], p=[0.02, 0.2, 0.3, 0.3, 0.16, 0.02])),
            missing=float(rng.choice([0.0, 0.2])),
            n_levels=None if seed % 3 == 0 else int(rng.integers(2, 30)),
            kind="logit" if seed % 2 else "probability",
            images_per_patient=int(rng.choice([1, 3])),
            by_patient=bool(rng.random() < 0.5),
            evenness=float(rng.choice([0.3, 5.0], p=[0.3, 0.7])),
            saturated=float(rng.choice([0.0, 0.02], p=[0.7, 0.3])),
        )
        threshold = float(rng.choice([0.0, 0.3, 0.5, 0.8, 1.0], p=[0.03, 0.2, 0.54, 0.2, 0.03]))
        minimum = int(rng.choice([1, 10], p=[0.8, 0.2]))
        probabilities = predictions.scores if kind == "probability" else _risks(predictions.scores)
        report = assess(predictions, Threshold(threshold, "given", "fixed"), min_per_class=minimum)
        return cls(predictions, minimum, probabilities >= threshold, probabilities, report)

    @property
    def codes(self) -> NDArray[np.int64]:
        return self.predictions.subgroups["site"].codes

    def reference(self, member: NDArray[np.bool_], min_per_class: int) -> dict[str, float | None]:
        """Returns the independent routes' values of some images."""
        labels, scores = self.predictions.labels[member], self.predictions.scores[member]
        return values(Images(labels, scores, self.probabilities[member], self.decisions[member], min_per_class))


def _risks(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array([1 / (1 + math.exp(-number)) for number in logits.tolist()])


class Ledger:
    """Compares values with a reference, and counts how often each was defined."""

    def __init__(self) -> None:
        self.defined: Counter[str] = Counter()
        self.undefined: Counter[str] = Counter()

    def compare(
        self, where: str, ours: Mapping[str, Value], theirs: Mapping[str, float | None], names: str = ""
    ) -> None:
        assert ours.keys() == theirs.keys()
        for key, value in ours.items():
            expected, at = theirs[key], f"{key} of {where}"
            if expected is None:
                self.undefined[key] += 1
                assert value.value is None, f"{at} is {value.value} and should be undefined"
                assert _SENTENCE.fullmatch(str(value.reason)), f"{at} is undefined for the reason {value.reason!r}"
                assert re.search(names, str(value.reason)), f"{at}: {value.reason!r} names no subgroup"
            else:
                self.defined[key] += 1
                assert value.value is not None, f"{at} should be {expected}: {value.reason}"
                assert value.value == pytest.approx(expected, rel=1e-9, abs=1e-9), at

    def require(self, keys: int, defined: int, undefined: int) -> None:
        """Asks that every key was seen often enough, defined as well as undefined."""
        assert len(self.defined) == keys
        assert min(self.defined.values()) >= defined, self.defined
        assert min(self.undefined[key] for key in self.defined) >= undefined, self.undefined


@pytest.fixture(scope="module")
def tables() -> list[Table]:
    return [Table.draw(seed) for seed in range(_N_TABLES)]


def test_every_value_of_the_split_the_subgroups_and_the_missing_is_the_references_or_null_with_a_reason(
    tables: list[Table],
) -> None:
    overall, single, without, compared = Ledger(), Ledger(), Ledger(), Ledger()
    for seed, table in enumerate(tables):
        site, groups = table.report.attributes["site"], table.predictions.subgroups["site"]
        whole = table.reference(np.ones(len(table.predictions), dtype=bool), 1)
        overall.compare(f"table {seed}", table.report.overall, whole, "^The split:")
        found = {name: table.reference(member, table.min_per_class) for name, member in groups.items()}
        for name, subgroup in site.subgroups.items():
            single.compare(
                f"{name!r} in table {seed}", subgroup.values, found[name], f"^Subgroup '{name}' of attribute 'site':"
            )
        if site.missing is not None:
            expected = table.reference(table.codes == MISSING, table.min_per_class)
            without.compare(f"the missing in table {seed}", site.missing.values, expected, "^Samples without")
        expected = comparison_values(list(found.values()), whole["auroc"])
        compared.compare(f"table {seed}", site.comparisons, expected, "'[a-f]'")
    overall.require(keys=20, defined=750, undefined=0)
    single.require(keys=20, defined=2000, undefined=100)
    without.require(keys=20, defined=200, undefined=0)
    compared.require(keys=22, defined=150, undefined=100)
    assert all(overall.undefined[key] >= 10 for key in ("auroc", "tpr", "fpr", "ppv", "npv", "log_loss"))


def test_the_named_subgroup_is_the_first_that_has_the_extreme_value(tables: list[Table]) -> None:
    n_named = 0
    for table in tables:
        site = table.report.attributes["site"]
        for name, value in site.comparisons.items():
            if "subgroup" in value.extra:
                key = name.removeprefix("worst_group_").removeprefix("best_group_").removeprefix("largest_")
                key = "log_loss" if key == "subgroup_loss" else key
                having = [g for g, found in site.subgroups.items() if found.values[key].value == value.value]
                assert having[0] == value.extra["subgroup"]
                n_named += 1
    assert n_named > 3000


def test_counts_and_the_detectable_gap_are_those_of_the_rows(tables: list[Table]) -> None:
    for table in tables:
        labels, patients, site = (
            table.predictions.labels,
            table.predictions.patient_ids,
            table.report.attributes["site"],
        )
        assert (table.report.n, table.report.n_patients) == (len(labels), len(set(patients.tolist())))
        assert table.report.prevalence == pytest.approx(sum(labels.tolist()) / len(labels), abs=1e-12)
        assert site.n_missing == table.codes.tolist().count(MISSING)
        counts = []
        for code, subgroup in enumerate(site.subgroups.values()):
            rows = [k for k, found in enumerate(table.codes.tolist()) if found == code]
            n_positive = sum(int(labels[k]) for k in rows)
            counts.append((len(rows) - n_positive, n_positive))
            assert (subgroup.n, subgroup.n_positive) == (len(rows), n_positive)
            assert subgroup.n_patients == len({str(patients[k]) for k in rows})
        expected = detectable_gap(counts)
        if expected is None:
            assert site.minimum_detectable_gap.value is None
            assert _SENTENCE.fullmatch(str(site.minimum_detectable_gap.reason))
        else:
            assert site.minimum_detectable_gap.require() == pytest.approx(expected, abs=1e-9)


def test_comparisons_are_fairlearns_wherever_every_subgroup_defines_them(tables: list[Table]) -> None:
    seen: Counter[str] = Counter()
    rates = {"tpr": fl.true_positive_rate, "fpr": fl.false_positive_rate, "share": fl.selection_rate}
    for table in tables:
        ours, known = table.report.attributes["site"].comparisons, table.codes != MISSING
        if ours["demographic_parity_difference"].value is None:
            continue
        frame = fl.MetricFrame(
            metrics=rates,
            y_true=table.predictions.labels[known],
            y_pred=table.decisions[known].astype(int),
            sensitive_features=table.codes[known],
        )
        differences, ratios = frame.difference(), frame.ratio()
        theirs = {
            "equal_opportunity_difference": differences["tpr"],
            "equalized_odds_difference": max(differences["tpr"], differences["fpr"]),
            "equalized_odds_ratio": min(ratios["tpr"], ratios["fpr"]),
            "demographic_parity_difference": differences["share"],
            "demographic_parity_ratio": ratios["share"],
        }
        for name, expected in theirs.items():
            if ours[name].value is not None:
                seen[name] += 1
                assert ours[name].require() == pytest.approx(expected, abs=1e-9)
    assert len(seen) == 5
    assert min(seen.values()) > 300


@pytest.mark.parametrize(
    ("name", "metric"),
    [("accuracy_gap", SubgroupAccuracyDifference), ("demographic_parity_difference", DemographicParityDifference)],
)
def test_comparisons_are_ignites_within_its_float32(tables: list[Table], name: str, metric: Any) -> None:
    n_compared = 0
    for table in tables:
        site, known = table.report.attributes["site"], table.codes != MISSING
        if site.comparisons[name].value is None:
            continue
        theirs = metric(groups=list(range(len(site.subgroups))))
        decided = torch.as_tensor(table.decisions[known].astype(int))
        theirs.update(
            (
                torch.eye(2)[decided],
                torch.as_tensor(table.predictions.labels[known]),
                torch.as_tensor(table.codes[known]),
            )
        )
        assert site.comparisons[name].require() == pytest.approx(theirs.compute(), abs=1e-6)
        n_compared += 1
    assert n_compared > 500
