from __future__ import annotations

import csv
import logging
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from monai.handlers import CheckpointSaver, MetricsSaver, StatsHandler
from numpy.typing import NDArray
from sklearn.metrics import log_loss, roc_auc_score

from monai_fairtune.exceptions import PredictionsError, TuningError, UndefinedMetricError
from monai_fairtune.tuning import FairnessEvaluator, SubgroupMetrics, better
from monai_fairtune.tuning.subgroup_metrics import margin

_ATTRIBUTES = {"sex": ("female", "male"), "age:60": ("[0,60)", "[60,inf)")}


class _Logits(torch.nn.Module):
    """A network whose input already holds its logits."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images


def _samples(n: int = 60, seed: int = 0) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, 2, (n,), generator=generator)
    groups = torch.randint(-1, 2, (n, 2), generator=generator)
    logits = torch.randn(n, 2, generator=generator) + torch.nn.functional.one_hot(labels, 2)
    return {"image": logits, "label": labels, "group": groups, "index": torch.arange(n)}


def _batches(samples: dict[str, torch.Tensor], size: int = 7) -> list[dict[str, torch.Tensor]]:
    n = len(samples["label"])
    return [{key: part[start : start + size] for key, part in samples.items()} for start in range(0, n, size)]


def _evaluator(batches: Iterable[Any], **arguments: Any) -> FairnessEvaluator:
    return FairnessEvaluator("cpu", batches, _Logits(), _ATTRIBUTES, **arguments)


def _scores(samples: dict[str, torch.Tensor]) -> NDArray[np.float64]:
    logits = samples["image"].double().numpy()
    return np.asarray(logits[:, 1] - logits[:, 0])


def test_the_numbers_of_a_whole_split_reach_the_engines_metrics() -> None:
    samples = _samples()
    evaluator = _evaluator(_batches(samples))
    evaluator.run()
    labels, scores, groups = samples["label"].numpy(), _scores(samples), samples["group"].numpy()
    aurocs = {
        (column, code): float(roc_auc_score(labels[groups[:, column] == code], scores[groups[:, column] == code]))
        for column in (0, 1)
        for code in (0, 1)
    }
    metrics = evaluator.state.metrics
    assert metrics["auroc"] == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)
    assert metrics["auroc_sex_female"] == pytest.approx(aurocs[0, 0], abs=1e-12)
    assert metrics["auroc_age_60__60_inf"] == pytest.approx(aurocs[1, 1], abs=1e-12)
    assert metrics["worst_group_auroc"] == pytest.approx(min(aurocs.values()), abs=1e-12)
    gaps = [abs(aurocs[column, 0] - aurocs[column, 1]) for column in (0, 1)]
    assert metrics["auroc_gap"] == pytest.approx(max(gaps), abs=1e-12)
    losses = [
        log_loss(labels[member], 1 / (1 + np.exp(-scores[member])))
        for column in (0, 1)
        for code in (0, 1)
        if (member := groups[:, column] == code).any()
    ]
    assert metrics["largest_subgroup_loss"] == pytest.approx(max(losses), abs=1e-6)
    assert evaluator.state.key_metric_name == "worst_group_auroc"
    assert evaluator.state.best_metric == metrics["worst_group_auroc"]


@pytest.mark.parametrize("size", [1, 7, 60])
def test_the_size_of_batches_changes_nothing(size: int) -> None:
    samples = _samples()
    whole, parts = _evaluator(_batches(samples, 60)), _evaluator(_batches(samples, size))
    whole.run()
    parts.run()
    assert parts.state.metrics == whole.state.metrics


def test_the_order_of_samples_changes_nothing() -> None:
    samples = _samples()
    order = torch.randperm(60, generator=torch.Generator().manual_seed(1))
    whole = _evaluator(_batches(samples))
    shuffled = _evaluator(_batches({key: part[order] for key, part in samples.items()}))
    whole.run()
    shuffled.run()
    assert shuffled.state.metrics == whole.state.metrics
    logits, index = shuffled.subgroup_metrics.logits()
    assert np.array_equal(logits, whole.subgroup_metrics.logits()[0])
    assert index is not None
    assert index.tolist() == list(range(60))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_decollated_batches_give_the_same_numbers(dtype: torch.dtype) -> None:
    samples = _samples()
    samples["image"] = samples["image"].to(dtype)
    whole, decollated = _evaluator(_batches(samples)), _evaluator(_batches(samples), decollate=True)
    whole.run()
    decollated.run()
    assert decollated.state.metrics == whole.state.metrics


def test_batches_without_positions_give_the_same_numbers() -> None:
    samples = _samples()
    whole = _evaluator(_batches(samples))
    del samples["index"]
    without = _evaluator(_batches(samples))
    whole.run()
    without.run()
    assert without.state.metrics == pytest.approx(whole.state.metrics, abs=1e-12)
    assert without.subgroup_metrics.logits()[1] is None


def test_a_second_run_forgets_the_first() -> None:
    evaluator = _evaluator(_batches(_samples()))
    evaluator.run()
    first = dict(evaluator.state.metrics)
    evaluator.run()
    assert evaluator.state.metrics == first
    assert len(evaluator.predictions()) == 60


def test_monais_handlers_take_the_numbers(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("fairtune.test").setLevel(logging.INFO)
    network = torch.nn.Sequential(_Logits(), torch.nn.Linear(2, 2))
    handlers = [
        StatsHandler(iteration_log=False, name="fairtune.test"),
        MetricsSaver(str(tmp_path), metrics="*"),
        CheckpointSaver(str(tmp_path), {"model": network}, save_key_metric=True, key_metric_filename="model.pt"),
    ]
    evaluator = _evaluator(_batches(_samples()), val_handlers=handlers)
    with caplog.at_level(logging.INFO):
        evaluator.run()
    assert "worst_group_auroc" in caplog.text
    with (tmp_path / "metrics.csv").open() as file:
        written = {row[0]: float(row[1]) for row in csv.reader(file)}
    assert written["worst_group_auroc"] == pytest.approx(evaluator.state.metrics["worst_group_auroc"], abs=1e-4)
    assert (tmp_path / "model.pt").exists()


def test_every_value_is_a_plain_float() -> None:
    evaluator = _evaluator(_batches(_samples()))
    evaluator.run()
    assert {type(value) for value in evaluator.state.metrics.values()} == {float}


def test_a_subgroup_absent_from_batches_stays_itself() -> None:
    samples = _samples()
    samples["group"][:, 0] = (torch.arange(60) >= 30).long()  # whole batches hold one subgroup only
    evaluator = _evaluator(_batches(samples, 30))
    evaluator.run()
    second = samples["group"][:, 0].numpy() == 1
    expected = roc_auc_score(samples["label"].numpy()[second], _scores(samples)[second])
    assert evaluator.state.metrics["auroc_sex_male"] == pytest.approx(expected, abs=1e-12)


def test_an_undefined_value_is_left_out_and_refused_as_key_metric() -> None:
    samples = _samples()
    samples["label"][samples["group"][:, 0] == 1] = 0
    overall = _evaluator(_batches(samples), key_metric="auroc")
    overall.run()
    assert "auroc_sex_male" not in overall.state.metrics
    assert "worst_group_auroc" not in overall.state.metrics
    assert math.isfinite(overall.state.metrics["auroc"])
    with pytest.raises(UndefinedMetricError, match=r"Metric 'worst_group_auroc' is undefined on this split"):
        _evaluator(_batches(samples)).run()


def test_logits_that_are_not_finite_are_refused() -> None:
    samples = _samples()
    samples["image"][3] = math.nan
    with pytest.raises(TuningError, match=r"1 of 60 logits are not finite\. Lower the learning rate"):
        _evaluator(_batches(samples)).run()


def test_a_sample_that_comes_twice_is_refused() -> None:
    batches = _batches(_samples())
    with pytest.raises(PredictionsError, match=r"7 of 67 samples came twice\..*even_divisible=False"):
        _evaluator([*batches, batches[0]]).run()


def test_an_evaluator_without_samples_is_refused() -> None:
    metrics = SubgroupMetrics(_ATTRIBUTES)
    with pytest.raises(PredictionsError, match="saw no sample"):
        metrics.compute()


def test_names_that_trackers_would_confuse_are_told_apart() -> None:
    samples = _samples()
    attributes: dict[str, Sequence[str]] = {"age": ("<60", ">=60"), "sex": ("女", "男")}
    evaluator = FairnessEvaluator("cpu", _batches(samples), _Logits(), attributes)
    evaluator.run()
    named = {
        name: value for name, value in evaluator.state.metrics.items() if name.startswith(("auroc_age", "auroc_sex"))
    }
    assert set(named) == {"auroc_age__60", "auroc_age__60_2", "auroc_sex", "auroc_sex_2"}
    assert len(set(named.values())) == 4


@pytest.mark.parametrize(
    ("current", "best", "expected"),
    [(0.9, math.nan, True), (math.nan, 0.5, False), (math.nan, math.nan, False), (0.9, 0.8, True), (0.8, 0.8, False)],
)
def test_a_nan_is_never_the_best_value(current: float, best: float, expected: bool) -> None:
    assert better("worst_group_auroc")(current, best) is expected


@pytest.mark.parametrize("metric", ["auroc_gap", "largest_subgroup_loss"])
def test_a_smaller_gap_and_a_smaller_loss_are_better(metric: str) -> None:
    assert better(metric)(0.1, 0.2)
    assert not better(metric)(0.2, 0.1)


def test_margins_come_from_one_logit_or_two() -> None:
    two = np.array([[1.0, 3.0], [2.0, -1.0]])
    assert margin(two).tolist() == [2.0, -3.0]
    assert margin(np.array([2.0, -3.0])).tolist() == [2.0, -3.0]
    assert margin(np.array([[2.0], [-3.0]])).tolist() == [2.0, -3.0]
    with pytest.raises(PredictionsError, match="gives one or two an image"):
        margin(np.zeros((4, 3)))
