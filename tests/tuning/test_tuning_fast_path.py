"""What makes training fast (fused steps, few looks at the loss, bfloat16) changes no number beyond rounding."""

from __future__ import annotations

import gc
import math
from typing import Any

import numpy as np
import pytest
import torch
from monai.engines import SupervisedTrainer, Workflow
from torch.utils._python_dispatch import TorchDispatchMode

from monai_fairtune.cohort import DefaultAugmentation
from monai_fairtune.exceptions import TuningError
from monai_fairtune.masks import FairTuneNetwork, Mask
from monai_fairtune.tuning import Budget, EpochReport, SupervisedTuner, TuningResult, Verdict, tuned_optimizer
from tests.tuning.small_tuner import MakeTuner

RATE, EPOCHS, SEED = 1e-3, 2, 4


def keep(_: EpochReport) -> Verdict:
    return Verdict(keep=True)


def tune(tuner: SupervisedTuner, mask: Mask | None = None, epochs: int = EPOCHS) -> TuningResult:
    chosen = tuner.network.anchors()["full"] if mask is None else mask
    return tuner.tune(chosen, {"learning_rate": RATE}, Budget(epochs), seed=SEED, on_epoch=keep)


def plain_optimizer(network: FairTuneNetwork) -> torch.optim.AdamW:
    """PyTorch's loop over parameters, with the rates and decays that the documentation of the tuner tells."""
    head = {"head.weight", "head.bias"}
    groups = [
        {
            "params": [parameter],
            "lr": RATE * (10 if name in head else 1),
            "weight_decay": 0.01 if parameter.ndim > 1 else 0.0,
        }
        for name, parameter in network.backbone.named_parameters()
        if parameter.requires_grad
    ]
    return torch.optim.AdamW(groups, fused=False, foreach=False)


def share_of_rate(step: int, n_steps: int) -> float:
    """A tenth of the steps rise to the rate, the others fall to zero along half a cosine."""
    n_rising = max(1, round(n_steps / 10))
    if step < n_rising:
        return (step + 1) / n_rising
    return 0.5 * (1 + math.cos(math.pi * (step - n_rising) / max(1, n_steps - n_rising)))


def slow_reference(tuner: SupervisedTuner, mask: Mask) -> np.ndarray:
    """Returns the validation split's logits after a plain loop in float32, without MONAI, Ignite or fused steps."""
    network = FairTuneNetwork("monai_fairtune.masks.tiny_vit", image_size=16)
    network.reset(SEED)
    network.apply_mask(mask)
    backbone = network.train().backbone
    order = tuner.splits["train"].batches(tuner.batch_size, shuffle=True, seed=SEED)
    labels = torch.from_numpy(tuner.cohort.labels[tuner.cohort.indices("train")])
    counts = torch.bincount(labels)
    weights = (1 / counts) / (1 / counts).mean()
    optimizer = plain_optimizer(network)
    first_rates = [group["lr"] for group in optimizer.param_groups]
    n_steps = EPOCHS * math.ceil(len(labels) / tuner.batch_size)
    step = 0
    for _ in range(EPOCHS):
        for batch in order:
            for group, rate in zip(optimizer.param_groups, first_rates, strict=True):
                group["lr"] = rate * share_of_rate(step, n_steps)
            logits = backbone((batch["image"] - network.mean) / network.std)
            of_image = weights[batch["label"]]
            loss = -(of_image * logits.log_softmax(1)[range(len(logits)), batch["label"]]).sum() / of_image.sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            step += 1
    images = tuner.splits["validation"].gather(slice(None))
    found: np.ndarray = backbone.eval()((images - network.mean) / network.std).detach().double().numpy()
    return found


@pytest.mark.parametrize("name", ["full", "attention", "head only"])
def test_the_fast_path_gives_the_numbers_of_a_slow_reference_in_float32(tuner: SupervisedTuner, name: str) -> None:
    mask = tuner.network.anchors()[name]
    before = tune(tuner, mask, epochs=1).validation.scores
    found = tune(tuner, mask).validation.scores
    logits = slow_reference(tuner, mask)
    assert np.abs(found - (logits[:, 1] - logits[:, 0])).max() < 1e-4
    assert np.abs(found - before).max() > 1e-2  # training moves the logits by more than the tolerance


