"""Words and numbers."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monai_fairtune.report.names import attribute_words, subgroup_label, subgroup_words
from monai_fairtune.report.wording import number, percent, shorten, signed


@pytest.mark.parametrize(
    ("attribute", "subgroup", "words", "label"),
    [
        ("age:60", "[60,inf)", "age 60 and above", "age ≥ 60"),
        ("age:60", "[0,60)", "age below 60", "age < 60"),
        ("age:40,60", "[40,60)", "age 40 to below 60", "age 40 to < 60"),
        ("age:62.5", "[62.5,inf)", "age 62.5 and above", "age ≥ 62.5"),
        ("skin_type:1-2,3-6", "3-6", "skin type 3 to 6", "skin type 3–6"),
        ("skin_type", "4", "skin type 4", "skin type 4"),
        ("sex", "female", "female (sex)", "female"),
        ("sex*age:60", "female & [60,inf)", "female (sex) and age 60 and above", "female, age ≥ 60"),
        ("sex*age:60", "odd name", "odd name", "odd name"),
        ("site", "A & B", "A & B (site)", "A & B"),
    ],
)
def test_subgroups_are_said_as_people_say_them(attribute: str, subgroup: str, words: str, label: str) -> None:
    assert subgroup_words(attribute, subgroup) == words
    assert subgroup_label(attribute, subgroup) == label


def test_an_intersection_is_named_by_its_columns() -> None:
    assert attribute_words("sex*skin_type:1-2,3-6") == "sex × skin type"


@given(st.floats(1e-7, 1, exclude_max=True))
def test_a_share_never_reads_as_nothing_or_as_all_when_it_is_neither(share: float) -> None:
    text = percent(share)
    assert text.endswith(" %")
    if share < 1 - 1e-7:
        assert 0 < float(text[:-2]) < 100


@given(st.floats(allow_nan=True, allow_infinity=True, min_value=None, max_value=None))
def test_no_number_is_printed_as_nan_infinity_or_minus_zero(value: float) -> None:
    for text in (number(value), signed(value)):
        assert "nan" not in text
        assert "inf" not in text
        assert text not in {"−0.000", "-0.000"}
        assert math.isfinite(value) or text == "–"


@given(st.text(max_size=80), st.integers(2, 60))
def test_a_cut_text_is_never_longer_than_allowed(text: str, limit: int) -> None:
    assert len(shorten(text, limit)) <= limit
