"""A large network is searched like a small one: what a mask leaves frozen costs neither gradients nor storage."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from monai_fairtune.tuning import Budget, Verdict
from tests.tuning.small_tuner import MakeTuner


@pytest.mark.slow
def test_a_vit_large_trains_under_a_mask_and_stores_only_what_it_tuned(make_tuner: MakeTuner, tmp_path: Path) -> None:
    tuner = make_tuner("vit_large_patch16_224")
    network, space = tuner.network, tuner.network.partition("attention")
    assert len(space.searchable) == 24
    mask = space.mask(space.searchable[-2:])
    before = network.backbone.get_parameter("blocks.0.attn.qkv.weight").clone()
    rates, budget = {"learning_rate": 1e-4}, Budget(1)
    model = tuner.tune(mask, rates, budget, seed=0, on_epoch=lambda _: Verdict(keep=True)).model
    frozen = [parameter for parameter in network.parameters() if not parameter.requires_grad]
    assert sum(map(torch.Tensor.numel, frozen)) > 250e6
    assert all(parameter.grad is None for parameter in frozen)
    torch.testing.assert_close(network.backbone.get_parameter("blocks.0.attn.qkv.weight"), before, rtol=0, atol=0)
    tuner.save(model, tmp_path / "model.safetensors")
    n_tuned = sum(parameter.numel() for _, parameter in network.tuned_parameters())
    assert n_tuned < 9e6
    assert (tmp_path / "model.safetensors").stat().st_size < 4 * n_tuned + 20_000
