"""A number, or a reason."""

from __future__ import annotations

import json

import numpy as np
import pytest

from monai_fairtune.exceptions import PredictionsError, UndefinedMetricError
from monai_fairtune.metrics import Value


def test_a_defined_value_carries_its_interval_even_where_none_was_computed() -> None:
    assert Value(0.5).to_dict() == {"value": 0.5, "low": None, "high": None}
    assert Value(0.5, low=0.4, high=0.6).to_dict() == {"value": 0.5, "low": 0.4, "high": 0.6}


def test_an_undefined_value_is_null_with_its_reason_and_what_belongs_beside_it() -> None:
    assert Value(None, "no positives", extra={"n": 3}).to_dict() == {"value": None, "reason": "no positives", "n": 3}


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf"), np.float64("nan")])
def test_neither_nan_nor_infinity_is_a_value_fault_7(number: float) -> None:
    with pytest.raises(UndefinedMetricError, match="Give a finite number, or None and the reason"):
        Value(number)


@pytest.mark.parametrize(("number", "reason"), [(None, None), (None, ""), (0.5, "a reason")])
def test_a_value_has_a_number_or_a_reason_and_never_both(number: float | None, reason: str | None) -> None:
    with pytest.raises(UndefinedMetricError, match="or None and the reason why there is none"):
        Value(number, reason)


def test_numbers_of_numpy_become_plain_numbers_that_json_can_hold() -> None:
    assert json.dumps(Value(np.float32(0.5)).to_dict()) == '{"value": 0.5, "low": null, "high": null}'  # type: ignore[arg-type]
    assert type(Value(np.float64(1)).value) is float


def test_requiring_an_undefined_value_raises_its_reason() -> None:
    assert Value(0.25).require() == 0.25
    with pytest.raises(UndefinedMetricError, match=r"^no positives$"):
        Value(None, "no positives").require()


def test_a_refusal_becomes_a_reason_that_says_where() -> None:
    def refuse() -> float:
        raise UndefinedMetricError("none is positive.")

    assert Value.of(refuse, "Subgroup 'f'").reason == "Subgroup 'f': none is positive."
    assert Value.of(refuse).reason == "none is positive."
    assert Value.of(lambda: 0.5, "Subgroup 'f'") == Value(0.5)


def test_only_an_undefined_metric_becomes_a_reason() -> None:
    def fail() -> float:
        raise PredictionsError("shapes differ")

    with pytest.raises(PredictionsError):
        Value.of(fail)
