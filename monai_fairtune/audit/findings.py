"""Labels and scores of a table: one finding, several that exclude each other, or several that do not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import logsumexp

from monai_fairtune.audit.columns import column_of, is_names
from monai_fairtune.exceptions import ConfigurationError, PredictionsError
from monai_fairtune.subgroups import canonical, distinct_cells

__all__ = ["Findings", "read_findings"]

Problem = Literal["binary", "multiclass", "multilabel"]

_T = TypeVar("_T", bound=np.generic)
_TRUTH = {"0": 0, "1": 1, "false": 0, "true": 1, "": -1}
_ROUNDING = 0.02


@dataclass(frozen=True, eq=False)
class Findings:
    """What a table says about each image, class by class.

    Args:
        problem: ``binary``; ``multiclass``, where each class is assessed against the rest; or ``multilabel``.
        classes: their names; one blank name for a binary problem.
        labels: shape ``(n, n_classes)``, 0 or 1, and -1 where the label is missing.
        scores: shape ``(n, n_classes)``, NaN where missing.
    """

    problem: Problem
    classes: tuple[str, ...]
    labels: NDArray[np.int64]
    scores: NDArray[np.float64]

    @property
    def without_label(self) -> NDArray[np.bool_]:
        """Which images lack a label."""
        return np.asarray((self.labels < 0).any(axis=1))

    @property
    def without_score(self) -> NDArray[np.bool_]:
        """Which images lack a score."""
        return np.asarray(np.isnan(self.scores).any(axis=1))

    def take(self, rows: NDArray[np.bool_]) -> Findings:
        """Returns the images at ``rows``."""
        return Findings(self.problem, self.classes, self.labels[rows], self.scores[rows])

    def one_against_the_rest(self, kind: str) -> NDArray[np.float64]:
        """Returns each class's score against all others: shape ``(n, n_classes)``.

        Logits of a multi-class network become log-odds, exactly; probabilities are what they are.

        Raises:
            PredictionsError: if the probabilities of classes that exclude each other do not add up to 1.
        """
        if self.problem != "multiclass" or not len(self.scores):
            return self.scores
        if kind == "logit":
            rest = [logsumexp(np.delete(self.scores, k, axis=1), axis=1) for k in range(len(self.classes))]
            return np.asarray(self.scores - np.stack(rest, axis=1))
        sums = self.scores.sum(axis=1)
        if np.abs(sums - 1).max() > _ROUNDING:
            raise PredictionsError(
                f"The probabilities of {len(self.classes)} classes add up to between {sums.min():g} and "
                f"{sums.max():g}. Give probabilities that add up to 1, declare logits, or give a label for each "
                "finding if findings do not exclude each other."
            )
        return self.scores


def read_findings(
    table: pd.DataFrame | None, label: object, score: object, classes: Sequence[str] | None = None
) -> Findings:
    """Reads labels and scores.

    ==================  =====================  ==========================================================
    ``label``           ``score``              problem
    ==================  =====================  ==========================================================
    one column          one column             binary: the label is 0 or 1
    one column          one a class            multi-class: the label is the class's name
    one a finding       one a finding          multi-label: each label is 0 or 1
    ==================  =====================  ==========================================================

    Args:
        table: where names are looked up; None if arrays are given.
        label: a column's name or a vector; several as a list of names, a mapping from class to column, a DataFrame or
            a matrix.
        score: likewise.
        classes: the classes in the order of the columns; by default the mapping's keys, or what follows ``score_`` in
            the columns' names.

    Raises:
        PredictionsError: if a label or a score cannot be read.
        ConfigurationError: if labels, scores and classes do not fit each other.
    """
    scores, names = _several(table, score, "score", classes)
    if scores is None:
        labels = _truth(column_of(table, label, "label"))[:, None]
        values = _numbers(column_of(table, score, "score"))[:, None]
        return _checked(Findings("binary", ("",), labels, values), len(labels), len(values))
    values = _stacked([_numbers(column) for column in scores], "scores")
    columns, of_label = _several(table, label, "label", classes or (names if not is_names(label) else None))
    if columns is None:
        labels = _one_hot(column_of(table, label, "label"), names)
        return _checked(Findings("multiclass", names, labels, values), len(labels), len(values))
    if of_label != names:
        raise ConfigurationError(
            f"The labels are of {list(of_label)} and the scores of {list(names)}. "
            "Give a label and a score for each finding, in one order."
        )
    labels = _stacked([_truth(column) for column in columns], "labels")
    return _checked(Findings("multilabel", names, labels, values), len(labels), len(values))


def _stacked(columns: list[NDArray[_T]], what: str) -> NDArray[_T]:
    sizes = [len(column) for column in columns]
    if len(set(sizes)) > 1:
        raise PredictionsError(f"The {what} of the classes have different lengths: {sizes}. Give one value an image.")
    return np.stack(columns, axis=1)


def _checked(findings: Findings, n_labels: int, n_scores: int) -> Findings:
    if n_labels != n_scores:
        raise PredictionsError(f"There are {n_labels} labels and {n_scores} scores. Give one score a label.")
    return findings


def _several(
    table: pd.DataFrame | None, given: object, what: str, classes: Sequence[str] | None
) -> tuple[list[pd.Series] | None, tuple[str, ...]]:
    """Returns the columns of several classes and the classes' names, or None if one column was given."""
    if isinstance(given, Mapping):
        columns = [column_of(table, column, f"{what} of {name!r}") for name, column in given.items()]
        return columns, _distinct([str(name) for name in given])
    if isinstance(given, pd.DataFrame):
        columns = [column_of(None, given.iloc[:, position], what) for position in range(given.shape[1])]
        return columns, _named([str(name) for name in given.columns], what, classes)
    if table is not None and is_names(given):
        columns = [column_of(table, name, what) for name in given]  # type: ignore[attr-defined]
        return columns, _named(list(given), what, classes)  # type: ignore[call-overload]
    if isinstance(given, str | pd.Series) or np.ndim(given) != 2:  # type: ignore[arg-type]
        return None, ()
    matrix = np.asarray(given)
    return [pd.Series(column) for column in matrix.T], _named([""] * matrix.shape[1], what, classes)


