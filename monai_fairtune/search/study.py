"""The Optuna study: asked and told by one driver, and never left in doubt."""

from __future__ import annotations

import json
import sqlite3
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.samplers import PartialFixedSampler, RandomSampler, TPESampler
from optuna.trial import Trial, TrialState

from monai_fairtune.exceptions import ConfigurationError, StudyDriftError
from monai_fairtune.masks import Mask, Partition

__all__ = ["SearchSpace", "Study"]

_LEARNING_RATE = "learning_rate"


class SearchSpace:
    """Mask bits, as categorical parameters named like their components, and the learning rate on a log scale."""

    def __init__(self, partition: Partition, learning_rates: tuple[float, float]) -> None:
        self.partition = partition
        self.distributions: dict[str, BaseDistribution] = {
            name: CategoricalDistribution((False, True)) for name in partition.searchable
        }
        self.distributions[_LEARNING_RATE] = FloatDistribution(*learning_rates, log=True)

    @property
    def n_masks(self) -> int:
        """How many masks there are."""
        return int(2 ** len(self.partition.searchable))

    def parameters(self, mask: Mask, learning_rate: float) -> dict[str, Any]:
        """Returns a mask and a learning rate as Optuna's parameters."""
        return {**mask.components, _LEARNING_RATE: learning_rate}

    def mask(self, parameters: Mapping[str, Any]) -> Mask:
        """Returns the mask that parameters describe."""
        return self.partition.mask([name for name in self.partition.searchable if parameters[name]])


