"""A table assessed window by window, each held against a reference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_fairtune.audit.prepare import Prepared
from monai_fairtune.audit.stored import StoredModel, read_model
from monai_fairtune.audit.windows.request import OverTime
from monai_fairtune.audit.windows.scored import Scored
from monai_fairtune.audit.windows.timeline import Timeline, lay_out
from monai_fairtune.audit.windows.watched import judged, quantities
from monai_fairtune.exceptions import ConfigurationError
from monai_fairtune.metrics import Resampling, Surveillance, assess

__all__ = ["assess_windows", "read_reference"]

_LEFT_OUT = ("curves", "pairs")
_QUARTILES = (0.25, 0.5, 0.75)


def read_reference(over_time: OverTime | None) -> StoredModel | None:
    """Returns the audit that an audit over time is held against; None where that is its own first windows.

    Raises:
        PredictionsError: if the audit's files are not there or do not belong together.
    """
    if over_time is None or isinstance(over_time.reference, int):
        return None
    path = Path(over_time.reference)
    return read_model(path.parent if path.name == "report.json" else path, "reference")


def assess_windows(
    prepared: Prepared, over_time: OverTime, stored: StoredModel | None, resampling: Resampling | None
) -> dict[str, Any]:
    """Returns the keys ``windows`` and ``alarms`` of ``report.json``.

    Args:
        prepared: the table.
        over_time: how it is cut.
        stored: the reference, where it is another audit.
        resampling: how the intervals of each window are computed.

    Raises:
        ConfigurationError: if the table is about several classes, or its windows cannot be used.
        PredictionsError: if a time cannot be read, or the reference has other attributes.
    """
    if prepared.findings.problem != "binary":
        raise ConfigurationError(
            f"An audit over time watches one finding, and there are {len(prepared.findings.classes)} classes. "
            "Audit one class against the rest."
        )
    timeline, rule = lay_out(prepared, over_time, stored), over_time.rule
    windows = list(_windows(prepared, timeline, rule, resampling))
    reference = timeline.reference.take(timeline.reference.labelled)
    return {
        "windows": {
            "window": over_time.window,
            "reference": {
                "windows": [period.name for period in timeline.periods[: timeline.n_first]],
                "n": len(reference),
                "n_patients": len(np.unique(reference.patients)),
            },
            "rule": {"alpha": rule.alpha, "horizon": rule.horizon, "allowance": rule.allowance},
            "each": windows,
        },
        "alarms": [
            {"window": window["name"], **test} for window in windows for test in window["tests"] if test.get("alarm")
        ],
    }


def _windows(
    prepared: Prepared, timeline: Timeline, rule: Surveillance, resampling: Resampling | None
) -> Iterator[dict[str, Any]]:
    parts = [timeline.window(k) for k in range(len(timeline.periods))]
    tests = judged(
        [part if k >= timeline.n_first and len(part) else None for k, part in enumerate(parts)],
        timeline.reference,
        quantities(timeline.scored, timeline.reference),
        rule,
        prepared.request.min_per_class,
    )
    for k, (period, part, found) in enumerate(zip(timeline.periods, parts, tests, strict=True)):
        yield {
            "name": period.name,
            "start": period.start.isoformat(),
            "end": period.end.isoformat(),
            "reference": k < timeline.n_first,
            **_assessed(prepared, timeline.codes[timeline.is_assessed] == k, resampling),
            "n_without_label": int((~part.labelled).sum()),
            "case_mix": _case_mix(part),
            "tests": found,
        }


def _assessed(prepared: Prepared, member: NDArray[np.bool_], resampling: Resampling | None) -> dict[str, Any]:
    """Returns what a report has of a window's images with a label, without curves."""
    if not member.any():
        return {"n": 0, "n_patients": 0, "prevalence": None, "overall": {}, "attributes": {}}
    found: Any = assess(
        prepared.predictions[""].take(member),
        prepared.thresholds[""],
        min_per_class=prepared.request.min_per_class,
        resampling=resampling,
    ).to_dict()
    kept = {key: found[key] for key in ("n", "n_patients", "prevalence", "overall")}
    return kept | {"attributes": {name: _plain(entry) for name, entry in found["attributes"].items()}}


def _plain(entry: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in entry.items() if key not in _LEFT_OUT}
    cells = {name: {k: v for k, v in cell.items() if k not in _LEFT_OUT} for name, cell in entry["subgroups"].items()}
    missing = entry["missing"] and {k: v for k, v in entry["missing"].items() if k not in _LEFT_OUT}
    return kept | {"subgroups": cells, "missing": missing}


def _case_mix(part: Scored) -> dict[str, Any]:
    """Returns the shares of the subgroups and the quartiles of their scores, of all images with a score."""
    return {
        "n": len(part),
        "score": _quartiles(part.probabilities),
        "attributes": {
            name: {
                cell or "(missing)": {
                    "share": float(member.mean()) if len(part) else None,
                    "score": _quartiles(part.probabilities[member]),
                }
                for cell, member in ((cell, part.member(name, cell)) for cell in (*group.names, None))
                if cell is not None or member.any()
            }
            for name, group in part.subgroups.items()
        },
    }


def _quartiles(scores: NDArray[np.float64]) -> dict[str, Any]:
    if not len(scores):
        return {"value": None, "reason": "there is no image"}
    low, middle, high = np.quantile(scores, _QUARTILES)
    return {"value": float(middle), "low": float(low), "high": float(high)}
