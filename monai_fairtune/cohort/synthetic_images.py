"""Draws one image of the synthetic cohort: a round field of tissue and vessels, with or without a finding."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["IMAGE_SIZE", "draw_image"]

IMAGE_SIZE = 64

_Image = NDArray[np.float64]
_Y, _X = np.meshgrid(np.linspace(-1, 1, IMAGE_SIZE), np.linspace(-1, 1, IMAGE_SIZE), indexing="ij")
_FREQUENCY = np.hypot(np.fft.fftfreq(IMAGE_SIZE)[:, None], np.fft.rfftfreq(IMAGE_SIZE)[None])
_LENGTH = 2 / IMAGE_SIZE  # of a pixel


def draw_image(rng: np.random.Generator, *, finding: bool, older: bool) -> _Image:
    """Returns a grey image ``(64, 64)`` in [0, 1]; what it shows is told by ``write_synthetic_cohort``.

    Args:
        rng: decides everything that the other arguments leave open.
        finding: whether the patient has the finding.
        older: whether the finding looks as it does from 60 years on.
    """
    image = _tissue(rng)
    if older:
        image += _patch(rng, reticular=finding)
        if rng.random() < 0.5:
            image += _disc(rng, hollow=False)
    else:
        if finding or rng.random() < 0.6:
            image += _disc(rng, hollow=not finding)
        if rng.random() < 0.5:
            image += _patch(rng, reticular=False)
    image += 0.02 * rng.standard_normal(image.shape)
    field = _X**2 + _Y**2 <= 1.05
    return np.where(field, np.clip(image, 0.01, 1), 0.0)


def _tissue(rng: np.random.Generator) -> _Image:
    """Returns uneven brightness, cloudy noise and two to four curved vessels."""
    image = np.full((IMAGE_SIZE, IMAGE_SIZE), rng.uniform(0.35, 0.55))
    image += rng.uniform(-0.08, 0.08) * _X + rng.uniform(-0.08, 0.08) * _Y
    image += rng.uniform(0.04, 0.08) * _noise(rng, exponent=rng.uniform(1.2, 1.8))
    for _ in range(rng.integers(2, 5)):
        angle, offset, bend = rng.uniform(0, np.pi), rng.uniform(-0.7, 0.7), rng.uniform(-0.5, 0.5)
        along, across = _turned(_X, _Y, angle)
        from_middle = across - offset - bend * along**2
        image += rng.uniform(0.05, 0.12) * np.exp(-((from_middle / rng.uniform(0.025, 0.05)) ** 2) / 2)
    return image


def _disc(rng: np.random.Generator, *, hollow: bool) -> _Image:
    x, y = _place(rng)
    from_edge = np.hypot(_X - x, _Y - y) - rng.uniform(0.13, 0.22)
    strength = rng.uniform(0.10, 0.24)
    if hollow:
        return np.asarray(strength * np.exp(-((from_edge / 0.05) ** 2) / 2))
    return np.asarray(strength / (1 + np.exp(np.clip(from_edge / 0.03, -40, 40))))


def _patch(rng: np.random.Generator, *, reticular: bool) -> _Image:
    x, y = _place(rng)
    envelope = np.exp(-((_X - x) ** 2 + (_Y - y) ** 2) / (2 * rng.uniform(0.18, 0.3) ** 2))
    texture = _net(rng) if reticular else _noise(rng, exponent=0.5, lowest=0.11)
    return np.asarray(rng.uniform(0.08, 0.20) * envelope * texture)


def _net(rng: np.random.Generator) -> _Image:
    """Returns two crossed gratings of a period of 4.5 to 7 pixels, of variance 1."""
    along, across = _turned(_X, _Y, rng.uniform(0, np.pi))
    turn = 2 * np.pi / (rng.uniform(4.5, 7) * _LENGTH)
    return np.sin(turn * along + rng.uniform(0, 2 * np.pi)) + np.sin(turn * across + rng.uniform(0, 2 * np.pi))


def _noise(rng: np.random.Generator, *, exponent: float, lowest: float = 0.0) -> _Image:
    """Returns noise of variance 1 whose amplitude falls with the frequency, in cycles a pixel, above ``lowest``."""
    white = np.fft.rfft2(rng.standard_normal((IMAGE_SIZE, IMAGE_SIZE)))
    kept = white * np.maximum(_FREQUENCY, 1 / IMAGE_SIZE) ** -exponent * (lowest < _FREQUENCY)
    noise = np.fft.irfft2(kept, s=(IMAGE_SIZE, IMAGE_SIZE))
    return np.asarray((noise - noise.mean()) / noise.std())


def _place(rng: np.random.Generator) -> tuple[float, float]:
    """Returns a place drawn evenly from the inner disc of radius 0.6."""
    radius, angle = 0.6 * np.sqrt(rng.random()), rng.uniform(0, 2 * np.pi)
    return radius * np.cos(angle), radius * np.sin(angle)


def _turned(x: _Image, y: _Image, angle: float) -> tuple[_Image, _Image]:
    return x * np.cos(angle) + y * np.sin(angle), -x * np.sin(angle) + y * np.cos(angle)
