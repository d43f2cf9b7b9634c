"""What a declaration means."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monai_fairtune.subgroups import MISSING, SensitiveAttribute, Subgroups


def assign(declaration: str, **columns: list[object]) -> Subgroups:
    return SensitiveAttribute.parse(declaration).assign(pd.DataFrame(columns))


def names_of(subgroups: Subgroups) -> list[str | None]:
    return [None if code == MISSING else subgroups.names[code] for code in subgroups.codes]


def test_a_plain_name_takes_the_values_of_its_column_as_subgroups() -> None:
    sex = assign("sex", sex=["male", "female", "male"])
    assert sex.attribute == "sex"
    assert sex.names == ("female", "male")
    assert names_of(sex) == ["male", "female", "male"]


@pytest.mark.parametrize(
    ("age", "name"),
    [(0, "[0,60)"), (59.999, "[0,60)"), (60, "[60,inf)"), (60.0, "[60,inf)"), ("60", "[60,inf)"), (104, "[60,inf)")],
)
def test_a_value_on_the_cut_is_above_it(age: object, name: str) -> None:
    assert names_of(assign("age:60", age=[age, 1, 99]))[0] == name


def test_several_cut_points_make_bins_closed_below_and_open_above() -> None:
    age = assign("age:40,60,75", age=[39, 40, 59, 60, 74, 75])
    assert age.names == ("[0,40)", "[40,60)", "[60,75)", "[75,inf)")
    assert age.codes.tolist() == [0, 1, 1, 2, 2, 3]


def test_cut_points_need_not_be_whole() -> None:
    bmi = assign("bmi:18.5,25", bmi=[18.4, 18.5, 25])
    assert bmi.names == ("[0,18.5)", "[18.5,25)", "[25,inf)")
    assert bmi.codes.tolist() == [0, 1, 2]


def test_bins_exist_even_where_no_image_falls_into_them() -> None:
    assert assign("age:40,60", age=[10, 20]).counts() == {"[0,40)": 2, "[40,60)": 0, "[60,inf)": 0}


def test_ranges_are_closed_on_both_sides() -> None:
    skin = assign("skin_type:1-2,3-6", skin_type=[1, 2, 3, 6])
    assert skin.names == ("1-2", "3-6")
    assert skin.codes.tolist() == [0, 0, 1, 1]


def test_a_single_number_among_ranges_is_a_range_of_its_own() -> None:
    assert assign("skin_type:1,2-6", skin_type=[1, 2, 6]).codes.tolist() == [0, 1, 1]


def test_ranges_may_be_negative() -> None:
    assert assign("score:-5--1,0-5", score=[-5, -1, 0]).codes.tolist() == [0, 0, 1]


def test_an_intersection_holds_every_pair_in_order() -> None:
    crossed = assign("sex*age:60", sex=["f", "m", "m"], age=[60, 59, 61])
    assert crossed.attribute == "sex*age:60"
    assert crossed.names == ("f & [0,60)", "f & [60,inf)", "m & [0,60)", "m & [60,inf)")
    assert names_of(crossed) == ["f & [60,inf)", "m & [0,60)", "m & [60,inf)"]


def test_an_intersection_of_three_columns_agrees_with_its_parts() -> None:
    columns: dict[str, list[object]] = {"a": ["x", "y", "x"], "b": [1, 2, 3], "c": ["u", "u", "v"]}
    crossed = assign("a*b:1-2,3*c", **columns)
    assert len(crossed.names) == 8
    assert names_of(crossed) == ["x & 1-2 & u", "y & 1-2 & u", "x & 3 & v"]


@pytest.mark.parametrize("blank", ["", "  ", None, float("nan"), pd.NA])
def test_a_blank_cell_is_missing_and_in_no_subgroup(blank: object) -> None:
    for declaration, value in (("sex", "f"), ("sex:60", 1), ("sex:1-2", 1)):
        subgroups = assign(declaration, sex=[value, blank])
        assert subgroups.codes[1] == MISSING
        assert subgroups.n_missing == 1
        assert sum(subgroups.counts().values()) == 1


def test_an_intersection_is_missing_where_one_of_its_parts_is() -> None:
    crossed = assign("sex*age:60", sex=["f", "", "m", ""], age=[70, 70, None, None])
    assert names_of(crossed) == ["f & [60,inf)", None, None, None]


def test_one_and_one_point_zero_are_the_same_value() -> None:
    whole = assign("skin", skin=["1", "2", "1"])
    pointed = assign("skin", skin=[1.0, 2.0, 1.0])
    mixed = assign("skin", skin=[1, "2.0", "1.0"])
    assert whole.names == pointed.names == mixed.names == ("1", "2")
    assert whole.codes.tolist() == pointed.codes.tolist() == mixed.codes.tolist()


def test_a_blank_does_not_rename_the_whole_numbers_beside_it() -> None:
    assert assign("skin", skin=[1, 2, None]).names == ("1", "2")


def test_numbers_are_ordered_as_numbers_and_before_words() -> None:
    assert assign("stage", stage=["10", "9", "unknown", "1"]).names == ("1", "9", "10", "unknown")


def test_text_is_stripped_but_not_otherwise_changed() -> None:
    assert assign("sex", sex=[" female", "male "]).names == ("female", "male")


@pytest.mark.parametrize(
    ("written", "declaration"),
    [
        (" sex ", "sex"),
        ("age: 60", "age:60"),
        ("age:40 , 60.0", "age:40,60"),
        ("sex * age:60", "sex*age:60"),
        ("volume:1000000", "volume:1000000"),
        ("ratio:0.00001", "ratio:0.00001"),
        ("age:60.1234567", "age:60.1234567"),
        ("skin_type: 1-2 , 3-6", "skin_type:1-2,3-6"),
    ],
)
def test_a_declaration_has_one_short_form(written: str, declaration: str) -> None:
    assert SensitiveAttribute.parse(written).declaration == declaration


_CUTS = st.lists(st.integers(1, 10**9).map(lambda n: n / 1000), min_size=1, max_size=5, unique=True)


@settings(deadline=None)
@given(_CUTS)
def test_the_short_form_reads_back_as_the_same_attribute(cuts: list[float]) -> None:
    attribute = SensitiveAttribute.parse("x:" + ",".join(f"{cut:.3f}" for cut in sorted(cuts)))
    assert SensitiveAttribute.parse(attribute.declaration) == attribute


@settings(deadline=None)
@given(_CUTS, st.lists(st.floats(0, 1e7), min_size=1, max_size=20))
def test_every_number_falls_into_the_bin_whose_bounds_hold_it(cuts: list[float], values: list[float]) -> None:
    edges = [0.0, *sorted(cuts), float("inf")]
    subgroups = assign("x:" + ",".join(f"{cut:.3f}" for cut in sorted(cuts)), x=list(values))
    for value, code in zip(values, subgroups.codes, strict=True):
        assert edges[code] <= value < edges[code + 1]


def test_parse_all_takes_one_declaration_or_several() -> None:
    assert SensitiveAttribute.parse_all("sex") == (SensitiveAttribute.parse("sex"),)
    assert [a.declaration for a in SensitiveAttribute.parse_all(["sex", "age:60"])] == ["sex", "age:60"]


def test_attributes_are_values_that_compare_and_hash() -> None:
    assert len({SensitiveAttribute.parse("age: 60"), SensitiveAttribute.parse("age:60.0")}) == 1


def test_splits_taken_from_a_cohort_keep_all_its_subgroups() -> None:
    cohort = assign("sex", sex=["f", "f", "m", "m"])
    assert cohort.take([0, 1]).counts() == {"f": 2, "m": 0}


def test_cells_that_only_a_hash_table_takes_for_equal_stay_apart() -> None:
    assert assign("flag", flag=[1, True, "1", None, 1.0]).counts() == {"1": 3, "True": 1}
