"""Trains the weights that ship with ``monai_fairtune.masks.tiny_vit``: five to ten minutes on one or two CPU cores.

The pretext is to read off random drawings how they were drawn: the class token tells texture and brightness of the
ground and which figures lie on it, every patch token tells which figures cover it. The synthetic cohort of the demo
has drawings and classes of its own, so that tuning has something left to learn there. The same seed, machine and
number of threads give the same file.

    python tutorials/pretrain_tiny_vit.py [--steps 1500] [--output tiny_vit.safetensors]
"""

from __future__ import annotations

import argparse
import hashlib
import math
import time
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from monai_fairtune.masks.tiny_vit import TINY_VIT_WEIGHTS, tiny_vit

SIZE, PATCH = 48, 8
KINDS = ("disc", "ring", "box", "triangle", "cross", "pair", "grating", "speckle")
N_FIGURES = 3
N_NUMBERS = 10
Y, X = torch.meshgrid(torch.linspace(-1, 1, SIZE), torch.linspace(-1, 1, SIZE), indexing="ij")
FY, FX = torch.meshgrid(torch.fft.fftfreq(SIZE), torch.fft.rfftfreq(SIZE), indexing="ij")


class Drawings(NamedTuple):
    """Images and what they were drawn from."""

    images: Tensor  # (B, 3, SIZE, SIZE) in [0, 1]
    numbers: Tensor  # (B, N_NUMBERS), each about standardised
    present: Tensor  # (B, kinds), 1 where a figure of this kind was drawn
    cover: Tensor  # (B, patches, kinds), share of the patch that such a figure covers
    signed: Tensor  # (B, patches), brightness that figures add


def uniform(generator: torch.Generator, shape: tuple[int, ...], low: float, high: float) -> Tensor:
    """Returns uniform numbers of this shape with two further axes for an image."""
    return torch.rand(*shape, 1, 1, generator=generator) * (high - low) + low


def draw_ground(n: int, generator: torch.Generator) -> tuple[Tensor, list[Tensor]]:
    """Returns stretched noise on a slope of brightness (n, SIZE, SIZE), and the numbers behind it."""
    exponent, contrast = uniform(generator, (n,), 0.5, 2.2), uniform(generator, (n,), 0.01, 0.09)
    angle, stretch = uniform(generator, (n,), 0, math.pi), uniform(generator, (n,), 0, 0.8)
    slope_x, slope_y = uniform(generator, (n,), -0.2, 0.2), uniform(generator, (n,), -0.2, 0.2)
    level, grain = uniform(generator, (n,), 0.3, 0.7), uniform(generator, (n,), 0, 0.04)
    along, across = FX * angle.cos() + FY * angle.sin(), -FX * angle.sin() + FY * angle.cos()
    radius = ((along * stretch.exp()) ** 2 + (across * (-stretch).exp()) ** 2).sqrt().clamp_min(1 / SIZE)
    white = torch.fft.rfft2(torch.randn(n, SIZE, SIZE, generator=generator))
    noise = torch.fft.irfft2(white * radius**-exponent, s=(SIZE, SIZE))
    noise = (noise - noise.mean((1, 2), keepdim=True)) / noise.std((1, 2), keepdim=True)
    image = level + contrast * noise + slope_x * X + slope_y * Y
    image = image + grain * torch.randn(n, SIZE, SIZE, generator=generator)
    numbers = [(exponent - 1.35) / 0.5, (contrast - 0.05) / 0.023]
    numbers += [(2 * angle).cos() * stretch / 0.35, (2 * angle).sin() * stretch / 0.35]
    numbers += [slope_x / 0.12, slope_y / 0.12, (level - 0.5) / 0.12, (grain - 0.02) / 0.012]
    return image, [number.flatten(1) for number in numbers]


def distance_to_figure(kind: Tensor, u: Tensor, v: Tensor, size: Tensor) -> Tensor:
    """Returns the signed distance, negative inside, of pixels in a figure's own axes u and v."""
    radius = (u**2 + v**2).sqrt()
    flat = torch.maximum(u.abs() - size, v.abs() - size / 3)
    upright = torch.maximum(v.abs() - size, u.abs() - size / 3)
    roof = torch.maximum(0.866 * u + v / 2, -0.866 * u + v / 2) - size / 2
    twins = torch.minimum(((u - size) ** 2 + v**2).sqrt(), ((u + size) ** 2 + v**2).sqrt())
    shapes = {
        "ring": (radius - size * 0.8).abs() - size * 0.25,
        "box": torch.maximum(u.abs() - size, v.abs() - size * 0.6),
        "triangle": torch.maximum(-v - size / 2, roof),
        "cross": torch.minimum(flat, upright),
        "pair": twins - size / 2,
    }
    stacked = torch.stack([shapes.get(name, radius - size) for name in KINDS])
    return stacked.gather(0, kind.expand(1, *radius.shape)).squeeze(0)


