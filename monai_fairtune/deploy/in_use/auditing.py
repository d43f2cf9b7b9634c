"""The log, audited over time."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any

from monai_fairtune.audit import Audit, OverTime, audit, whole_windows
from monai_fairtune.deploy.in_use.answered import AnsweredImages, read_answers
from monai_fairtune.exceptions import PredictionsError

__all__ = ["audit_log"]


def audit_log(
    path: Path,
    over_time: OverTime,
    *,
    model: str | None = None,
    since: date | None = None,
    today: date | None = None,
    **arguments: Any,
) -> Audit:
    """Audits what one model has answered, window by window; the window that is not over yet is left out.

    Images whose label is not known yet count in the case mix. The last window is the one before today's, though it may
    hold no image: a model that is not asked any more has no old alarms.

    Args:
        path: of the log.
        over_time: how it is cut; its ``time`` is ``"time"``.
        model: the first digits of the SHA-256 of the model's weights; not needed where the log has one model.
        since: the window that holds this day is the first, and of a reference of windows too; by default the latest 120
            windows are audited, and a note says where they begin.
        today: by default the day in UTC.
        arguments: of ``audit``, such as ``attributes`` and ``resampling``; without a ``threshold`` it is the model's.

    Raises:
        PredictionsError: if no window is over, or none of its images has a label.
    """
    today = today or datetime.now(timezone.utc).date()
    found = read_answers(path, model)
    past = found.table[found.table["time"] < today.isoformat()]  # times of the log are in UTC and in one form
    rows = past[whole_windows(past["time"], over_time.window, today, since)]
    if rows.empty:
        raise PredictionsError(
            f"The log has {len(found.table)} answers of this model, and none in a window that is over and audited. "
            "Wait until the first is, take shorter windows, or begin with an earlier day."
        )
    audited = audit(
        rows,
        label="label",
        score="score",
        patient="patient",
        sample="image",
        drop_missing=True,
        over_time=replace(over_time, until=today),
        **{"threshold": _threshold(found, over_time), "source": {"file": path.name, "sha256": None}} | arguments,
    )
    if since is None and past["time"].min() < (first := audited.report["windows"]["each"][0]["start"]):
        return _noted(audited, f"Answers before {first} were left out: there are more windows than can be told apart.")
    return audited


def _noted(audited: Audit, note: str) -> Audit:
    entry = {**audited.report["audit"], "notes": [*audited.report["audit"]["notes"], note]}
    return replace(audited, report={**audited.report, "audit": entry})


def _threshold(found: AnsweredImages, over_time: OverTime) -> float | None:
    """Returns the model's own threshold, unless the reference brings one along."""
    return found.threshold if isinstance(over_time.reference, int) else None
