"""A backbone that finds too little memory in one of several processes."""

from __future__ import annotations

import os
from typing import Any

import torch

from monai_fairtune.masks import tiny_vit

MOST_IMAGES = 4
"""So many images find room in the second process, while the network trains."""


def fragile_vit(**arguments: Any) -> torch.nn.Module:
    """Returns the tiny network, which runs out of memory in the process of rank 1 if it trains on more images."""
    network = tiny_vit(**arguments)

    def run_out(module: torch.nn.Module, given: tuple[torch.Tensor]) -> None:
        if module.training and len(given[0]) > MOST_IMAGES and os.environ.get("RANK") == "1":
            raise torch.OutOfMemoryError("out of memory")

    network.register_forward_pre_hook(run_out)
    return network
