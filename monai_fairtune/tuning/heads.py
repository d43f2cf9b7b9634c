"""A head fitted to fixed features, for all masks at once."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["fit_heads"]


def fit_heads(
    features: Tensor, labels: Tensor, class_weights: Tensor, *, ridge: float = 100.0, n_steps: int = 8
) -> tuple[Tensor, Tensor]:
    """Fits a logistic regression to the features of each mask, by Newton's method.

    Args:
        features: float32 ``(n_masks, n, d)``.
        labels: 0 or 1, ``(n,)``.
        class_weights: ``(2,)``.
        ridge: the penalty of the squared weights of standardised features, above 0.
        n_steps: of Newton's method.

    Returns:
        Weights ``(n_masks, d)`` and offsets ``(n_masks,)`` of the logit of the second class.
    """
    mean, std = features.mean(dim=1, keepdim=True), features.std(dim=1, keepdim=True).clamp_min(1e-6)
    x = torch.cat([(features - mean) / std, torch.ones_like(features[..., :1])], dim=2)
    weight = class_weights[labels] / class_weights[labels].mean()
    penalty = torch.full((x.shape[2],), ridge, device=x.device)
    penalty[-1] = 1e-6
    solution = torch.zeros(x.shape[0], x.shape[2], device=x.device)
    for _ in range(n_steps):
        p = torch.sigmoid(torch.einsum("mnd,md->mn", x, solution))
        gradient = torch.einsum("mnd,mn->md", x, (p - labels) * weight) + penalty * solution
        curvature = (p * (1 - p) * weight).clamp_min(1e-6)
        hessian = torch.einsum("mnd,mn,mne->mde", x, curvature, x) + torch.diag(penalty)
        solution = solution - torch.linalg.solve(hessian, gradient)
    scaled = solution[:, :-1] / std.squeeze(1)
    return scaled, solution[:, -1] - (scaled * mean.squeeze(1)).sum(dim=1)