def draw(n: int, generator: torch.Generator) -> Drawings:
    """Draws n images of up to three figures each."""
    shape = (n, N_FIGURES)
    kind = torch.randint(len(KINDS), (*shape, 1, 1), generator=generator)
    there = (torch.rand(*shape, 1, 1, generator=generator) < 0.6).float()
    x0, y0 = uniform(generator, shape, -0.7, 0.7), uniform(generator, shape, -0.7, 0.7)
    size, softness = uniform(generator, shape, 0.18, 0.4), uniform(generator, shape, 0.02, 0.12)
    angle, period = uniform(generator, shape, 0, math.pi), uniform(generator, shape, 3, 7)
    sign = torch.randint(2, (*shape, 1, 1), generator=generator) * 2.0 - 1
    strength = sign * uniform(generator, shape, 0.12, 0.4)
    u, v = (X - x0) * angle.cos() + (Y - y0) * angle.sin(), -(X - x0) * angle.sin() + (Y - y0) * angle.cos()
    figure = torch.sigmoid(-distance_to_figure(kind, u, v, size) / softness * 3) * there
    waves = torch.sin(u * SIZE * math.pi / period)
    speckle = torch.randn(u.shape, generator=generator).clamp(-2, 2) * 0.8
    fill = torch.where(kind == KINDS.index("grating"), waves, 1.0)
    fill = torch.where(kind == KINDS.index("speckle"), speckle, fill)

    ground, numbers = draw_ground(n, generator)
    images = (ground + (strength * figure * fill).sum(1)).clamp(0, 1)
    cover = torch.zeros(n, len(KINDS), SIZE, SIZE)
    cover = cover.scatter_reduce(1, kind.expand(-1, -1, SIZE, SIZE), figure, "amax")
    present = torch.zeros(n, len(KINDS)).scatter_reduce(1, kind.flatten(1), there.flatten(1), "amax")
    added = strength * figure
    numbers += [added.mean((1, 2, 3))[:, None] / 0.04, figure.mean((2, 3)).sum(1, keepdim=True) / 0.1 - 1]
    return Drawings(
        images[:, None].expand(-1, 3, -1, -1),
        torch.cat(numbers, 1),
        present,
        functional.avg_pool2d(cover, PATCH).flatten(2).transpose(1, 2).clamp(0, 1),
        functional.avg_pool2d(added.sum(1, keepdim=True), PATCH).flatten(1),
    )


class Pretext(nn.Module):
    """The backbone with one linear reader for the class token and one for the patches."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = tiny_vit(num_classes=0)
        self.of_image = nn.Linear(64, N_NUMBERS + len(KINDS))
        self.of_patch = nn.Linear(64, len(KINDS) + 1)

    def loss(self, drawings: Drawings) -> Tensor:
        """Returns the weighted sum of the four losses."""
        tokens = self.backbone.forward_features((drawings.images - 0.5) / 0.5)  # type: ignore[operator]
        numbers, present = self.of_image(tokens[:, 0]).split([N_NUMBERS, len(KINDS)], 1)
        cover, signed = self.of_patch(tokens[:, 1:]).split([len(KINDS), 1], 2)
        total: Tensor = functional.smooth_l1_loss(numbers, drawings.numbers)
        total = total + 2 * functional.binary_cross_entropy_with_logits(present, drawings.present)
        total = total + 4 * functional.binary_cross_entropy_with_logits(cover, drawings.cover)
        return total + 2 * functional.smooth_l1_loss(signed[..., 0], 3 * drawings.signed)


def pretrain(steps: int, batch_size: int, learning_rate: float, seed: int) -> nn.Module:
    """Returns the backbone, trained on drawings that are never repeated."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    pretext = Pretext()
    matrices: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for name, parameter in pretext.named_parameters():
        (matrices if ".blocks." in name and parameter.ndim == 2 else others).append(parameter)
    # Muon needs about half of AdamW's steps here.
    optimizers: list[torch.optim.Optimizer] = [
        torch.optim.Muon(matrices, lr=learning_rate, weight_decay=0.01, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(others, lr=learning_rate, weight_decay=0.01),
    ]
    schedules = [
        torch.optim.lr_scheduler.OneCycleLR(each, learning_rate, steps, pct_start=0.1, cycle_momentum=False)
        for each in optimizers
    ]
    started, total = time.perf_counter(), 0.0
    for step in range(1, steps + 1):
        loss = pretext.loss(draw(batch_size, generator))
        pretext.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(pretext.parameters(), 1.0)
        for optimizer, schedule in zip(optimizers, schedules, strict=True):
            optimizer.step()
            schedule.step()
        total += loss.item() / 100
        if step % 100 == 0:
            print(f"step {step:5d}  loss {total:.4f}  {time.perf_counter() - started:5.0f} s", flush=True)
            total = 0.0
    return pretext.backbone


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--threads", type=int, default=1, help="the file depends on it: sums are taken in another order"
    )
    parser.add_argument("--output", type=Path, default=TINY_VIT_WEIGHTS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    backbone = pretrain(options.steps, options.batch_size, options.learning_rate, options.seed)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    state = {name: value.contiguous() for name, value in backbone.state_dict().items()}
    # One entry only: safetensors writes several in an order of chance, and the checksum with them.
    save_file(state, options.output, metadata={"made_by": f"tutorials/pretrain_tiny_vit.py --seed {options.seed}"})
    content = options.output.read_bytes()
    print(f"{options.output}: {len(content)} bytes, SHA-256 {hashlib.sha256(content).hexdigest()}")


if __name__ == "__main__":
    main()
