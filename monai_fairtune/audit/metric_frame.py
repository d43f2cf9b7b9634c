"""Export to fairlearn."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from monai_fairtune.exceptions import ConfigurationError, UndefinedMetricError
from monai_fairtune.metrics import accuracy, auroc, false_positive_rate, positive_rate, true_positive_rate
from monai_fairtune.predictions import Predictions
from monai_fairtune.subgroups import MISSING

if TYPE_CHECKING:
    from fairlearn.metrics import MetricFrame

    from monai_fairtune.audit.result import Audit

__all__ = ["metric_frame"]

_Rate: TypeAlias = Callable[[ArrayLike, ArrayLike], float]
_RATES: dict[str, _Rate] = {
    "accuracy": accuracy,
    "tpr": true_positive_rate,
    "fpr": false_positive_rate,
    "positive_rate": positive_rate,
}


def metric_frame(audit: Audit, attribute: str) -> MetricFrame:
    """Returns a fairlearn ``MetricFrame`` over one attribute, with the numbers of the report.

    Its metrics are ``auroc`` and, at the audit's threshold, ``accuracy``, ``tpr``, ``fpr`` and ``positive_rate``. What
    the report calls undefined is NaN there, so that fairlearn's ``difference`` needs ``errors`` to be looked at: it
    skips NaN, and a subgroup that drops out makes a difference smaller. Images without a recorded value, and subgroups
    without images, are not in it.

    Args:
        audit: of a binary problem, with nothing withheld.
        attribute: its declaration.

    Raises:
        ConfigurationError: if fairlearn is not installed, the audit has several classes or withholds cells, or there is
            no such attribute.
    """
    try:
        from fairlearn.metrics import MetricFrame
    except ImportError as error:
        raise ConfigurationError(
            "fairlearn is not installed. Install it: pip install 'monai-fairtune[fairlearn]'."
        ) from error
    if "" not in audit.predictions:
        raise ConfigurationError("The audit has several classes. Export an audit of one class against the rest.")
    if audit.report["audit"]["suppress_below"] is not None:
        raise ConfigurationError("Cells of this audit are withheld, and a MetricFrame would show them. Audit without.")
    predictions = audit.predictions[""]
    if attribute not in predictions.subgroups:
        raise ConfigurationError(f"There is no attribute {attribute!r}. The audit has {list(predictions.subgroups)}.")
    subgroups = predictions.subgroups[attribute]
    known = subgroups.codes != MISSING
    threshold = float(audit.report["threshold"]["value"])

    def at_threshold(rate: _Rate) -> _Rate:
        return lambda labels, scores: rate(labels, _probabilities(predictions, scores) >= threshold)

    measures: dict[str, _Rate] = {"auroc": partial(auroc, min_per_class=audit.min_per_class)}
    measures |= {name: at_threshold(rate) for name, rate in _RATES.items()}
    return MetricFrame(
        metrics={name: _or_nan(measure) for name, measure in measures.items()},
        y_true=predictions.labels[known],
        y_pred=predictions.scores[known],
        sensitive_features=pd.Series(np.array(subgroups.names, dtype=object)[subgroups.codes[known]], name=attribute),
    )


def _probabilities(predictions: Predictions, scores: ArrayLike) -> NDArray[np.float64]:
    return np.asarray(scores if predictions.kind == "probability" else expit(scores), dtype=np.float64)


def _or_nan(measure: _Rate) -> _Rate:
    def measured(labels: ArrayLike, scores: ArrayLike) -> float:
        try:
            return measure(labels, scores)
        except UndefinedMetricError:
            return math.nan

    return measured