def test_fused_steps_are_those_of_the_loop_over_parameters(make_tuner: MakeTuner) -> None:
    networks = [make_tuner().network for _ in range(2)]
    fused = tuned_optimizer(networks[0], RATE)
    assert all(group["fused"] for group in fused.param_groups)
    optimizers = (fused, plain_optimizer(networks[1]))
    generator = torch.Generator().manual_seed(0)
    for _ in range(20):
        for parameters in zip(networks[0].parameters(), networks[1].parameters(), strict=True):
            gradient = torch.randn(parameters[0].shape, generator=generator)
            for parameter in parameters:
                parameter.grad = gradient.clone()
        for optimizer in optimizers:
            optimizer.step()
    for one, other in zip(networks[0].parameters(), networks[1].parameters(), strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-5)


def test_training_in_bfloat16_is_the_same_to_the_bit_when_it_is_repeated(make_tuner: MakeTuner) -> None:
    tuners = [make_tuner(precision=precision) for precision in ("bfloat16", "bfloat16", "float32")]
    runs = [tune(tuner, tuner.network.anchors()["attention"]) for tuner in tuners]
    exact = runs[2].validation.scores
    assert np.array_equal(runs[0].validation.scores, runs[1].validation.scores)
    assert not np.array_equal(runs[0].validation.scores, exact)
    assert np.abs(runs[0].validation.scores - exact).max() < 0.01 < np.ptp(exact)


def test_what_bfloat16_says_of_a_split_is_close_to_float32(make_tuner: MakeTuner) -> None:
    exact, fast = make_tuner(), make_tuner(precision="bfloat16")
    model = tune(exact, exact.network.anchors()["head only"]).model
    scores = exact.predict(model, "test").scores
    difference = np.abs(scores - fast.predict(model, "test").scores)
    assert 0 < difference.max() < 0.01 < np.ptp(scores)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_fault_divergence_is_found_within_the_epoch(make_tuner: MakeTuner, precision: str) -> None:
    tuner = make_tuner(batch_size=1, precision=precision)
    steps: list[int] = []
    tuner.network.register_forward_pre_hook(lambda module, _: steps.append(1) if module.training else None)
    with pytest.raises(TuningError, match=r"Training diverged in epoch 1: the loss is (nan|inf)\."):
        tuner.tune(tuner.network.anchors()["full"], {"learning_rate": 1e30}, Budget(2), seed=1, on_epoch=keep)
    assert len(steps) == 50 < len(tuner.splits["train"])


def test_engines_hold_nothing_on_a_device_once_they_have_run(make_tuner: MakeTuner) -> None:
    gc.collect()
    gc.disable()  # engines are cycles: Python lets them go some time
    try:
        tuner = make_tuner()
        tuner.predict(tune(tuner).model, "test")
        check_engines()
        with pytest.raises(TuningError):
            tuner.tune(tuner.network.anchors()["full"], {"learning_rate": 1e30}, Budget(2), seed=1, on_epoch=keep)
        check_engines()
    finally:
        gc.enable()


def check_engines() -> None:
    """Checks the engines that Python still knows of."""
    engines = [one for one in gc.get_objects() if issubclass(type(one), Workflow)]
    assert [one.state.batch for one in engines] == [one.state.output for one in engines] == [None] * len(engines)
    assert not any(one.optimizer.state for one in engines if isinstance(one, SupervisedTrainer))
    assert engines


class _Reads(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts what a GPU would make the host wait for: numbers that leave a tensor, results of unknown size."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.n = 0

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.n += function in (torch.ops.aten._local_scalar_dense.default, torch.ops.aten.nonzero.default)
        return function(*args, **(kwargs or {}))


def test_training_reads_the_loss_every_50_iterations_and_nothing_else(make_tuner: MakeTuner) -> None:
    tuner = make_tuner(batch_size=1, augmentation=DefaultAugmentation())
    assert len(tuner.splits["train"]) == 80
    with _Reads() as reads:
        tune(tuner, tuner.network.anchors()["head only"])
    assert reads.n == len([50, 80, 100, 150, 160])
