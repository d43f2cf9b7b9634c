"""MLflow and TensorBoard follow a training, by MONAI's own handlers; nothing about single patients reaches them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol, TypeAlias
from urllib.parse import urlparse
from urllib.request import url2pathname

from ignite.engine import Engine

from monai_fairtune.exceptions import ConfigurationError

__all__ = ["HandlersFactory", "TrainingHandlers", "mlflow_tracking", "tensorboard_tracking"]

_UNNAMED = "training"
_FINISHED, _FAILED = "FINISHED", "FAILED"


class Handler(Protocol):
    """What attaches to an Ignite engine, such as any handler of ``monai.handlers``."""

    def attach(self, engine: Engine) -> None:
        """Listens to the engine."""
        ...


def _nothing(finished: bool) -> None:
    """Closes nothing."""


@dataclass(frozen=True)
class TrainingHandlers:
    """Who listens to one training.

    Args:
        trainer: attached to the trainer. At the end of an epoch its ``state.metrics`` hold ``train_loss``.
        evaluator: attached to the evaluator of the validation images, a new one each epoch. At the end of its run
            ``state.metrics`` hold what ``SubgroupMetrics`` lists.
        close: called once when the training is over, with whether it came to its end without an error.
    """

    trainer: Sequence[Handler] = ()
    evaluator: Sequence[Handler] = ()
    close: Callable[[bool], None] = _nothing


HandlersFactory: TypeAlias = Callable[[str], TrainingHandlers]
"""Returns the handlers of one training, given ``Budget.name``."""


class _Clock:
    """The trainer's epoch: the evaluator's own is always 1."""

    def attach(self, engine: Engine) -> None:
        self.trainer = engine

    def __call__(self, _: int) -> int:
        return int(self.trainer.state.epoch)


def mlflow_tracking(tracking_uri: str | Path, experiment_name: str = "monai-fairtune") -> HandlersFactory:
    """Returns what logs each training as one run of MLflow, under the name of its budget.

    By epoch it logs the training loss and, of the validation images, the values that ``SubgroupMetrics`` lists;
    once, the numbers of epochs and of batches. Neither images nor ids, file names or parameters of the data set are
    logged. A training that failed, or that a crash cut off, goes on in its run when it is repeated.

    Args:
        tracking_uri: a URI that MLflow accepts, such as ``sqlite:///runs.db``. A folder, or a ``file:`` URI of one,
            stands for the SQLite database ``mlflow.db`` in it: MLflow itself no longer writes folders.
        experiment_name: the experiment that the runs belong to; it is made if it does not exist.

    Raises:
        ConfigurationError: if MLflow is not installed, or the environment variable ``MLFLOW_TRACKING_URI`` names
            another place, which MONAI's handler would write to instead.
    """
    _require("mlflow")
    uri = _database_uri(tracking_uri)
    elsewhere = os.environ.get("MLFLOW_TRACKING_URI")
    if elsewhere and elsewhere != uri:
        raise ConfigurationError(
            f"MLFLOW_TRACKING_URI is {elsewhere!r}, and runs were to be written to {uri!r}. "
            "Unset the environment variable, or name the same place."
        )

    def start(name: str) -> TrainingHandlers:
        from monai.handlers import MLFlowHandler

        clock = _Clock()
        handler = MLFlowHandler(
            tracking_uri=uri,
            experiment_name=experiment_name,
            run_name=name or _UNNAMED,
            iteration_log=False,
            dataset_logger=lambda _: None,
            global_epoch_transform=clock,
        )

        def close(finished: bool) -> None:
            handler.run_finish_status = _FINISHED if finished else _FAILED
            handler.close()

        return TrainingHandlers((clock, handler), (handler,), close)

    return start


def tensorboard_tracking(folder: str | Path) -> HandlersFactory:
    """Returns what logs each training for TensorBoard, in a folder of its own named like its budget.

    It logs the values that ``mlflow_tracking`` logs by epoch. Characters that a folder's name should not hold become
    ``_``.

    Args:
        folder: receives the trainings' folders.

    Raises:
        ConfigurationError: if TensorBoard is not installed.
    """
    _require("tensorboard")

    def start(name: str) -> TrainingHandlers:
        from monai.handlers import TensorBoardStatsHandler

        clock = _Clock()
        place = Path(folder) / (re.sub(r"[^A-Za-z0-9 ._\-]", "_", name).strip(" .") or _UNNAMED)
        handler = TensorBoardStatsHandler(log_dir=str(place), iteration_log=False, global_epoch_transform=clock)
        return TrainingHandlers((clock, handler), (handler,), lambda _: handler.close())

    return start


def _require(package: str) -> None:
    if find_spec(package) is None:
        raise ConfigurationError(f'Package {package!r} is not installed. pip install "monai-fairtune[tracking]".')


def _database_uri(given: str | Path) -> str:
    text = str(given)
    if text.startswith("file:"):
        text = url2pathname(urlparse(text).path)
    elif "://" in text:
        return text
    path = Path(text).resolve()
    database = path if path.suffix in (".db", ".sqlite") else path / "mlflow.db"
    database.parent.mkdir(parents=True, exist_ok=True)
    return f"sqlite:///{database.as_posix()}"
