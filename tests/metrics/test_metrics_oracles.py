"""Agreement with routes we did not write, beyond that of test_metrics_thousand_tables: to more digits, and by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import fairlearn.metrics as fl
import numpy as np
import pytest
import sklearn.metrics as sk
import torch
from sklearn.exceptions import UndefinedMetricWarning

from monai_fairtune.metrics import Assessment, AttributeAssessment, Threshold, Value, assess, auroc, choose_threshold
from monai_fairtune.predictions import Predictions
from monai_fairtune.subgroups import MISSING, Subgroups
from monai_fairtune.testing.random_predictions import random_predictions

_N_TABLES = 280
_N_COMPARED = 200
_HALF = Threshold(0.5, "given", "fixed")


def table(seed: int) -> Predictions:
    """Draws a table; ties, imbalance, missing values, several attributes and both kinds of scores all occur."""
    rng = np.random.default_rng(seed)
    return random_predictions(
        seed,
        n=int(rng.integers(60, 500)),
        attributes=(("site", int(rng.integers(2, 7))),),
        prevalence=float(rng.choice([0.08, 0.3, 0.5, 0.9])),
        missing=float(rng.choice([0.0, 0.2])),
        n_levels=None if seed % 3 == 0 else int(rng.integers(3, 30)),
        kind="logit" if seed % 2 else "probability",
    )


@pytest.fixture(scope="module")
def tables() -> list[tuple[Predictions, Assessment]]:
    drawn = [table(seed) for seed in range(_N_TABLES)]
    return [(predictions, assess(predictions, _HALF, min_per_class=1)) for predictions in drawn]


def recorded(predictions: Predictions) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Returns labels, scores, decisions and codes of the samples whose attribute is recorded."""
    codes = predictions.subgroups["site"].codes
    known = codes != MISSING
    decided = (predictions.probabilities >= 0.5).astype(int)
    return predictions.labels[known], predictions.scores[known], decided[known], codes[known]


def same(value: Value, oracle: float, tolerance: float = 1e-9) -> bool:
    return value.value is not None and abs(value.value - oracle) <= tolerance


def cells(
    tables: list[tuple[Predictions, Assessment]],
) -> Iterator[tuple[Predictions, np.ndarray, Mapping[str, Value]]]:
    """Yields each split and each subgroup: the predictions, which samples, and our values."""
    for predictions, report in tables[:_N_COMPARED]:
        yield predictions, np.ones(len(predictions), dtype=bool), report.overall
        for name, described in report.attributes["site"].subgroups.items():
            yield predictions, predictions.subgroups["site"].member(name), described.values


def defined(
    tables: list[tuple[Predictions, Assessment]], name: str
) -> Iterator[tuple[Predictions, AttributeAssessment, Value]]:
    """Yields 200 splits on which a comparison is defined."""
    found = [(p, r.attributes["site"]) for p, r in tables if r.attributes["site"].comparisons[name].value is not None]
    assert len(found) >= _N_COMPARED
    for predictions, attribute in found[:_N_COMPARED]:
        yield predictions, attribute, attribute.comparisons[name]


def test_auroc_is_scikit_learns_within_1e_12(tables: list[tuple[Predictions, Assessment]]) -> None:
    n_compared = 0
    for predictions, member, values in cells(tables):
        labels = predictions.labels[member]
        if labels.size and 0 < labels.sum() < labels.size:
            assert same(values["auroc"], sk.roc_auc_score(labels, predictions.scores[member]), 1e-12)
            n_compared += 1
        else:
            assert values["auroc"].value is None
    assert n_compared > 700


def test_auroc_by_subgroup_is_that_of_fairlearns_metric_frame(tables: list[tuple[Predictions, Assessment]]) -> None:
    for predictions, attribute, gap in defined(tables, "auroc_gap"):
        labels, scores, _, codes = recorded(predictions)
        frame = fl.MetricFrame(metrics=sk.roc_auc_score, y_true=labels, y_pred=scores, sensitive_features=codes)
        assert same(attribute.worst_group_auroc, frame.group_min())
        assert same(attribute.comparisons["best_group_auroc"], frame.group_max())
        assert same(gap, frame.difference(method="between_groups"))
        assert attribute.worst_group_auroc.extra["subgroup"] == "abcdefg"[int(frame.by_group.idxmin())]


def test_youdens_index_at_the_threshold_is_the_largest_of_scikit_learns_roc_curve(
    tables: list[tuple[Predictions, Assessment]],
) -> None:
    for predictions, _ in tables[:_N_COMPARED]:
        fpr, tpr, _ = sk.roc_curve(predictions.labels, predictions.probabilities)
        rates = assess(predictions, choose_threshold(predictions)).overall
        assert rates["tpr"].require() - rates["fpr"].require() == pytest.approx(np.max(tpr - fpr), abs=1e-12)


def test_what_fairlearn_calls_a_gap_of_zero_is_undefined_here_fault_7() -> None:
    labels, scores, codes = np.array([0, 1, 1, 1]), np.array([0.2, 0.8, 0.5, 0.6]), np.array([0, 0, 1, 1])
    with pytest.warns(UndefinedMetricWarning, match="Only one class"):
        frame = fl.MetricFrame(metrics=sk.roc_auc_score, y_true=labels, y_pred=scores, sensitive_features=codes)
    assert frame.difference() == 0.0
    sex = Subgroups("sex", ("f", "m"), codes)
    predictions = Predictions(labels, scores, kind="probability", subgroups={"sex": sex})
    gap = assess(predictions, _HALF, min_per_class=1).attributes["sex"].auroc_gap
    assert gap.value is None
    assert "Subgroup 'm' of attribute 'sex': AUROC is undefined for 2 positive and 0 negative" in str(gap.reason)


def test_a_float32_sigmoid_ties_what_logits_still_rank() -> None:
    labels, logits = np.array([0, 1, 0, 1]), np.array([20.0, 30.0, 10.0, 40.0])
    saturated = torch.sigmoid(torch.as_tensor(logits, dtype=torch.float32)).numpy()
    assert auroc(labels, logits) == sk.roc_auc_score(labels, logits) == 1.0
    assert auroc(labels, saturated) < 1.0
