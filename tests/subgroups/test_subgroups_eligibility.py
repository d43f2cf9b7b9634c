"""Which subgroups are large enough for an objective."""

from __future__ import annotations

import re

import pytest

from monai_fairtune.exceptions import ConfigurationError, EligibilityError, PredictionsError
from monai_fairtune.subgroups import Subgroups, class_counts, require_eligible

AGE = Subgroups("age:60", ("[0,60)", "[60,inf)", "[90,inf)"), [0, 0, 0, 1, 1, -1, -1])
LABELS = [0, 0, 1, 1, 1, 0, 1]


def test_class_counts_are_negatives_then_positives_of_every_subgroup() -> None:
    assert class_counts(AGE, LABELS) == {"[0,60)": (2, 1), "[60,inf)": (0, 2), "[90,inf)": (0, 0)}


def test_labels_of_another_length_are_refused() -> None:
    with pytest.raises(PredictionsError, match=r"has 7 values for labels of shape \(2,\)"):
        class_counts(AGE, [0, 1])


def test_every_ineligible_subgroup_is_named_with_its_counts() -> None:
    with pytest.raises(EligibilityError) as caught:
        require_eligible(AGE, LABELS, split="validation", min_per_class=2)
    message = str(caught.value)
    assert "attribute 'age:60' are too small in the validation split for min_per_class=2" in message
    assert "'[0,60)' holds 2 negatives and 1 positives" in message
    assert "'[60,inf)' holds 0 negatives and 2 positives" in message
    assert "'[90,inf)' holds 0 negatives and 0 positives" in message
    assert "no value of min_per_class admits a subgroup that lacks a class" in message


def test_the_override_that_would_admit_the_subgroups_is_named() -> None:
    sex = Subgroups("sex", ("f", "m"), [0] * 5 + [1] * 8)
    labels = [0, 0, 0, 1, 1] + [0, 1] * 4
    with pytest.raises(EligibilityError, match=re.escape("lower min_per_class to 2")):
        require_eligible(sex, labels, split="selection", min_per_class=4)
    require_eligible(sex, labels, split="selection", min_per_class=2)


def test_subgroups_that_are_large_enough_are_not_named() -> None:
    sex = Subgroups("sex", ("f", "m"), [0] * 2 + [1] * 8)
    with pytest.raises(EligibilityError) as caught:
        require_eligible(sex, [0, 1] * 5, split="validation", min_per_class=3)
    assert "'m'" not in str(caught.value)


def test_the_missing_stratum_need_not_be_eligible() -> None:
    require_eligible(Subgroups("sex", ("f", "m"), [0, 0, 1, 1, -1]), [0, 1, 0, 1, 1], split="test", min_per_class=1)


@pytest.mark.parametrize("names", [(), ("f",)])
def test_an_attribute_without_two_subgroups_is_refused(names: tuple[str, ...]) -> None:
    codes = [0, 0] if names else [-1, -1]
    with pytest.raises(EligibilityError, match="Declare an attribute with two subgroups or more"):
        require_eligible(Subgroups("sex", names, codes), [0, 1], split="validation", min_per_class=1)


@pytest.mark.parametrize("min_per_class", [0, -3])
def test_a_minimum_below_one_is_refused(min_per_class: int) -> None:
    with pytest.raises(ConfigurationError, match=f"min_per_class is {min_per_class}. Give at least 1"):
        require_eligible(AGE, LABELS, split="validation", min_per_class=min_per_class)
