"""What fairlearn is given has the report's numbers."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np
import pytest
from fairlearn.metrics import MetricFrame, false_positive_rate, selection_rate, true_positive_rate
from sklearn.metrics import accuracy_score, roc_auc_score

from monai_fairtune.audit import audit
from monai_fairtune.exceptions import ConfigurationError
from tests.audit.tables import table

HOW: dict[str, Any] = {
    "label": "label",
    "score": "score",
    "attributes": ["sex", "age:60"],
    "threshold": 0.4,
    "resampling": None,
}


@pytest.mark.parametrize("kind", ["probability", "logit"])
def test_by_group_holds_the_reports_numbers_and_those_fairlearn_computes_itself(kind: Any) -> None:
    rows = table()
    probability = rows["score"].to_numpy()
    if kind == "logit":
        rows["score"] = np.log(probability / (1 - probability))
    found = audit(rows, kind=kind, **HOW)
    by_group = found.to_metric_frame("sex").by_group
    known = rows["sex"] != ""
    own = MetricFrame(
        metrics={
            "accuracy": accuracy_score,
            "tpr": true_positive_rate,
            "fpr": false_positive_rate,
            "positive_rate": selection_rate,
        },
        y_true=rows["label"][known],
        y_pred=probability[known] >= 0.4,
        sensitive_features=rows["sex"][known],
    ).by_group
    for name, cell in found.to_dict()["attributes"]["sex"]["subgroups"].items():
        member = rows["sex"] == name
        for metric in ("auroc", "accuracy", "tpr", "fpr", "positive_rate"):
            assert by_group.loc[name, metric] == cell[metric]["value"]
        for metric in own.columns:
            assert by_group.loc[name, metric] == pytest.approx(own.loc[name, metric], abs=1e-12)
        auroc = roc_auc_score(rows["label"][member], rows["score"][member])
        assert by_group.loc[name, "auroc"] == pytest.approx(auroc, abs=1e-12)


def test_what_the_report_calls_undefined_is_nan_and_never_a_number() -> None:
    rows = table()
    rows.loc[:3, "sex"] = "x"
    rows.loc[:3, "label"] = 0
    by_group = audit(rows, **HOW).to_metric_frame("sex").by_group
    assert math.isnan(by_group.loc["x", "auroc"])
    assert math.isnan(by_group.loc["x", "tpr"])
    assert by_group.loc["x", "fpr"] == (rows["score"][:4] >= 0.4).mean()


def test_an_unknown_attribute_and_withheld_cells_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="There is no attribute 'race'"):
        audit(table(), **HOW).to_metric_frame("race")
    with pytest.raises(ConfigurationError, match="Cells of this audit are withheld"):
        audit(table(), **HOW, suppress_below=10).to_metric_frame("sex")


def test_without_fairlearn_the_export_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    found = audit(table(), **HOW)
    monkeypatch.setitem(sys.modules, "fairlearn.metrics", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'monai-fairtune\[fairlearn\]'"):
        found.to_metric_frame("sex")
