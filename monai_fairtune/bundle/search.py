"""The search of a config."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import torch

from monai_fairtune.bundle.distribution import follow, lead
from monai_fairtune.bundle.options import folder, is_absent, number, optional, switch, text, texts, whole
from monai_fairtune.cohort import Cohort, Preprocessing
from monai_fairtune.cohort.prepared import preparation_rules
from monai_fairtune.exceptions import ConfigurationError
from monai_fairtune.masks import FairTuneNetwork, Mask, Partition, Stages
from monai_fairtune.objectives import Objective, objective_by_name
from monai_fairtune.report import result_table, write_report
from monai_fairtune.search import TRAINED_SHARE, Experiment, SearchSettings, default_n_workers, search_masks
from monai_fairtune.tuning import BlendingTuner, Team, balanced_class_weights, component_blocks

__all__ = [
    "check_screening",
    "count_workers",
    "describe_experiment",
    "further_objectives",
    "make_objective",
    "run_search",
]

_RANDOM_WEIGHTS = (
    "Warning: no weights are given, so the network starts from random weights and is not pretrained. "
    "Choosing what to fine-tune means little then: give --weights FILE, or --weights download.\n"
)


def make_objective(objective: object, cohort: Cohort) -> Objective:
    """Returns the objective that an option names first, over every attribute of the cohort.

    Raises:
        ConfigurationError: if there is no such objective.
    """
    return objective_by_name(texts("objective", objective)[0], tuple(cohort.subgroups))


def further_objectives(objective: object, cohort: Cohort) -> tuple[Objective | Literal["trained_share"], ...]:
    """Returns the objectives that an option names after the first: they span a Pareto front with it.

    Raises:
        ConfigurationError: if there is no such objective.
    """
    attributes = tuple(cohort.subgroups)
    return tuple(
        "trained_share" if name == TRAINED_SHARE else objective_by_name(name, attributes)
        for name in texts("objective", objective)[1:]
    )


def count_workers(n_workers: object, device: torch.device, n_processes: int = 1) -> int:
    """Returns how many worker processes an option asks for; null means one a GPU, or one.

    Args:
        n_workers: the option.
        device: where they train.
        n_processes: how many processes share each training, and therefore are one worker.

    Raises:
        ConfigurationError: if it is no whole number from 1, or above 1 where processes share each training.
    """
    found = optional(whole, "n_workers", n_workers)
    if found is None:
        return default_n_workers(device.type) if n_processes == 1 else 1
    if found > 1 and n_processes > 1:
        raise ConfigurationError(
            f"n_workers is {found}, and {n_processes} processes share each training. "
            "Leave n_workers out, or leave out multi_gpu.yaml and torchrun: then each worker trains alone."
        )
    if found < 1:
        raise ConfigurationError(f"n_workers is {found}. Give a whole number from 1, or null for one a GPU.")
    return found


def check_screening(settings: SearchSettings, network: FairTuneNetwork, partition: Partition) -> None:
    """Refuses a search space that cannot be screened, if it is to be: before any image is decoded.

    Raises:
        MaskError: if the network cannot be cut into stages, or a component does not lie within one block.
    """
    if settings.screening:
        component_blocks(Stages.of(network.backbone), partition)


def describe_experiment(
    *,
    cohort: Cohort,
    network: FairTuneNetwork,
    weights: object,
    preprocessing: Preprocessing,
    eligibility: Mapping[str, Any],
    training: Mapping[str, object],
    where: object = None,
    train_fraction: object = 1.0,
    n_processes: int = 1,
) -> Experiment:
    """Returns what a result tells about cohort, network and training; nothing names a patient, a file or a folder.

    Args:
        cohort: with its splits.
        network: before any mask; its precision is the training's.
        weights: the option, to say whether the network is pretrained.
        preprocessing: what is done to the images.
        eligibility: as ``check_eligibility`` returns it.
        training: the options ``batch_size``, ``augmentation``, ``head_learning_rate_factor`` and ``compiled_blocks``,
            which, like ``n_processes``, changes the last digits.
        where: the option.
        train_fraction: the option.
        n_processes: how many share each training, which changes the last digits.
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
            "preparation": preparation_rules(cohort.prepared),
        },
        cohort_hash=cohort.hash,
        eligibility=eligibility,
        preprocessing=preprocessing.to_dict(),
        training={
            "batch_size": whole("batch_size", training["batch_size"]),
            "augmentation": switch("augmentation", training["augmentation"]),
            "head_learning_rate_factor": number("head_learning_rate_factor", training["head_learning_rate_factor"]),
            "class_weights": balanced_class_weights(cohort.labels[cohort.indices("train")]).tolist(),
            "precision": network.precision,
            "n_processes": n_processes,
            **({"compiled_blocks": True} if switch("compiled_blocks", training.get("compiled_blocks", False)) else {}),
        },
    )


