"""What goes with what, beside SciPy and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2_contingency, fisher_exact

from monai_fairtune.cohort.quality.alarms import adjust
from monai_fairtune.cohort.quality.association import associate, contingency
from monai_fairtune.metrics import Value


def test_patients_are_counted_and_not_their_images() -> None:
    patients = np.array([0, 0, 0, 1, 2, 2])
    a, b = np.array([0, 0, 0, 1, 1, 0]), np.array([1, 1, 1, 0, 1, -1])
    assert contingency(patients, a, b).tolist() == [[0, 1], [1, 1]]


def test_v_and_p_are_those_of_pearsons_test_where_counts_allow_it() -> None:
    table = np.array([[30, 20, 10], [10, 25, 30]])
    found = associate(table)
    chi2 = chi2_contingency(table, correction=False)
    assert found.value == pytest.approx(np.sqrt(chi2.statistic / table.sum()))
    assert found.extra["p_value"] == pytest.approx(chi2.pvalue)


def test_two_by_two_is_tested_exactly() -> None:
    table = np.array([[8, 2], [1, 5]])
    assert associate(table).extra["p_value"] == pytest.approx(fisher_exact(table).pvalue)


def test_too_few_expected_in_many_cells_have_no_test() -> None:
    assert associate(np.array([[3, 2, 1], [1, 2, 3]])).extra["p_value"] is None


def test_what_does_not_vary_goes_with_nothing_and_the_reason_is_told() -> None:
    found = associate(np.array([[30, 10], [0, 0]]))
    assert found.value is None
    assert found.reason is not None
    assert "single value" in found.reason


def test_complete_dependence_is_one_and_independence_is_nought() -> None:
    assert associate(np.diag([20, 30, 40])).value == pytest.approx(1)
    assert associate(np.array([[10, 20], [20, 40]])).value == pytest.approx(0)


def test_p_values_are_adjusted_for_those_that_exist() -> None:
    values = [Value(0.1, extra={"p_value": p}) for p in (0.01, None, 0.04)] + [Value(None, "none")]
    assert [value.extra["p_holm"] for value in adjust(values)] == [0.02, None, 0.04, None]
