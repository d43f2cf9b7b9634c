"""What a search is about, as far as reports and the study's fingerprint need to know."""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any

from monai_fairtune.objectives import Objective
from monai_fairtune.search.settings import SearchSettings

__all__ = ["Experiment", "versions"]

_REPORTED = ("monai-fairtune", "monai", "torch", "timm", "optuna", "numpy", "scikit-learn", "pandas")


@dataclass(frozen=True)
class Experiment:
    """The facts about cohort, network and training that travel into the result.

    Nothing here names a patient, a file or a folder.

    Args:
        attributes: the sensitive attributes' declarations.
        network: backbone, its SHA-256, image size and number of parameters.
        cohort: counts, split rule, filter, how it was prepared.
        cohort_hash: of rows, splits and images.
        eligibility: the counts that the objective rests on, and the limit.
        preprocessing: what was done to the images.
        training: batch size and what else fixes a training.
    """

    attributes: tuple[str, ...]
    network: Mapping[str, Any] = field(default_factory=dict)
    cohort: Mapping[str, Any] = field(default_factory=dict)
    cohort_hash: str = ""
    eligibility: Mapping[str, Any] = field(default_factory=dict)
    preprocessing: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)

    def fingerprint(self, settings: SearchSettings, objective: Objective, search_space: str) -> dict[str, Any]:
        """Returns what may not change within one study: plain JSON."""
        return {
            "attributes": list(self.attributes),
            "cohort_hash": self.cohort_hash,
            "network": dict(self.network),
            "preprocessing": dict(self.preprocessing),
            "training": dict(self.training),
            "min_per_class": self.eligibility.get("min_per_class"),
            "objective": objective.name,
            "search_space": search_space,
            **settings.fingerprint(),
        }


def fingerprint_hash(fingerprint: Mapping[str, Any]) -> str:
    """Returns the SHA-256 of a fingerprint: 64 hexadecimal characters."""
    return hashlib.sha256(json.dumps(fingerprint, sort_keys=True).encode()).hexdigest()


def versions() -> dict[str, str]:
    """Returns the versions that a result depends on."""
    found = {"python": platform.python_version(), "platform": f"{sys.platform} {platform.machine()}"}
    return found | {name.replace("-", "_"): metadata.version(name) for name in _REPORTED}
