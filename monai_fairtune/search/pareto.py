"""Pareto fronts: what cannot be improved by one objective without losing by another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["fronts", "hypervolume", "non_dominated"]

Direction = Literal["minimize", "maximize"]


def fronts(
    values: Sequence[Sequence[float]],
    directions: Sequence[Direction],
    violations: Sequence[float] | None = None,
) -> list[list[int]]:
    """Returns positions by front: those that nothing dominates, then those that only the first dominates, and so on.

    One dominates another if it is feasible and the other is not; if both are infeasible and it violates less; or if
    both are feasible and it is at least as good by every objective and better by one (Deb et al., 2002).

    Args:
        values: of each candidate, one for each objective.
        directions: of each objective.
        violations: of each candidate's constraints, the sum of what is above 0; feasible at or below 0. By default
            all are feasible.

    Example:
        >>> fronts([(0.8, 0.1), (0.9, 0.2), (0.7, 0.2)], ["maximize", "minimize"])
        [[0, 1], [2]]
    """
    dominated_by = _dominates(_to_minimise(values, directions), _excess(violations, len(values)))
    remaining = np.ones(len(values), dtype=bool)
    found: list[list[int]] = []
    while remaining.any():
        front = remaining & ~dominated_by[remaining].any(axis=0)
        found.append([int(place) for place in np.flatnonzero(front)])
        remaining &= ~front
    return found


def non_dominated(
    values: Sequence[Sequence[float]],
    directions: Sequence[Direction],
    violations: Sequence[float] | None = None,
) -> list[int]:
    """Returns the positions of the first front, as :func:`fronts`; none for no values.

    Example:
        >>> non_dominated([(0.8, 0.1), (0.9, 0.2), (0.7, 0.2)], ["maximize", "minimize"])
        [0, 1]
    """
    dominated_by = _dominates(_to_minimise(values, directions), _excess(violations, len(values)))
    return [int(place) for place in np.flatnonzero(~dominated_by.any(axis=0))]


def hypervolume(
    values: Sequence[Sequence[float]], directions: Sequence[Direction], reference: Sequence[float]
) -> float:
    """Returns the volume that the values dominate, down to a reference point; larger is better.

    Slices along the last objective (Zitzler, 2001): meant for two to four objectives and fronts of some hundred.

    Args:
        values: one row a candidate; what is not better than the reference by every objective adds nothing.
        directions: of each objective.
        reference: a value for each objective, the worst that counts.

    Example:
        >>> round(hypervolume([(0.8, 0.1), (0.9, 0.2)], ["maximize", "minimize"], (0.5, 0.3)), 3)
        0.07
    """
    limit = _to_minimise([reference], directions)[0]
    points = _to_minimise(values, directions)
    return _volume(points[(points < limit).all(axis=1)], limit)


def _volume(points: NDArray[np.float64], limit: NDArray[np.float64]) -> float:
    if not len(points):
        return 0.0
    if points.shape[1] == 1:
        return float(limit[0] - points[:, 0].min())
    points = points[np.argsort(points[:, -1], kind="stable")]
    heights = np.diff(np.append(points[:, -1], limit[-1]))
    slices = [float(height) * _volume(points[: n + 1, :-1], limit[:-1]) for n, height in enumerate(heights) if height]
    return sum(slices)


def _to_minimise(values: Sequence[Sequence[float]], directions: Sequence[Direction]) -> NDArray[np.float64]:
    signs = np.array([-1.0 if direction == "maximize" else 1.0 for direction in directions])
    costs: NDArray[np.float64] = np.asarray(values, dtype=np.float64).reshape(-1, len(signs)) * signs
    return costs


def _excess(violations: Sequence[float] | None, n: int) -> NDArray[np.float64]:
    return np.zeros(n) if violations is None else np.maximum(0.0, np.asarray(violations, dtype=np.float64))


def _dominates(points: NDArray[np.float64], excess: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Returns whether row dominates column; smaller is better."""
    no_worse = (points[:, None] <= points[None]).all(axis=2)
    better = (points[:, None] < points[None]).any(axis=2)
    feasible = (excess[:, None] == 0) & (excess[None] == 0)
    found: NDArray[np.bool_] = np.where(feasible, no_worse & better, excess[:, None] < excess[None])
    return found
