"""What a search that never ran says of its own luck: noise between seeds, optimism, Pareto front, faults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from monai_fairtune.testing.example_trials import Groups

__all__ = ["Noise", "faults", "optimism", "pareto_front"]

_FEW = "no mask was trained with two seeds. Give repeat_share above 0, or more trials"


@dataclass(frozen=True)
class Noise:
    """Noise between seeds and spread between masks: one-way analysis of variance, as small as it can be.

    Args:
        groups: values of one mask and learning rate each.
    """

    groups: Groups

    @property
    def means(self) -> list[float]:
        """The mean over seeds of every group."""
        return [float(np.mean([trial["value"] for trial in group])) for group in self.groups]

    @property
    def n_degrees(self) -> int:
        """Degrees of freedom of the variance between seeds."""
        return sum(len(group) - 1 for group in self.groups)

    @property
    def variances(self) -> tuple[float, float] | None:
        """The variance between seeds and that between masks; None where no mask was trained twice."""
        if self.n_degrees == 0 or len(self.groups) < 3:
            return None
        values = [np.array([trial["value"] for trial in group]) for group in self.groups]
        seeds = sum(float(((v - v.mean()) ** 2).sum()) for v in values) / self.n_degrees
        once = float(np.mean([1 / len(group) for group in self.groups]))
        return seeds, max(0.0, float(np.var(self.means, ddof=1)) - seeds * once)

    @property
    def estimates(self) -> list[float]:
        """The means, drawn towards the mean of all masks."""
        if self.variances is None:
            return self.means
        seeds, masks = self.variances
        centre = float(np.mean(self.means))
        weights = [masks / (masks + seeds / len(group)) if masks else 0.0 for group in self.groups]
        return [centre + weight * (mean - centre) for weight, mean in zip(weights, self.means, strict=True)]

    def to_dict(self, chosen: int) -> dict[str, Any]:
        """Returns the entry ``noise`` of a result.

        Args:
            chosen: position of the group that became the answer.
        """
        told: dict[str, Any] = {
            "n_masks": len(self.groups),
            "n_masks_repeated": sum(len(group) > 1 for group in self.groups),
            "n_degrees": self.n_degrees,
            "estimate": self.estimates[chosen],
        }
        if self.variances is None:
            undefined = {"value": None, "reason": _FEW}
            return told | {"seeds": undefined, "masks": undefined, "reliability": None, "not_told_apart": []}
        seeds, masks = self.variances
        low, high = np.sqrt(self.n_degrees * seeds / stats.chi2.ppf([0.975, 0.025], self.n_degrees))
        return told | {
            "seeds": {"value": seeds**0.5, "low": float(low), "high": float(high)},
            "masks": {"value": masks**0.5},
            "reliability": masks / (masks + seeds),
            "not_told_apart": self._alike(chosen, seeds),
        }

    def _alike(self, chosen: int, seeds: float) -> list[dict[str, Any]]:
        found, ours = [], self.means[chosen]
        for group, mean in sorted(zip(self.groups, self.means, strict=True), key=lambda pair: -pair[1]):
            error = (seeds * (1 / len(group) + 1 / len(self.groups[chosen]))) ** 0.5
            p = 2 * float(stats.t.sf(abs(ours - mean) / error, self.n_degrees))
            if group is not self.groups[chosen] and p >= 0.05:
                trial = group[0]
                entry = {"trial": trial["number"], "name": trial["name"] or f"trial {trial['number']}"}
                found.append({**entry, "value": mean, "difference": ours - mean, "p_value": p})
        return found


def optimism(finalist: Mapping[str, Any], estimate: float, validation: float | None, test: object) -> dict[str, Any]:
    """Returns the entry ``optimism`` of a result.

    Args:
        finalist: that was chosen.
        estimate: its value once noise is taken into account.
        validation: the objective of the delivered model on validation.
        test: its objective on test, as a report states it.
    """
    stated: dict[str, Any] = dict(test) if isinstance(test, Mapping) else {"value": test}
    told = {
        "searched": finalist["value"],
        "n_seeds": len(finalist["values"]),
        "estimate": estimate,
        "validation": validation,
        "selection": finalist["selection_value"],
        "delivered_selection": max(finalist["selection_values"]),
        "test": stated["value"],
    }
    if stated["value"] is None:
        return told | {"found": None, "reason": stated.get("reason", "")}
    return told | {"found": finalist["value"] - stated["value"]}


def pareto_front(groups: Groups, names: Sequence[str], directions: Sequence[str]) -> list[dict[str, Any]]:
    """Returns the entry ``pareto_front`` of a result; empty with one objective."""
    if len(names) == 1:
        return []
    signs = np.array([1 if direction == "maximize" else -1 for direction in directions])
    means = np.array([np.mean([trial["values"] for trial in group], axis=0) for group in groups])
    scores = means * signs
    return [
        {
            "trial": group[0]["number"],
            "name": group[0]["name"] or f"trial {group[0]['number']}",
            "values": dict(zip(names, mean.tolist(), strict=True)),
            "trained_share": group[0]["trained_share"],
        }
        for group, mean, score in zip(groups, means, scores, strict=True)
        if not ((scores >= score).all(axis=1) & (scores > score).any(axis=1)).any()
    ]


def faults(trials: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Returns the entry ``faults`` of a result: workers that were killed, and one that ran out of memory."""
    n = sum(trial["attempts"] - 1 for trial in trials)
    halved = min(1, n)
    kinds = {"killed": n - halved, "out_of_memory": halved}
    return {
        "n_repeated_attempts": n,
        "by_kind": {kind: count for kind, count in kinds.items() if count},
        "n_halved_batches": halved,
    }
