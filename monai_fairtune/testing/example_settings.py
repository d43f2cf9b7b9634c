"""The settings of a search that never ran: cohort, network, training, study."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from monai_fairtune.testing.example_trials import FLOOR, LEARNING_RATE

__all__ = ["COHORT", "SETTINGS", "mask", "study"]

NETWORK = "vit_small_patch14_dinov2.lvd142m"

COHORT: dict[str, Any] = {
    "split_rule": "Splits are drawn by patient, stratified by label and subgroups, with seed 0.",
    "where": None,
    "train_fraction": 1.0,
    "class_names": ["benign", "malignant"],
}
SETTINGS: dict[str, Any] = {
    "network": {
        "backbone": NETWORK,
        "backbone_sha256": "8f0b5c2e" * 8,
        "image_size": 70,
        "n_parameters": 21630338,
        "pretrained": True,
    },
    "preprocessing": {"image_size": 70, "n_channels": 3, "steps": ["load", "resize with padding", "scale to 0..1"]},
    "training": {"batch_size": 64, "class_weights": [0.22, 0.78], "optimizer": "AdamW"},
    "seconds": 5420.0,
    "versions": {"monai_fairtune": "0.1.0", "torch": "2.9.1", "monai": "1.6.1", "optuna": "5.0.0"},
    "cohort_hash": "b1946ac9" * 8,
    "config_hash": "1f8ac10f" * 8,
    "created": "2026-11-22T17:00:00+00:00",
}


def study(n_trials: int, n_epochs: int, method: str) -> dict[str, Any]:
    """Returns the settings of a search, as a result stores them.

    Args:
        n_trials: fixed methods and repeats included.
        n_epochs: of every training.
        method: ``"tpe"`` or ``"nsga2"``.
    """
    return {
        "name": "skin lesions",
        "n_trials": n_trials,
        "max_epochs": n_epochs,
        "seed": 0,
        "learning_rates": [1e-5, 1e-3],
        "anchor_learning_rate": LEARNING_RATE,
        "utility_margin": 0.02,
        "method": method,
        "n_startup_trials": 10,
        "population_size": 20,
        "n_ahead": 4,
        "repeat_share": 0.2,
        "n_folds": 1,
        "max_trained_share": None,
        "reduction_factor": 3,
        "n_finalists": 3,
        "n_seeds": 3,
        "n_replicates": 2000,
        "timeout": None,
        "patience": None,
        "stall_timeout": 7200.0,
        "search_space": "attention",
        "sampler": _SAMPLERS[method],
        "utility_floor": {"value": FLOOR, "rule": "overall validation AUROC of the best anchor (norm) minus 0.02"},
        "storage": "study.db",
    }


_SAMPLERS = {
    "tpe": "optuna 5.0.0 TPESampler(multivariate=True, group=False, constant_liar=False, n_startup_trials=10, "
    "n_ei_candidates=24)",
    "nsga2": "optuna 5.0.0 NSGAIISampler(population_size=20, crossover=UniformCrossover, crossover_prob=0.9, "
    "swapping_prob=0.5, mutation_prob=1/n_parameters)",
}


def mask(partition: str, components: Mapping[str, bool]) -> dict[str, Any]:
    """Returns a mask as a result stores it."""
    return {
        "network": NETWORK,
        "partition": partition,
        "components": dict(components),
        "always_tuned": ["head"],
    }
