"""The room's door: what it exports, and that opening it is cheap."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

import monai_fairtune.masks
from monai_fairtune.masks import FairTuneNetwork


def test_every_public_name_exists_and_is_listed_once_in_order() -> None:
    names = monai_fairtune.masks.__all__
    assert len(set(names)) == len(names)
    assert all(hasattr(monai_fairtune.masks, name) for name in names)


def test_importing_masks_loads_neither_timm_nor_monai() -> None:
    code = "import sys, monai_fairtune.masks; print(sorted({'timm', 'monai', 'torchvision'}.intersection(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_reset_and_delta_give_the_same_bits_on_a_gpu() -> None:
    on_cpu = FairTuneNetwork("monai_fairtune.masks.tiny_vit.tiny_vit", image_size=16)
    on_gpu = FairTuneNetwork("monai_fairtune.masks.tiny_vit.tiny_vit", image_size=16).cuda()
    before = torch.cuda.get_rng_state()
    for network in (on_cpu, on_gpu):
        network.reset(3)
        network.load_delta({name: tensor * 2 for name, tensor in network.delta().items()})
    assert torch.equal(before, torch.cuda.get_rng_state())
    for name, tensor in on_cpu.backbone.state_dict().items():
        assert torch.equal(tensor, on_gpu.backbone.state_dict()[name].cpu())
