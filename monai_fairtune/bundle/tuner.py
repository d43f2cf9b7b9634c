"""The tuner of a config's search."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

from monai_fairtune.bundle.options import folder, number, optional, switch, text, whole
from monai_fairtune.cohort import CachedImages, Cohort, Preprocessing, hold_splits
from monai_fairtune.exceptions import ConfigurationError
from monai_fairtune.masks import FairTuneNetwork
from monai_fairtune.search.workers import WorkerRole
from monai_fairtune.tuning import HandlersFactory, SupervisedTuner, Team, mlflow_tracking, tensorboard_tracking

__all__ = ["make_tuner"]


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
    log_trials: object = None,
    log_trials_to: object = None,
    output_dir: object = "output",
    team: Team | None = None,
    cuda_graphs: object = True,
    compiled_blocks: object = False,
) -> SupervisedTuner:
    """Returns the tuner over a cohort whose images are decoded; they move to the device where they fit.

    Args:
        network: before any mask.
        cohort: with its splits.
        images: decoded.
        preprocessing: what was done to them.
        augmentation: of training batches, or None.
        device: where the network runs.
        batch_size: images a training step, of all processes together.
        head_learning_rate_factor: how much faster the head learns.
        log_trials: ``mlflow`` or ``tensorboard`` follows every training; null means none.
        log_trials_to: MLflow's tracking URI, or a folder; null means ``mlflow`` or ``tensorboard`` in ``output_dir``.
        output_dir: the output folder.
        team: the processes that share each training; by default this one alone. The leader's trainings are followed.
        cuda_graphs: whether a GPU is given whole passes at once.
        compiled_blocks: whether the network's blocks run compiled.

    Raises:
        ConfigurationError: if an option cannot be used, or what it needs is not installed.
    """
    team, place = team or Team(), folder("output_dir", output_dir)
    role = WorkerRole.of_this_process(place)
    n_sharing = 1 if role is None else role.n_sharing
    return SupervisedTuner(
        network,
        cohort,
        hold_splits(cohort, images, cohort.split_names, device=device, n_sharing=n_sharing),
        batch_size=whole("batch_size", batch_size),
        head_learning_rate_factor=number("head_learning_rate_factor", head_learning_rate_factor),
        augmentation=augmentation,
        preprocessing=preprocessing.to_dict(),
        device=device,
        handlers=_tracking(log_trials if team.rank == 0 else None, log_trials_to, place),
        team=team,
        cuda_graphs=switch("cuda_graphs", cuda_graphs),
        compiled_blocks=switch("compiled_blocks", compiled_blocks),
    )


def _tracking(log_trials: object, log_trials_to: object, output_dir: Path) -> HandlersFactory | None:
    kind = optional(text, "log_trials", log_trials)
    if kind is None:
        return None
    factories: dict[str, Callable[[str], HandlersFactory]] = {
        "mlflow": mlflow_tracking,
        "tensorboard": lambda place: tensorboard_tracking(Path(place)),
    }
    if kind not in factories:
        raise ConfigurationError(f"log_trials is {kind!r}. Give one of {', '.join(factories)}, or null.")
    return factories[kind](optional(text, "log_trials_to", log_trials_to) or str(output_dir / kind))
