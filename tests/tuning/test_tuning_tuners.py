from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch

from monai_fairtune.exceptions import ConfigurationError, SplitError, TuningError
from monai_fairtune.masks import Mask
from monai_fairtune.testing.function_tuner import FunctionTuner
from monai_fairtune.testing.tuners import check_tuner
from monai_fairtune.tuning import (
    Budget,
    EpochReport,
    OnEpoch,
    SupervisedTuner,
    TuningResult,
    Verdict,
    balanced_class_weights,
    tuned_optimizer,
)
from monai_fairtune.tuning.optimization import warmup_cosine
from tests.search.worlds import partition, planted, world


def test_conformance_of_the_tuner_over_monais_engines(tuner: SupervisedTuner, tmp_path: Path) -> None:
    space = tuner.network.partition("attention")
    check_tuner(tuner, space.mask(["blocks.2.attention"]), space.all_tuned(), tmp_path)


def test_conformance_of_the_tuner_that_is_a_function(tmp_path: Path) -> None:
    space = partition()
    check_tuner(FunctionTuner(world(planted)), space.head_only(), space.all_tuned(), tmp_path)


def test_a_tuner_that_ignores_its_seed_does_not_conform(tmp_path: Path) -> None:
    space, predict = partition(), world(planted)
    deaf = FunctionTuner(lambda job, epoch, split: predict(type(job)(job.tuned, job.learning_rate, 0), epoch, split))
    with pytest.raises(AssertionError, match="the seed changes nothing"):
        check_tuner(deaf, space.head_only(), space.all_tuned(), tmp_path)


def test_a_tuner_that_swallows_errors_does_not_conform(tmp_path: Path) -> None:
    class Deaf(FunctionTuner):
        def tune(
            self, mask: Mask, hyperparameters: Mapping[str, float], budget: Budget, *, seed: int, on_epoch: OnEpoch
        ) -> TuningResult:
            def calm(report: EpochReport) -> Verdict:
                try:
                    return on_epoch(report)
                except Exception:  # noqa: BLE001
                    return Verdict(keep=True)

            return super().tune(mask, hyperparameters, budget, seed=seed, on_epoch=calm)

    space = partition()
    with pytest.raises(AssertionError, match="an error of on_epoch did not reach the caller"):
        check_tuner(Deaf(world(planted)), space.head_only(), space.all_tuned(), tmp_path)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, OSError])
def test_what_on_epoch_raises_ends_the_training_and_leaves_the_tuner_usable(
    tuner: SupervisedTuner, error: type[BaseException]
) -> None:
    mask, rate = tuner.network.anchors()["full"], {"learning_rate": 1e-3}
    expected = tuner.tune(mask, rate, Budget(2), seed=1, on_epoch=lambda _: Verdict(keep=True))
    thrown, torch_state, seen = error("stop"), torch.get_rng_state(), []

    def stop(report: EpochReport) -> Verdict:
        seen.append(report.epoch)
        raise thrown

    with pytest.raises(error) as raised:
        tuner.tune(mask, rate, Budget(3), seed=2, on_epoch=stop)
    assert raised.value is thrown
    assert seen == [1]
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert all(parameter.grad is None for parameter in tuner.network.parameters())
    again = tuner.tune(mask, rate, Budget(2), seed=1, on_epoch=lambda _: Verdict(keep=True))
    assert np.array_equal(again.validation.scores, expected.validation.scores)


def test_frozen_parameters_are_the_same_to_the_bit_after_training(tuner: SupervisedTuner) -> None:
    mask = tuner.network.partition("attention").mask(["blocks.3.attention"])
    tuner.network.reset(1)
    before = {name: value.clone() for name, value in tuner.network.backbone.named_parameters()}
    tuner.tune(mask, {"learning_rate": 1e-3}, Budget(1), seed=1, on_epoch=lambda _: Verdict(keep=True))
    changed = {
        name for name, value in tuner.network.backbone.named_parameters() if not torch.equal(value, before[name])
    }
    assert changed
    assert changed <= mask.parameter_names


def test_training_leaves_the_global_random_state_alone(tuner: SupervisedTuner) -> None:
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    mask = tuner.network.partition("attention").head_only()
    tuner.tune(mask, {"learning_rate": 1e-3}, Budget(1), seed=1, on_epoch=lambda _: Verdict(keep=True))
    assert torch.equal(torch.rand(3), expected)


def test_fault_a_training_that_diverges_says_so(tuner: SupervisedTuner) -> None:
    mask = tuner.network.anchors()["full"]
    with pytest.raises(TuningError, match=r"not finite|diverged"):
        tuner.tune(mask, {"learning_rate": 1e30}, Budget(2), seed=1, on_epoch=lambda _: Verdict(keep=True))


def test_a_model_that_was_never_kept_is_refused(tuner: SupervisedTuner) -> None:
    mask = tuner.network.partition("attention").head_only()
    with pytest.raises(TuningError, match="No epoch of 1 gave a model worth keeping"):
        tuner.tune(mask, {"learning_rate": 1e-3}, Budget(1), seed=1, on_epoch=lambda _: Verdict(keep=False))


def test_the_optimizer_holds_tuned_parameters_only_and_the_head_learns_faster(tuner: SupervisedTuner) -> None:
    mask = tuner.network.partition("attention").mask(["blocks.0.attention"])
    tuner.network.apply_mask(mask)
    optimizer = tuned_optimizer(tuner.network, 1e-4, head_factor=10, weight_decay=0.05)
    held = {id(parameter): group for group in optimizer.param_groups for parameter in group["params"]}
    named = dict(tuner.network.backbone.named_parameters())
    assert {name for name, parameter in named.items() if id(parameter) in held} == mask.parameter_names
    assert held[id(named["head.weight"])]["lr"] == pytest.approx(1e-3)
    assert held[id(named["blocks.0.attn.qkv.weight"])]["lr"] == pytest.approx(1e-4)
    assert held[id(named["blocks.0.attn.qkv.bias"])]["weight_decay"] == 0
    with pytest.raises(ConfigurationError, match="learning rate is nan"):
        tuned_optimizer(tuner.network, math.nan)


def test_the_schedule_rises_and_then_falls_to_zero() -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = warmup_cosine(optimizer, 20, warmup_share=0.1)
    rates = []
    for _ in range(20):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    assert rates[0] == pytest.approx(0.5)
    assert max(rates) == 1.0 == rates[1]
    assert rates[1:] == sorted(rates[1:], reverse=True)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.0, abs=1e-9)


def test_class_weights_need_both_classes() -> None:
    with pytest.raises(SplitError, match=r"holds \[3, 0\] images"):
        balanced_class_weights(torch.zeros(3, dtype=torch.int64).numpy())