def _named(columns: list[str], what: str, classes: Sequence[str] | None) -> tuple[str, ...]:
    prefix = f"{what}_"
    if classes is None and all(name.startswith(prefix) and name != prefix for name in columns):
        return _distinct([name.removeprefix(prefix) for name in columns])
    if classes is None or len(classes) != len(columns):
        raise ConfigurationError(
            f"{len(columns)} {what} columns were given for the classes {None if classes is None else list(classes)}. "
            f"Name the classes in the order of the columns, or name the columns {prefix}<class>."
        )
    return _distinct(list(classes))


def _distinct(names: list[str]) -> tuple[str, ...]:
    if len(set(names)) != len(names) or len(names) < 2:
        raise ConfigurationError(
            f"The classes are {names}. Give two or more that differ, or one score for a binary label."
        )
    return tuple(names)


def _truth(column: pd.Series) -> NDArray[np.int64]:
    text, rows = distinct_cells(column)
    found = [_TRUTH.get(canonical(value).lower()) for value in text]
    bad = sorted({value for value, truth in zip(text, found, strict=True) if truth is None})
    if bad:
        raise PredictionsError(
            f"The labels hold {bad[:5]}. Give 1 for images that show the finding and 0 for the others; "
            "for several classes, give a score column for each."
        )
    return np.asarray(np.array(found, dtype=np.int64)[rows])


def _one_hot(column: pd.Series, classes: tuple[str, ...]) -> NDArray[np.int64]:
    text, rows = distinct_cells(column)
    position = {name: code for code, name in enumerate(classes)}
    found = [position.get(value, position.get(canonical(value))) for value in text]
    bad = sorted({value for value, code in zip(text, found, strict=True) if code is None and value != ""})
    if bad:
        raise PredictionsError(
            f"The labels hold {bad[:5]}, and the classes are {list(classes)}. Give labels by the classes' names."
        )
    codes = np.array([-1 if code is None else code for code in found])[rows]
    labels = (codes[:, None] == np.arange(len(classes))).astype(np.int64)
    labels[codes < 0] = -1
    return np.asarray(labels)


def _numbers(column: pd.Series) -> NDArray[np.float64]:
    if column.dtype.kind in "biuf":
        numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
    else:
        text, rows = distinct_cells(column)
        parsed = pd.to_numeric(pd.Series(text), errors="coerce").to_numpy(dtype=np.float64)
        bad = sorted({value for value in text[np.isnan(parsed)] if value.lower() not in ("", "nan")})
        if bad:
            raise PredictionsError(f"The scores hold {bad[:5]}. Give a number for every image, or a blank cell.")
        numbers = np.asarray(parsed[rows])
    n_infinite = int(np.isinf(numbers).sum())
    if n_infinite:
        raise PredictionsError(f"{n_infinite} of {len(numbers)} scores are infinite. Give numbers that can be ranked.")
    return numbers
