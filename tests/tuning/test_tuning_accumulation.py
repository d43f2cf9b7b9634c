from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from monai.engines import SupervisedTrainer
from torch._subclasses import FakeTensor
from torch.optim.optimizer import register_optimizer_step_post_hook

from monai_fairtune.cohort import DefaultAugmentation
from monai_fairtune.exceptions import ConfigurationError
from monai_fairtune.tuning import Budget, EpochReport, SupervisedTuner, TuningResult, Verdict
from monai_fairtune.tuning.accumulation import MicroBatches, SharedLoss
from tests.tuning.small_tuner import MakeTuner


def _tune(tuner: SupervisedTuner, accumulation_steps: int = 1) -> tuple[TuningResult, list[float]]:
    losses: list[float] = []

    def keep(report: EpochReport) -> Verdict:
        losses.append(report.loss)
        return Verdict(keep=True)

    budget = Budget(2, accumulation_steps=accumulation_steps)
    return tuner.tune(tuner.network.anchors()["full"], {"learning_rate": 1e-3}, budget, seed=1, on_epoch=keep), losses


@contextmanager
def _steps(tuner: SupervisedTuner) -> Iterator[tuple[list[int], list[float]]]:
    """Records the sizes of the batches that are trained on, and the rate of each optimizer step."""
    sizes: list[int] = []
    rates: list[float] = []
    seen = tuner.network.register_forward_pre_hook(lambda m, args: sizes.append(len(args[0])) if m.training else None)
    stepped = register_optimizer_step_post_hook(lambda optimizer, *_: rates.append(optimizer.param_groups[0]["lr"]))
    yield sizes, rates
    seen.remove()
    stepped.remove()


def test_accumulated_gradients_train_the_same_model_with_the_same_steps(make_tuner: MakeTuner) -> None:
    tuner = make_tuner()
    tuner.whole = replace(tuner.whole, class_weights=torch.tensor([0.3, 1.7]))
    with _steps(tuner) as (sizes, rates):
        whole, losses = _tune(tuner)
    for n_parts in (2, 4, 16):
        with _steps(tuner) as (part_sizes, part_rates):
            parts, part_losses = _tune(tuner, n_parts)
        assert max(part_sizes) == max(sizes) // n_parts
        assert sum(part_sizes) == sum(sizes)
        assert part_rates == rates
        assert np.abs(parts.validation.scores - whole.validation.scores).max() < 1e-4
        assert part_losses == pytest.approx(losses, abs=1e-5)


def test_an_augmented_batch_has_the_same_pixels_in_parts(tuner: SupervisedTuner) -> None:
    batches = tuner.splits["train"].batches(16, shuffle=True, seed=2, augmentation=DefaultAugmentation())
    parts = MicroBatches(batches, 3, torch.tensor([0.5, 1.5]))
    seen = list(parts)
    assert len(parts) == len(seen)
    batches.epoch = 0
    whole = list(batches)
    for key in ("image", "label", "group", "index"):
        assert torch.equal(torch.cat([part[key] for part in seen]), torch.cat([batch[key] for batch in whole]))


def test_parts_of_unlike_class_weight_add_up_to_the_whole_gradient() -> None:
    logits = torch.randn(6, 2, generator=torch.Generator().manual_seed(0), requires_grad=True)
    labels = torch.tensor([0, 0, 0, 1, 1, 0])
    weights = torch.tensor([0.3, 1.7])
    mean = torch.nn.CrossEntropyLoss(weight=weights)
    (expected,) = torch.autograd.grad(mean(logits, labels), logits)

    class OneBatch:
        batch_size, n_images = 6, 6

        def __iter__(self) -> Iterator[dict[str, torch.Tensor]]:
            yield {"image": logits, "label": labels}

    network, loss = torch.nn.Identity(), SharedLoss(mean)
    optimizer = torch.optim.SGD([logits], lr=0.0)
    trainer = SupervisedTrainer(
        torch.device("cpu"), 1, MicroBatches(OneBatch(), 2, weights), network, optimizer, loss,  # type: ignore[arg-type]
        decollate=False, accumulation_steps=2,
    )  # fmt: skip
    loss.attach(trainer)
    trainer.run()
    assert logits.grad is not None
    assert torch.allclose(logits.grad, expected, atol=1e-7)
    halves = [mean(logits[rows], labels[rows]) / 2 for rows in (slice(3), slice(3, 6))]
    (plain,) = torch.autograd.grad(sum(halves, torch.zeros(())), logits)
    assert not torch.allclose(plain, expected, atol=1e-3)


def test_more_parts_than_images_are_as_many_as_there_are_images(tuner: SupervisedTuner) -> None:
    losses = {n_parts: _tune(tuner, n_parts)[1] for n_parts in (16, 17)}
    assert losses[16] == losses[17]
    with pytest.raises(ConfigurationError, match="accumulation_steps is 0"):
        Budget(1, accumulation_steps=0)


@pytest.mark.parametrize("error", [torch.OutOfMemoryError, MemoryError])
def test_fault_after_memory_ran_out_the_tuner_is_as_it_was(tuner: SupervisedTuner, error: type[Exception]) -> None:
    expected, _ = _tune(tuner)
    thrown = error("out of memory")

    def run_out(_: torch.nn.Module, args: tuple[torch.Tensor]) -> None:
        if len(args[0]) > 8 and tuner.network.training:
            raise thrown

    hook = tuner.network.backbone.register_forward_pre_hook(run_out)
    with pytest.raises(error) as raised:
        _tune(tuner)
    assert raised.value is thrown
    halves, _ = _tune(tuner, 2)
    hook.remove()
    assert all(parameter.grad is None for parameter in tuner.network.parameters())
    again, _ = _tune(tuner)
    assert np.array_equal(again.validation.scores, expected.validation.scores)
    assert np.abs(halves.validation.scores - expected.validation.scores).max() < 1e-4


def test_an_error_of_memory_holds_neither_activations_nor_the_optimizer(tuner: SupervisedTuner) -> None:
    def run_out(module: torch.nn.Module, _: Any, output: torch.Tensor) -> None:
        if module.training:
            raise torch.OutOfMemoryError(f"no room for {output.shape}")

    hook = tuner.network.get_submodule("backbone.head").register_forward_hook(run_out)
    with pytest.raises(torch.OutOfMemoryError) as raised:
        _tune(tuner)
    hook.remove()
    held = [item for item in gc.get_objects() if issubclass(type(item), torch.Tensor | torch.optim.Optimizer)]
    held = [item for item in held if not isinstance(item, FakeTensor)]  # what a compiler thought of in another test
    assert raised.value.__traceback__ is not None
    assert not [item for item in held if isinstance(item, torch.optim.Optimizer) or item.grad_fn is not None]


def test_predictions_that_do_not_fit_into_memory_are_made_in_smaller_batches(make_tuner: MakeTuner) -> None:
    expected, _ = _tune(make_tuner())
    tuner = make_tuner(evaluation_batch_size=64)
    sizes: list[int] = []

    def run_out(module: torch.nn.Module, args: tuple[torch.Tensor]) -> None:
        sizes.append(len(args[0]))
        if not module.training and len(args[0]) > limit:
            raise torch.OutOfMemoryError("out of memory")

    limit = 10
    tuner.network.register_forward_pre_hook(run_out)
    result, _ = _tune(tuner)
    assert tuner.evaluation_batch_size == 8
    assert np.abs(result.validation.scores - expected.validation.scores).max() < 1e-5
    limit = 0
    with pytest.raises(torch.OutOfMemoryError):
        _tune(tuner)
    assert sizes[-1] == 1