class Study:
    """Optuna's study under one owner.

    Nothing depends on the sampler's state: each proposal comes from a TPE that is seeded for it and reads the
    finished trials, so that a study that was interrupted goes on as if it had not been. TPE works on a copy of the
    finished trials in memory; the storage holds what was trained, not what was only proposed.

    Args:
        storage: a SQLite path or a database URL.
        name: of the study.
        direction: ``"maximize"`` or ``"minimize"``.
        n_startup_trials: finished trials before TPE takes over from random draws.

    Raises:
        ConfigurationError: if the storage cannot be opened.
        StudyDriftError: if the study optimises in another direction.
    """

    def __init__(
        self, storage: str | Path, name: str, direction: Literal["minimize", "maximize"], n_startup_trials: int
    ) -> None:
        self.n_startup_trials = n_startup_trials
        self._begun: dict[int, Trial] = {}
        self._copied: set[int] = set()
        url = _url(storage)
        previous = optuna.logging.get_verbosity()
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        try:
            self._study = optuna.create_study(
                storage=url, study_name=name, direction=direction, load_if_exists=True, sampler=RandomSampler(seed=0)
            )
        except (ImportError, ValueError, OSError, optuna.exceptions.StorageInternalError) as error:
            raise ConfigurationError(
                f"The study's storage cannot be opened ({type(error).__name__}). "
                "Give a path to a SQLite file in a folder that exists, or a database URL that Optuna accepts."
            ) from error
        else:
            self._copy = optuna.create_study(direction=direction)
        finally:
            optuna.logging.set_verbosity(previous)
        if self._study.direction.name.lower() != direction:
            raise StudyDriftError(
                f"Study {name!r} exists and is to {self._study.direction.name.lower()}, not to {direction}. "
                "Choose another output_dir, or the objective it was made for."
            )

    @property
    def sampler_description(self) -> str:
        """The sampler and its pinned arguments, for the report."""
        return (
            f"optuna {optuna.__version__} TPESampler(multivariate=True, group=True, constant_liar=False, "
            f"n_startup_trials={self.n_startup_trials}, n_ei_candidates=24)"
        )

    def pin(self, fingerprint: Mapping[str, Any]) -> None:
        """Ties the study to a configuration.

        Raises:
            StudyDriftError: if it is tied to another one; the message names what differs.
        """
        wanted = json.loads(json.dumps({**fingerprint, "optuna": optuna.__version__}))
        found = self.attribute("configuration")
        if found is None:
            self._study.set_user_attr("configuration", wanted)
        elif found != wanted:
            keys = sorted(key for key in found.keys() | wanted.keys() if found.get(key) != wanted.get(key))
            changes = ", ".join(f"{key}: {_short(found.get(key))} is now {_short(wanted.get(key))}" for key in keys)
            raise StudyDriftError(
                f"The study in this folder was made with another configuration ({changes}). "
                "Choose another output_dir, or go back to the configuration it was made with."
            )

    def attribute(self, name: str) -> Any:
        """Returns a user attribute of the study, or None."""
        return self._study.user_attrs.get(name)

    def set_attribute(self, name: str, value: Any) -> None:
        """Stores a user attribute of the study; plain JSON, and nothing about patients."""
        self._study.set_user_attr(name, value)

    @property
    def running(self) -> list[int]:
        """The numbers of trials that were begun and not told."""
        return [trial.number for trial in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))]

    def begin(self, space: SearchSpace | None, parameters: Mapping[str, Any], name: str | None) -> int:
        """Begins a trial with given parameters; with ``space`` None it lies outside the search space.

        Returns:
            The trial's number.
        """
        if space is None:
            trial = self._study.ask()
        else:
            with _experimental():
                self._study.sampler = PartialFixedSampler(dict(parameters), RandomSampler(seed=0))
            trial = self._study.ask(space.distributions)
            self._study.sampler = RandomSampler(seed=0)
        if name is not None:
            trial.set_user_attr("name", name)
        self._begun[trial.number] = trial
        return trial.number

    def propose(self, space: SearchSpace, seed: int) -> Mapping[str, Any]:
        """Returns the parameters that TPE draws from the finished trials and ``seed``; stores nothing."""
        for trial in self._study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED)):
            if trial.number not in self._copied:
                self._copied.add(trial.number)
                self._copy.add_trial(trial)
        with _experimental():
            self._copy.sampler = TPESampler(
                multivariate=True,
                group=True,
                constant_liar=False,
                n_startup_trials=self.n_startup_trials,
                n_ei_candidates=24,
                seed=seed,
            )
        proposal = self._copy.ask(space.distributions)
        self._copy.tell(proposal, state=TrialState.FAIL)
        return proposal.params

    def report(self, number: int, epoch: int, value: float) -> None:
        """Stores the objective after an epoch."""
        self._trial(number).report(value, step=epoch)

    def tell(self, number: int, state: str, value: float | None, violation: float, summary: Mapping[str, Any]) -> None:
        """Finishes a trial.

        Args:
            number: the trial.
            state: complete, pruned or failed.
            value: the objective, for a complete trial.
            violation: of the utility floor; feasible at or below 0.
            summary: a user attribute for whoever opens the study; nothing about patients.
        """
        trial = self._trial(number)
        trial.set_user_attr("summary", dict(summary))
        if state != "failed":
            trial.set_constraint("utility_floor", violation)
        if state == "complete":
            self._study.tell(number, value)
        else:
            self._study.tell(number, state=TrialState.PRUNED if state == "pruned" else TrialState.FAIL)

    def drop(self, number: int) -> None:
        """Fails a trial that was interrupted."""
        self._trial(number).set_user_attr("interrupted", value=True)
        self._study.tell(number, state=TrialState.FAIL)

    def _trial(self, number: int) -> Trial:
        if number not in self._begun:
            frozen = self._study.get_trials(deepcopy=False)[number]
            self._begun[number] = Trial(self._study, frozen._trial_id)
        return self._begun[number]


@contextmanager
def _experimental() -> Iterator[None]:
    """Optuna calls samplers experimental that it has had for years; users cannot act on the warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        yield


def _url(storage: str | Path) -> str:
    text = str(storage)
    if "://" in text:
        return text
    path = Path(text)
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path)
    try:
        connection.execute("PRAGMA journal_mode=WAL")  # an ask costs a tenth of what it costs without
    except sqlite3.DatabaseError as error:
        raise ConfigurationError(
            f"The storage {path.name!r} is not a SQLite database. Name another file, or move this one away."
        ) from error
    finally:
        connection.close()
    return f"sqlite:///{path.absolute()}"


def _short(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."
