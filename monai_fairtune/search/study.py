"""The Optuna study: a record of every finished trial, in order, that Optuna's own tools can open."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import optuna
from optuna.trial import FrozenTrial, TrialState, create_trial
from sqlalchemy.engine import URL

from monai_fairtune.exceptions import ConfigurationError, StudyDriftError
from monai_fairtune.search.board.database import alone, connect, engine_arguments, is_server, persist
from monai_fairtune.search.quiet import quiet_optuna
from monai_fairtune.search.study_storage import NumberTakenError, OnceStorage

__all__ = ["Study"]

_OPENING_PATIENCE = 60.0  # who mistypes a host should not wait for long
_STATES = {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "failed": TrialState.FAIL}


class Study:
    """Optuna's study under one owner at a time.

    Trials enter it when they are finished, each under its own number, in the order of their numbers: nothing is ever
    left RUNNING, and adding a trial again changes nothing.

    Args:
        url: of the storage.
        name: of the study.
        directions: of each objective.
        patience: seconds for which a database that cannot be reached is tried again.

    Raises:
        ConfigurationError: if the storage cannot be opened.
        StudyDriftError: if the study optimises in another direction.
    """

    def __init__(
        self, url: URL, name: str, directions: Sequence[Literal["minimize", "maximize"]], *, patience: float = 900.0
    ) -> None:
        self.url, self.patience = url, _OPENING_PATIENCE
        _prepare(url)
        try:
            with quiet_optuna():
                self._study = self._persist(lambda: _create(url, name, directions), "opening the study")
        except (ImportError, ValueError, OSError, optuna.exceptions.StorageInternalError) as error:
            raise ConfigurationError(
                f"The study's storage cannot be opened ({type(error).__name__}). "
                "Give a path to a SQLite file in a folder that exists, or a database URL that Optuna accepts."
            ) from error
        found = [direction.name.lower() for direction in self._study.directions]
        if found != list(directions):
            raise StudyDriftError(
                f"Study {name!r} exists and is to {' and '.join(found)}, not to {' and '.join(directions)}. "
                "Choose another output_dir or study, or the objective it was made for."
            )
        self._n_trials = self._persist(self._count, "reading the study")
        self.patience = patience

    @property
    def n_trials(self) -> int:
        """How many trials it holds."""
        return int(self._n_trials)

    def refresh(self) -> None:
        """Reads how many trials it holds, since another process may have added some."""
        self._n_trials = self._persist(self._count, "reading the study")

    def pin(self, fingerprint: Mapping[str, Any]) -> None:
        """Ties the study to a configuration.

        Raises:
            StudyDriftError: if it is tied to another one; the message names what differs.
        """
        self._locked(lambda: self._pin(fingerprint))

    def pinned(self, name: str) -> Any:
        """Returns a part of the configuration that the study is tied to; None if it is tied to none."""
        return (self.attribute("configuration") or {}).get(name)

    def keep(self, name: str, value: Any) -> Any:
        """Returns a user attribute of the study, which is ``value`` if nobody has stored another before."""

        def store() -> None:
            if self.attribute(name) is None:
                self.set_attribute(name, value)

        self._locked(store)
        return self.attribute(name)

    def _locked(self, work: Callable[[], None]) -> None:
        """Does something while no other process does such a thing; it must bear being repeated."""

        def attempt() -> None:
            engine = connect(self.url)
            try:
                with alone(engine):
                    work()
            finally:
                engine.dispose()

        self._persist(attempt, "writing to the study")

    def _pin(self, fingerprint: Mapping[str, Any]) -> None:
        wanted = json.loads(json.dumps({**fingerprint, "optuna": optuna.__version__}))
        found = self.attribute("configuration")
        if found is None:
            self.set_attribute("configuration", wanted)
        elif found != wanted:
            changes = ", ".join(
                f"{key}: {_short(before)} is now {_short(after)}" for key, before, after in _changes(found, wanted)
            )
            raise StudyDriftError(
                f"The study in this folder was made with another configuration ({changes}). "
                "Choose another output_dir, or go back to the configuration it was made with."
            )

    def attribute(self, name: str) -> Any:
        """Returns a user attribute of the study, or None."""
        return self._persist(lambda: self._study.user_attrs, "reading the study").get(name)

    def set_attribute(self, name: str, value: Any) -> None:
        """Stores a user attribute of the study; plain JSON, and nothing about patients."""
        self._persist(lambda: self._study.set_user_attr(name, value), "writing to the study")

    def add(
        self,
        number: int,
        *,
        state: str,
        values: Sequence[float],
        parameters: Mapping[str, Any],
        distributions: Mapping[str, Any],
        violations: Mapping[str, float],
        intermediate: Mapping[int, float],
        attributes: Mapping[str, Any],
    ) -> None:
        """Adds a finished trial, unless the study has it.

        Args:
            number: the trial's; every earlier trial has been added.
            state: complete, pruned or failed.
            values: one for each objective; used for a complete trial.
            parameters: mask bits and the learning rate; empty outside the search space.
            distributions: of each parameter.
            violations: of each constraint; feasible at or below 0.
            intermediate: the first objective by epoch.
            attributes: for whoever opens the study; nothing about patients.
        """
        if number < self._n_trials:
            return
        trial = create_trial(
            state=_STATES[state],
            values=list(values) if state == "complete" else None,
            params=dict(parameters),
            distributions=dict(distributions),
            user_attrs=dict(attributes),
            intermediate_values=dict(intermediate),
            constraints=dict(violations) or None,
        )
        self._persist(lambda: self._add(number, trial), "adding a trial")
        self._n_trials = number + 1

    def _add(self, number: int, trial: FrozenTrial) -> None:
        trial.number = number
        with suppress(NumberTakenError):
            self._study.add_trial(trial)

    def _count(self) -> int:
        return len(self._study.get_trials(deepcopy=False))

    def _persist(self, work: Any, what: str) -> Any:
        return persist(work, patience=self.patience, what=what)


def _create(url: URL, name: str, directions: Sequence[Literal["minimize", "maximize"]]) -> optuna.Study:
    engine = connect(url)
    try:
        with alone(engine):
            storage = OnceStorage(url.render_as_string(hide_password=False), engine_kwargs=engine_arguments(url))
            return optuna.create_study(
                storage=storage, study_name=name, directions=list(directions), load_if_exists=True
            )
    finally:
        engine.dispose()


def _prepare(url: URL) -> None:
    if is_server(url):
        return
    path = Path(str(url.database))
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path)
    try:
        connection.execute("PRAGMA journal_mode=WAL")  # a write costs a tenth of what it costs without
    except sqlite3.DatabaseError as error:
        raise ConfigurationError(
            f"The storage {path.name!r} is not a SQLite database. Name another file, or move this one away."
        ) from error
    finally:
        connection.close()


def _changes(before: Mapping[str, Any], after: Mapping[str, Any], of: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yields what differs: keys within keys are joined by a dot."""
    for key in sorted(before.keys() | after.keys()):
        old, new = before.get(key), after.get(key)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from _changes(old, new, f"{of}{key}.")
        elif old != new:
            yield f"{of}{key}", old, new


def _short(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."
