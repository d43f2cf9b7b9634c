"""The search of a config."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from monai_fairtune.bundle.device import precision
from monai_fairtune.bundle.options import folder, is_absent, number, optional, switch, text, whole
from monai_fairtune.cohort import CachedImages, Cohort, Preprocessing, ResidentSplit
from monai_fairtune.masks import FairTuneNetwork, Mask, Partition
from monai_fairtune.objectives import Objective, objective_by_name
from monai_fairtune.report import result_table, write_report
from monai_fairtune.search import Experiment, SearchSettings, search_masks
from monai_fairtune.tuning import SupervisedTuner, Tuner, balanced_class_weights

__all__ = ["describe_experiment", "make_objective", "make_tuner", "run_search"]

_RANDOM_WEIGHTS = (
    "Warning: no weights are given, so the network starts from random weights and is not pretrained. "
    "Choosing what to fine-tune means little then: give --weights FILE, or --weights download.\n"
)


def make_objective(objective: object, cohort: Cohort) -> Objective:
    """Returns the objective that an option names, over every attribute of the cohort.

    Raises:
        ConfigurationError: if there is no such objective.
    """
    return objective_by_name(text("objective", objective), tuple(cohort.subgroups))


def describe_experiment(
    *,
    cohort: Cohort,
    network: FairTuneNetwork,
    weights: object,
    preprocessing: Preprocessing,
    eligibility: Mapping[str, Any],
    training: Mapping[str, object],
    device: torch.device,
    where: object = None,
    train_fraction: object = 1.0,
) -> Experiment:
    """Returns what a result tells about cohort, network and training; nothing names a patient, a file or a folder.

    Args:
        cohort: with its splits.
        network: before any mask.
        weights: the option, to say whether the network is pretrained.
        preprocessing: what is done to the images.
        eligibility: as ``check_eligibility`` returns it.
        training: the options ``batch_size``, ``augmentation`` and ``head_learning_rate_factor``.
        device: where training runs.
        where: the option.
        train_fraction: the option.
    """
    return Experiment(
        attributes=tuple(cohort.subgroups),
        network={
            "backbone": network.backbone_name,
            "backbone_sha256": network.backbone_sha256,
            "image_size": preprocessing.image_size,
            "n_channels": preprocessing.n_channels,
            "n_parameters": sum(parameter.numel() for parameter in network.backbone.parameters()),
            "pretrained": not is_absent(weights),
        },
        cohort={
            **cohort.counts(),
            "split_rule": cohort.split_rule,
            "where": optional(text, "where", where),
            "train_fraction": number("train_fraction", train_fraction),
            "class_names": list(cohort.class_names),
        },
        cohort_hash=cohort.hash,
        eligibility=eligibility,
        preprocessing=preprocessing.to_dict(),
        training={
            "batch_size": whole("batch_size", training["batch_size"]),
            "augmentation": switch("augmentation", training["augmentation"]),
            "head_learning_rate_factor": number("head_learning_rate_factor", training["head_learning_rate_factor"]),
            "class_weights": balanced_class_weights(cohort.labels[cohort.indices("train")]).tolist(),
            "precision": str(precision(device)).removeprefix("torch."),
        },
    )


def make_tuner(
    *,
    network: FairTuneNetwork,
    cohort: Cohort,
    images: CachedImages,
    preprocessing: Preprocessing,
    augmentation: torch.nn.Module | None,
    device: torch.device,
    batch_size: object = 32,
    head_learning_rate_factor: object = 10.0,
) -> SupervisedTuner:
    """Returns the tuner over a cohort whose images are decoded; all splits move to the device."""
    return SupervisedTuner(
        network,
        cohort,
        {split: ResidentSplit(cohort, images, split, device=device) for split in cohort.split_names},
        batch_size=whole("batch_size", batch_size),
        head_learning_rate_factor=number("head_learning_rate_factor", head_learning_rate_factor),
        augmentation=augmentation,
        preprocessing=preprocessing.to_dict(),
        device=device,
    )


def run_search(
    *,
    tuner: Tuner,
    partition: Partition,
    objective: Objective,
    anchors: Mapping[str, Mask],
    settings: SearchSettings,
    experiment: Experiment,
    output_dir: object,
    storage: object = None,
) -> Path:
    """Searches, confirms, writes the result and its report, and prints the final table.

    Args:
        tuner: trains under a mask.
        partition: the search space.
        objective: what to optimise.
        anchors: fixed methods to compare with.
        settings: of the search.
        experiment: facts for the result.
        output_dir: receives the files of the contract.
        storage: a SQLite path or a database URL; null means ``study.db`` in ``output_dir``.

    Returns:
        The report.

    Raises:
        FairTuneError: as :func:`monai_fairtune.search.search_masks`.
    """
    place = folder("output_dir", output_dir)
    if not experiment.network["pretrained"]:
        sys.stderr.write(_RANDOM_WEIGHTS)
    if objective.note:
        sys.stderr.write(f"Note on objective {objective.name}: {objective.note}\n")
    result = search_masks(
        tuner,
        partition,
        objective,
        anchors=anchors,
        output_dir=place,
        settings=settings,
        experiment=experiment,
        storage=optional(text, "storage", storage),
    )
    report = write_report(place)
    _print(f"\n{result_table(result)}\nReport: {report}\n")
    return report


def _print(text_: str) -> None:
    """Prints what a terminal can show: a search must not end in an error because of a dash."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text_.encode(encoding, "replace").decode(encoding))
    sys.stdout.flush()