def run_search(
    *,
    tuner: Callable[[], BlendingTuner],
    partition: Partition,
    objective: Objective,
    anchors: Mapping[str, Mask],
    settings: SearchSettings,
    experiment: Experiment,
    output_dir: object,
    further: Sequence[Objective | Literal["trained_share"]] = (),
    warm_start: object = None,
    storage: object = None,
    study: object = "monai-fairtune",
    n_workers: int = 1,
    device: torch.device | None = None,
    lease_seconds: object = 600,
    n_threads: object = None,
    report: object = True,
    team: Team | None = None,
) -> Path:
    """Searches, confirms, writes the result and its report, and prints the final table.

    Of several processes that share each training, the leader does so; the others only train and predict with it.

    Args:
        tuner: makes what trains under a mask; each worker process makes its own.
        partition: the search space.
        objective: what to optimise.
        anchors: fixed methods to compare with.
        settings: of the search.
        experiment: facts for the result.
        output_dir: receives the files of the contract.
        further: objectives that span a Pareto front with the first.
        warm_start: output folders of earlier searches, or their ``result.json``: one or a list; null means none.
        storage: a SQLite path or a database URL; null means ``study.db`` in ``output_dir``.
        study: its name in the storage.
        n_workers: processes that train.
        device: where they train.
        lease_seconds: with a database server, how long a worker may not be heard of.
        n_threads: of a training on processors; null means the cores, divided by ``n_workers``.
        report: whether to write the report and print the table at the end.
        team: the processes that share each training, all of which call this; by default this one alone.

    Returns:
        The report, or where it would be.

    Raises:
        FairTuneError: as :func:`monai_fairtune.search.search_masks`.
    """
    place, team = folder("output_dir", output_dir), team or Team()
    if team.rank > 0:
        follow(team, tuner)
        return place / "report.html"
    _warn(experiment, objective)
    with lead(team, tuner) as shared_tuner:
        result = search_masks(
            shared_tuner,
            partition,
            objective,
            anchors=anchors,
            output_dir=place,
            settings=settings,
            experiment=experiment,
            further_objectives=further,
            warm_start=[_result_file(name) for name in optional(texts, "warm_start", warm_start) or ()],
            storage=optional(text, "storage", storage),
            study=text("study", study),
            n_workers=n_workers,
            device_type="cpu" if device is None else device.type,
            lease_seconds=number("lease_seconds", lease_seconds),
            n_threads=optional(whole, "n_threads", n_threads),
        )
        if not switch("report", report):
            return place / "report.html"
        written = write_report(place)
        _print(f"\n{result_table(result)}\nReport: {written}\n")
        return written


def _warn(experiment: Experiment, objective: Objective) -> None:
    """Says on standard error what makes an answer mean less, before hours are spent on it."""
    if not experiment.network["pretrained"]:
        sys.stderr.write(_RANDOM_WEIGHTS)
    if objective.note:
        sys.stderr.write(f"Note on objective {objective.name}: {objective.note}\n")


def _result_file(name: str) -> Path:
    path = Path(name).expanduser()
    return path / "result.json" if path.is_dir() else path


def _print(text_: str) -> None:
    """Prints what a terminal can show: a search must not end in an error because of a dash."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text_.encode(encoding, "replace").decode(encoding))
    sys.stdout.flush()
