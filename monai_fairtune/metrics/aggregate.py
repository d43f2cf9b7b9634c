"""From one value a subgroup to one value an attribute.

Each function takes every subgroup of an attribute. If one of them is undefined, so is the result: a comparison from
which a subgroup silently dropped out would reward the model that makes a subgroup undefined.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from monai_fairtune.exceptions import UndefinedMetricError
from monai_fairtune.metrics.value import Value

__all__ = ["difference", "distance_to_optimal", "equity_scaled", "largest", "ratio", "smallest"]

_TIE = 1e-12
"""How far apart two values may lie and still count as equal."""


def smallest(values: Mapping[str, Value]) -> Value:
    """Returns the smallest value, and ``subgroup`` beside it: the first that has it.

    Example:
        >>> smallest({"female": Value(0.7), "male": Value(0.9)}).to_dict()
        {'value': 0.7, 'low': None, 'high': None, 'subgroup': 'female'}
        >>> smallest({"female": Value(0.7), "male": Value(None, "no positives")}).reason
        'no positives'
    """
    return _extreme(values, sign=1)


def largest(values: Mapping[str, Value]) -> Value:
    """Returns the largest value, and ``subgroup`` beside it: the first that has it."""
    return _extreme(values, sign=-1)


def difference(values: Mapping[str, Value]) -> Value:
    """Returns the largest minus the smallest value; undefined for fewer than two subgroups.

    Example:
        >>> difference({"female": Value(0.5), "male": Value(0.75)}).value
        0.25
    """
    return Value.of(lambda: _difference(_numbers(values, at_least=2)))


def ratio(values: Mapping[str, Value]) -> Value:
    """Returns the smallest over the largest value, in [0, 1] for rates; undefined if all are 0.

    Example:
        >>> ratio({"female": Value(0.25), "male": Value(0.5)}).value
        0.5
    """
    return Value.of(lambda: _ratio(values))


def equity_scaled(overall: Value, values: Mapping[str, Value]) -> Value:
    """Returns the overall value divided by one plus the sum of the subgroups' distances from it; larger is better.

    Args:
        overall: of all samples, those without a recorded attribute included.
        values: of the subgroups.

    Example:
        >>> equity_scaled(Value(0.75), {"female": Value(0.5), "male": Value(1.0)}).value
        0.5

    Source:
        Luo et al., "Harvard Glaucoma Fairness: A retinal nerve disease dataset for fairness learning and fair
        identity normalization", arXiv 2306.09264 (2023).
    """
    return Value.of(lambda: _equity_scaled(overall, _numbers(values, at_least=2)))


def distance_to_optimal(values: Mapping[str, Value]) -> Value:
    """Returns the Euclidean distance of the subgroups' AUROCs from the point where all are 1; smaller is better.

    It is ``sqrt(sum((1 - auroc) ** 2))`` over the subgroups, each weighing the same whatever its size. The sum is not
    divided by the number of subgroups: compare models on one attribute, not attributes.

    Example:
        >>> distance_to_optimal({"female": Value(0.7), "male": Value(0.6)}).value
        0.5

    Source:
        The distance to the utopia point as MEDFAIR uses it to select models (Zong, Yang and Hospedales, ICLR 2023),
        with the fixed utopia point of 1 in place of the best value seen among models.
    """
    return Value.of(lambda: math.hypot(*(1 - value for value in _numbers(values))))


def _extreme(values: Mapping[str, Value], sign: int) -> Value:
    try:
        numbers = dict(zip(values, _numbers(values), strict=True))
    except UndefinedMetricError as error:
        return Value(None, str(error))
    found = sign * min(sign * number for number in numbers.values())
    # The last digits of a sum depend on its order, and must not decide whose value is named.
    name = next(key for key, number in numbers.items() if abs(number - found) <= _TIE)
    return Value(found, extra={"subgroup": name})


def _numbers(values: Mapping[str, Value], at_least: int = 1) -> list[float]:
    if len(values) < at_least:
        raise UndefinedMetricError(
            f"The attribute has {len(values)} subgroup(s): {list(values)}. Declare one with at least {at_least}."
        )
    reasons = [str(value.reason) for value in values.values() if value.value is None]
    if reasons:
        raise UndefinedMetricError(" ".join(reasons))
    return [value.require() for value in values.values()]


def _difference(numbers: list[float]) -> float:
    return max(numbers) - min(numbers)


def _equity_scaled(overall: Value, numbers: list[float]) -> float:
    whole = overall.require()
    return whole / (1 + sum(abs(whole - number) for number in numbers))


def _ratio(values: Mapping[str, Value]) -> float:
    numbers = _numbers(values, at_least=2)
    if max(numbers) == 0:
        raise UndefinedMetricError(
            f"The ratio is 0/0: the rate is 0 in all of {list(values)}. Read the difference instead."
        )
    return min(numbers) / max(numbers)
