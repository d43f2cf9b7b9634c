"""From a table to predictions, thresholds and subgroups that are ready to be assessed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from monai_fairtune.audit.columns import Attributes, attribute_columns, blank, column_of
from monai_fairtune.audit.design import design
from monai_fairtune.audit.findings import Findings, read_findings
from monai_fairtune.audit.reading import Source
from monai_fairtune.audit.rows import Rows, choose_rows
from monai_fairtune.exceptions import ConfigurationError, PredictionsError, SplitError
from monai_fairtune.metrics import Threshold, choose_threshold
from monai_fairtune.predictions import Identifiers, Predictions
from monai_fairtune.subgroups import Merge, SensitiveAttribute, Subgroups, canonical, distinct_cells, merge_small

__all__ = ["Prepared", "Request", "prepare"]

_NO_PATIENTS = (
    "No column says whose image is whose: every image counts as a patient of its own, and intervals are too narrow "
    "where patients have several."
)
_NO_THRESHOLD = (
    "No threshold was given, and there is no validation split to choose it on: rates are at a probability of 0.5."
)

_IDS: tuple[Literal["patient", "sample", "split"], ...] = ("patient", "sample", "split")


@dataclass(frozen=True, eq=False, repr=False)
class Request:
    """What ``audit`` was asked, as it was asked; its arguments say what each is."""

    table: pd.DataFrame | None
    label: Any
    score: Any
    attributes: Attributes
    kind: Literal["probability", "logit"]
    classes: Sequence[str] | None
    patient: Any
    sample: Any
    split: Any
    threshold: float | Mapping[str, float] | None
    min_per_class: int
    suppress_below: int | None
    merge_small: bool
    drop_missing: bool
    source: Source
    keep_unlabelled: bool

    def column(self, name: Literal["patient", "sample", "split"]) -> pd.Series | None:
        """Returns a column that need not be there."""
        given = getattr(self, name)
        return None if given is None else column_of(self.table, given, name)


@dataclass(frozen=True, eq=False, repr=False)
class Prepared:
    """A table that was read and checked.

    Args:
        request: what was asked.
        findings: labels and scores of every row.
        rows: which are assessed.
        attributes: as declared.
        subgroups: of the assessed rows, after merging.
        every: of all rows, before merging.
        patients: of all rows; each row is a patient of its own where no column tells.
        merges: what was merged, by attribute.
        predictions: of the assessed rows, by class.
        thresholds: by class.
        notes: sentences for the report.
    """

    request: Request
    findings: Findings
    rows: Rows
    attributes: tuple[SensitiveAttribute, ...]
    subgroups: Mapping[str, Subgroups]
    every: Mapping[str, Subgroups]
    patients: Identifiers
    merges: Mapping[str, tuple[Merge, ...]]
    predictions: Mapping[str, Predictions]
    thresholds: Mapping[str, Threshold]
    notes: tuple[str, ...]

    def design(self) -> dict[str, Any]:
        """Returns the numbers that are known before any score is looked at."""
        return design(self.predictions, self.merges, self.request.min_per_class)


def prepare(request: Request) -> Prepared:
    """Reads and checks what was given; errors are those of ``audit``."""
    if request.min_per_class < 1:
        raise ConfigurationError(f"min_per_class is {request.min_per_class}. Give at least 1.")
    findings = read_findings(request.table, request.label, request.score, request.classes)
    columns, attributes = attribute_columns(request.table, request.attributes)
    _require_length(len(findings.labels), {"attributes": columns} | {name: request.column(name) for name in _IDS})
    rows = choose_rows(
        findings,
        request.column("split"),
        drop_missing=request.drop_missing,
        tells_counts=request.suppress_below is None,
    )
    every = {attribute.declaration: attribute.assign(columns) for attribute in attributes}
    subgroups, merges = _merge(request, findings, rows, every)
    patients = _patients(request, rows)
    thresholds = _thresholds(request, findings, rows)
    samples = _samples(request, rows)
    scores = findings.take(rows.assessed).one_against_the_rest(request.kind)
    predictions = {
        name: Predictions(
            findings.labels[rows.assessed, position],
            scores[:, position],
            kind=request.kind,
            subgroups=subgroups,
            patient_ids=None if request.patient is None else patients.take(rows.assessed),
            sample_ids=samples,
        )
        for position, name in enumerate(findings.classes)
    }
    notes = _notes(request, rows, merges, thresholds)
    return Prepared(
        request, findings, rows, attributes, subgroups, every, patients, merges, predictions, thresholds, notes
    )


def _notes(
    request: Request, rows: Rows, merges: Mapping[str, tuple[Merge, ...]], thresholds: Mapping[str, Threshold]
) -> tuple[str, ...]:
    """Returns what a reader must be told: each thing that was left out, merged, withheld or chosen by default."""
    notes = [*rows.notes]
    if request.patient is None:
        notes.append(_NO_PATIENTS)
    if any(chosen.chosen_on == "default" for chosen in thresholds.values()):
        notes.append(_NO_THRESHOLD)
    notes += [
        f"Subgroups of {name} with fewer than {request.min_per_class} positives or negatives were merged into "
        f"{merge.into!r}: {', '.join(map(repr, merge.parts))}."
        for name, found in merges.items()
        for merge in found
    ]
    if request.suppress_below is not None:
        notes.append(
            f"Subgroups with fewer than {request.suppress_below} images, patients, positives or negatives are "
            "withheld, and so are those that would tell them."
        )
    return tuple(notes)


def _require_length(n: int, columns: Mapping[str, pd.DataFrame | pd.Series | None]) -> None:
    other = {name: len(column) for name, column in columns.items() if column is not None and len(column) != n}
    if other:
        raise PredictionsError(f"There are {n} labels and {other} other values. Give one value an image.")


def _merge(
    request: Request, findings: Findings, rows: Rows, every: Mapping[str, Subgroups]
) -> tuple[dict[str, Subgroups], dict[str, tuple[Merge, ...]]]:
    subgroups = {name: group.take(rows.assessed) for name, group in every.items()}
    if not request.merge_small:
        return subgroups, dict.fromkeys(subgroups, ())
    if findings.problem != "binary":
        raise ConfigurationError(
            f"Subgroups were to be merged for {len(findings.classes)} classes, and each class has counts of its own. "
            "Declare coarser subgroups instead."
        )
    labels = findings.labels[rows.assessed, 0]
    found = {name: merge_small(group, labels, request.min_per_class) for name, group in subgroups.items()}
    return {name: pair[0] for name, pair in found.items()}, {name: pair[1] for name, pair in found.items()}


def _patients(request: Request, rows: Rows) -> Identifiers:
    column = request.column("patient")
    if column is None:
        return Identifiers.count(len(rows.assessed))
    used = rows.assessed | rows.validation | (rows.unlabelled & request.keep_unlabelled)
    n_blank = int(blank(column[used]).sum())
    if n_blank:
        raise PredictionsError(
            f"{n_blank} of {int(used.sum())} rows do not say whose image they are. "
            "Give every image a patient: images without an id would count as one patient."
        )
    everyone = Identifiers.read(_as_text(column))
    shared = np.intersect1d(everyone.codes[rows.assessed], everyone.codes[rows.validation])
    if len(shared):
        raise SplitError(
            f"{len(shared)} patients are in the test and in the validation split. "
            "Split by patient: a threshold that has seen a patient flatters the rates."
        )
    return everyone


def _samples(request: Request, rows: Rows) -> Identifiers:
    column = request.column("sample")
    if column is None:
        return Identifiers.count(len(rows.assessed)).take(rows.assessed)
    if blank(column[rows.assessed]).any():
        raise PredictionsError("Some images have no sample id. Give every image its own, or name no sample column.")
    return Identifiers.read(_as_text(column[rows.assessed]), "sample ids")


def _as_text(ids: pd.Series) -> pd.Series:
    """Returns ids as they stand in a manifest: stripped, and whole numbers without the .0 that blanks bring along."""
    if ids.dtype.kind in "iu":
        return ids
    text, rows = distinct_cells(ids)
    known = [canonical(name) for name in text] if ids.dtype.kind == "f" else text
    return pd.Series(np.asarray(known, dtype=object)[rows])


def _thresholds(request: Request, findings: Findings, rows: Rows) -> dict[str, Threshold]:
    given = request.threshold
    if isinstance(given, Mapping):
        if set(given) != set(findings.classes):
            raise ConfigurationError(
                f"Thresholds are given for {list(given)}, and the classes are {list(findings.classes)}. "
                "Give one for each class, or a number for all."
            )
        return {name: Threshold(given[name], "given", "fixed") for name in findings.classes}
    if given is not None:
        return {name: Threshold(given, "given", "fixed") for name in findings.classes}
    if not rows.validation.any():
        return {name: Threshold(0.5, "default", "fixed") for name in findings.classes}
    scores = findings.take(rows.validation).one_against_the_rest(request.kind)
    labels = findings.labels[rows.validation]
    return {
        name: choose_threshold(
            Predictions(labels[:, position], scores[:, position], kind=request.kind, subgroups={}),
            chosen_on="validation",
        )
        for position, name in enumerate(findings.classes)
    }
