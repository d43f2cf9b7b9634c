"""Draws one image of the synthetic cohort: a round field of tissue and vessels, with or without a finding."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["IMAGE_SIZE", "draw_image"]

IMAGE_SIZE = 64

_Image = NDArray[np.float64]
_Y, _X = np.meshgrid(np.linspace(-1, 1, IMAGE_SIZE), np.linspace(-1, 1, IMAGE_SIZE), indexing="ij")
_FREQUENCY = np.hypot(np.fft.fftfreq(IMAGE_SIZE)[:, None], np.fft.rfftfreq(IMAGE_SIZE)[None])


def draw_image(rng: np.random.Generator, *, finding: bool, older: bool) -> _Image:
    """Returns a grey image ``(64, 64)`` in [0, 1]; what it shows is told by ``write_synthetic_cohort``.

    Args:
        rng: decides everything that the other arguments leave open.
        finding: whether the patient has the finding.
        older: whether the finding looks as it does from 60 years on.
    """
    image = _tissue(rng, older=older)
    if older:
        if finding or rng.random() < 0.6:
            image -= _disc(rng, strength=rng.uniform(0.15, 0.28), hollow=not finding)
        if rng.random() < 0.5:
            image += _disc(rng, strength=rng.uniform(0.18, 0.34), hollow=False)
    else:
        if finding or rng.random() < 0.6:
            image += _disc(rng, strength=rng.uniform(0.12, 0.26), hollow=not finding)
        if rng.random() < 0.1:
            image -= _disc(rng, strength=rng.uniform(0.15, 0.28), hollow=False)
    image += 0.02 * rng.standard_normal(image.shape)
    field = _X**2 + _Y**2 <= 1
    return np.where(field, np.clip(image, 0.01, 1), 0.0)


def _tissue(rng: np.random.Generator, *, older: bool) -> _Image:
    """Returns uneven brightness, clouds that are coarser and stronger in older patients, and one to three vessels."""
    image = np.full((IMAGE_SIZE, IMAGE_SIZE), rng.uniform(0.38, 0.55))
    image += rng.uniform(-0.08, 0.08) * _X + rng.uniform(-0.08, 0.08) * _Y
    exponents, contrasts = ((1.5, 2.1), (0.04, 0.07)) if older else ((0.8, 1.4), (0.025, 0.045))
    image += rng.uniform(*contrasts) * _noise(rng, rng.uniform(*exponents))
    for _ in range(rng.integers(1, 4)):
        angle, offset, bend = rng.uniform(0, np.pi), rng.uniform(-0.7, 0.7), rng.uniform(-0.5, 0.5)
        along, across = _turned(_X, _Y, angle)
        from_middle = across - offset - bend * along**2
        image += rng.uniform(0.05, 0.12) * np.exp(-((from_middle / rng.uniform(0.025, 0.05)) ** 2) / 2)
    return image


def _disc(rng: np.random.Generator, *, strength: float, hollow: bool) -> _Image:
    x, y = _place(rng)
    from_edge = np.hypot(_X - x, _Y - y) - rng.uniform(0.15, 0.26)
    if hollow:
        return np.asarray(strength * np.exp(-((from_edge / 0.05) ** 2) / 2))
    return np.asarray(strength / (1 + np.exp(np.clip(from_edge / 0.03, -40, 40))))


def _noise(rng: np.random.Generator, exponent: float) -> _Image:
    """Returns noise of variance 1 whose amplitude falls with the frequency."""
    white = np.fft.rfft2(rng.standard_normal((IMAGE_SIZE, IMAGE_SIZE)))
    noise = np.fft.irfft2(white * np.maximum(_FREQUENCY, 1 / IMAGE_SIZE) ** -exponent, s=(IMAGE_SIZE, IMAGE_SIZE))
    return np.asarray((noise - noise.mean()) / noise.std())


def _place(rng: np.random.Generator) -> tuple[float, float]:
    """Returns a place drawn evenly from the inner disc of radius 0.6."""
    radius, angle = 0.6 * np.sqrt(rng.random()), rng.uniform(0, 2 * np.pi)
    return radius * np.cos(angle), radius * np.sin(angle)


def _turned(x: _Image, y: _Image, angle: float) -> tuple[_Image, _Image]:
    return x * np.cos(angle) + y * np.sin(angle), -x * np.sin(angle) + y * np.cos(angle)
