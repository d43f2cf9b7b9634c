"""Optuna's storage in a database, to which each trial is added once."""

from __future__ import annotations

from typing import Any

from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial
from sqlalchemy import text
from sqlalchemy.orm import Session

__all__ = ["NumberTakenError", "OnceStorage"]


class NumberTakenError(Exception):
    """The study has a trial of this number; nothing was added."""


class OnceStorage(RDBStorage):
    """Refuses a trial whose number the study has already.

    When a connection breaks, Optuna 5.0 adds a trial again by itself, up to five times and seconds later. By then its
    first attempt may have arrived, or another process may have added the trial. So the study's trials are counted in
    the very transaction that adds one, after Optuna has locked the study's row.
    """

    def _get_prepared_new_trial(self, study_id: int, template_trial: FrozenTrial | None, session: Session) -> Any:
        query = text("SELECT COUNT(*) FROM trials WHERE study_id = :study_id")
        n_trials = session.execute(query, {"study_id": study_id}).scalar_one()
        if template_trial is not None and 0 <= template_trial.number < n_trials:
            raise NumberTakenError
        return super()._get_prepared_new_trial(study_id, template_trial, session)
