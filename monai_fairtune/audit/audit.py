"""Assessing any model from a table of its predictions."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from importlib import metadata
from typing import Any, Literal

import pandas as pd
from numpy.typing import ArrayLike

from monai_fairtune.audit.columns import Attributes
from monai_fairtune.audit.prepare import Prepared, Request, prepare
from monai_fairtune.audit.reading import Source
from monai_fairtune.audit.result import Audit
from monai_fairtune.audit.suppression import suppress_small_cells
from monai_fairtune.audit.windows import OverTime, assess_windows, read_reference, suppress_windows
from monai_fairtune.metrics import Resampling, assess, assess_each

__all__ = ["audit"]

_DEFAULT = Resampling()
_VERSIONS = ("monai-fairtune", "numpy", "scipy", "pandas")


def audit(
    table: pd.DataFrame | None = None,
    *,
    label: Any,
    score: Any,
    attributes: Attributes,
    kind: Literal["probability", "logit"] = "probability",
    classes: Sequence[str] | None = None,
    patient: str | ArrayLike | None = None,
    sample: str | ArrayLike | None = None,
    split: str | ArrayLike | None = None,
    threshold: float | Mapping[str, float] | None = None,
    min_per_class: int = 10,
    suppress_below: int | None = None,
    merge_small: bool = False,
    drop_missing: bool = False,
    resampling: Resampling | None = _DEFAULT,
    source: Source | None = None,
    over_time: OverTime | None = None,
    on_design: Callable[[dict[str, Any]], None] | None = None,
) -> Audit:
    """Assesses a model's predictions, subgroup by subgroup.

    Takes a table and the names of its columns, or arrays: whoever has fairlearn's ``y_true``, scores and
    ``sensitive_features`` gives them as ``label``, ``score`` and ``attributes``. Rows are matched by position; an index
    is not looked at. The scores are needed, not decisions: an AUROC of decisions says little.

    Args:
        table: one row an image; without it, everything below is an array.
        label: 0 or 1, 1 being the finding. For several classes see ``read_findings``.
        score: of the finding; larger means more likely.
        attributes: declarations such as ``"sex"``, ``"age:60"`` or ``"sex*age:60"``; or declaration to values, a Series
            or a DataFrame. Properties of the acquisition (scanner, site, view) are declared in the same way.
        kind: ``"probability"`` (in [0, 1], else refused) or ``"logit"``.
        classes: names of the classes, in the order of the scores, where their columns do not tell.
        patient: whose image it is; without it every image counts as a patient of its own, which narrows intervals
            wrongly if some share one.
        sample: the image's id, by which the images of two models are paired; by default the row's number.
        split: test rows are assessed, validation rows choose the threshold, others are not read.
        threshold: on the probability; for several classes also by class. By default Youden's on the validation rows;
            without those 0.5, and a note says so. It is never chosen on the rows that are assessed.
        min_per_class: the fewest positives and negatives for which a subgroup's AUROC is given.
        suppress_below: withhold cells with fewer images, patients, positives or negatives, see
            ``suppress_small_cells``; by default nothing is withheld.
        merge_small: merge subgroups below ``min_per_class``, see ``subgroups.merge_small``; they are listed.
        drop_missing: leave rows without a label or a score out, and say how many, instead of refusing them.
        resampling: how intervals and tests are computed; None computes none, which is faster.
        source: the file that the table came from.
        over_time: also assess the table window by window and watch for drift; one finding only. Rows that
            ``drop_missing`` leaves out for want of a label then still count in the case mix.
        on_design: called with the design numbers (counts, eligibility, detectable gap) before anything is computed.

    Returns:
        The audit.

    Raises:
        PredictionsError: if labels, scores or ids are missing or cannot be read.
        AttributeDeclarationError: if an attribute cannot be read.
        SplitError: if a patient is in test and in validation, or there is no test split.
        ConfigurationError: if an argument cannot be used.

    Example:
        >>> table = pd.DataFrame({"label": [0, 0, 1, 1] * 2, "score": [0.1, 0.2, 0.8, 0.9, 0.1, 0.8, 0.2, 0.9],
        ...                       "sex": ["f"] * 4 + ["m"] * 4})
        >>> found = audit(table, label="label", score="score", attributes="sex", threshold=0.5, min_per_class=2,
        ...               resampling=None)
        >>> found.to_dict()["attributes"]["sex"]["worst_group_auroc"]["subgroup"]
        'm'
    """
    request = Request(
        table=table,
        label=label,
        score=score,
        attributes=attributes,
        kind=kind,
        classes=classes,
        patient=patient,
        sample=sample,
        split=split,
        threshold=threshold,
        min_per_class=min_per_class,
        suppress_below=suppress_below,
        merge_small=merge_small,
        drop_missing=drop_missing,
        source=source or {"file": None, "sha256": None},
        keep_unlabelled=over_time is not None,
    )
    stored = read_reference(over_time)
    if stored is not None and threshold is None and split is None:
        request = replace(request, threshold=stored.threshold.value)
    prepared = prepare(request)
    if on_design is not None:
        on_design(_shared(prepared.design(), suppress_below))
    report = _assess(prepared, resampling)
    if over_time is not None:
        report |= assess_windows(prepared, over_time, stored, resampling)
    report = _shared(report, suppress_below)
    return Audit({**report, "audit": _entry(prepared, report)}, prepared.predictions, min_per_class)


def _shared(report: dict[str, Any], suppress_below: int | None) -> dict[str, Any]:
    if suppress_below is None:
        return report
    return (suppress_windows if "windows" in report else suppress_small_cells)(report, suppress_below)


def _assess(prepared: Prepared, resampling: Resampling | None) -> dict[str, Any]:
    limit = prepared.request.min_per_class
    if prepared.findings.problem != "binary":
        return assess_each(
            prepared.predictions,
            prepared.thresholds,
            kind=prepared.findings.problem,
            min_per_class=limit,
            resampling=resampling,
        ).to_dict()
    return assess(
        prepared.predictions[""], prepared.thresholds[""], min_per_class=limit, resampling=resampling
    ).to_dict()


def _entry(prepared: Prepared, report: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what a reader must know of how the table was read: the report's key ``audit``."""
    request = prepared.request
    one = report if "attributes" in report else next(iter(report["classes"].values()))
    n_rows: dict[str, object] = {"n_rows": len(prepared.findings.labels), "n_refused": prepared.rows.n_refused}
    if request.suppress_below is not None and prepared.rows.n_refused:
        n_rows = dict.fromkeys(n_rows, "suppressed")  # either would tell how many rows were left out
    return {
        "source": {**request.source, **n_rows},
        "label": _name(request.label),
        "score": _name(request.score),
        "kind": request.kind,
        "patient": _name(request.patient),
        "split": None if request.split is None else "test",
        "attributes": {
            attribute.declaration: {
                "column": ", ".join(column.name for column in attribute.columns),
                "bins": list(prepared.subgroups[attribute.declaration].names),
                "n_missing": one["attributes"][attribute.declaration]["n_missing"],
                "merged": [merge.to_dict() for merge in prepared.merges[attribute.declaration]],
            }
            for attribute in prepared.attributes
        },
        "min_per_class": request.min_per_class,
        "suppress_below": request.suppress_below,
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "versions": {"python": platform.python_version()}
        | {name.replace("-", "_"): metadata.version(name) for name in _VERSIONS},
        "notes": list(prepared.notes),
    }


def _name(given: object) -> object:
    """Returns the names of columns, where names were given."""
    if isinstance(given, str):
        return given
    if isinstance(given, list | tuple) and all(isinstance(name, str) for name in given):
        return list(given)
    return list(map(str, given)) if isinstance(given, Mapping) else None
