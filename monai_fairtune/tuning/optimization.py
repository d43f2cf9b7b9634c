"""Optimizer, schedule and loss of a tuning."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from monai_fairtune.exceptions import ConfigurationError, SplitError

__all__ = ["balanced_class_weights", "tuned_optimizer", "warmup_cosine"]


def balanced_class_weights(labels: NDArray[np.int64], n_classes: int = 2) -> torch.Tensor:
    """Returns a weight for each class, inversely proportional to its share of the training split, with mean 1.

    The search and the confirmation use the same weights.

    Args:
        labels: the training split's, shape ``(n,)``.
        n_classes: how many classes there are.

    Returns:
        Shape ``(n_classes,)``, float32.

    Raises:
        SplitError: if a class is absent.

    Example:
        >>> balanced_class_weights(np.array([0, 0, 0, 1])).tolist()
        [0.5, 1.5]
    """
    counts = np.bincount(labels, minlength=n_classes)
    if not counts.all():
        raise SplitError(
            f"The training split holds {counts.tolist()} images of the classes. Draw it so that it holds every class."
        )
    weights = counts.sum() / counts
    return torch.tensor(weights / weights.mean(), dtype=torch.float32)


def tuned_optimizer(
    network: Any, learning_rate: float, *, head_factor: float = 10.0, weight_decay: float = 0.01
) -> torch.optim.AdamW:
    """Returns AdamW over the tuned parameters alone.

    The head starts from random weights and learns ``head_factor`` times as fast. Biases, norms and other vectors
    are not decayed.

    Args:
        network: a ``FairTuneNetwork`` with a mask.
        learning_rate: of the tuned components, positive.
        head_factor: what multiplies it for the head.
        weight_decay: of matrices.

    Raises:
        ConfigurationError: if the learning rate is not a positive finite number.
    """
    if not (math.isfinite(learning_rate) and learning_rate > 0):
        raise ConfigurationError(f"The learning rate is {learning_rate}. Give a positive number, such as 1e-4.")
    groups: dict[tuple[float, float], list[torch.nn.Parameter]] = {}
    for name, parameter in network.tuned_parameters():
        rate = learning_rate * (head_factor if name in network.head_parameter_names else 1.0)
        decay = weight_decay if parameter.ndim > 1 else 0.0
        groups.setdefault((rate, decay), []).append(parameter)
    # One kernel for all parameters of a group, and no count of steps on the host.
    return torch.optim.AdamW(
        [{"params": part, "lr": rate, "weight_decay": decay} for (rate, decay), part in groups.items()], fused=True
    )


def warmup_cosine(
    optimizer: torch.optim.Optimizer, n_steps: int, *, warmup_share: float = 0.1
) -> torch.optim.lr_scheduler.LambdaLR:
    """Returns a schedule that rises linearly over the first steps and then falls to zero along half a cosine.

    Args:
        optimizer: whose rates it multiplies, once a step.
        n_steps: steps of the whole tuning.
        warmup_share: share of the steps that rise, in [0, 1).
    """
    n_warmup = max(1, round(n_steps * warmup_share))

    def factor(step: int) -> float:
        if step < n_warmup:
            return (step + 1) / n_warmup
        return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - n_warmup) / max(1, n_steps - n_warmup))))

    return torch.optim.lr_scheduler.LambdaLR(optimizer, factor)


def n_steps(loader: Iterable[Any], max_epochs: int) -> int:
    """Returns the steps of ``max_epochs`` passes over a loader that knows its length."""
    return max_epochs * len(loader)  # type: ignore[arg-type]
