"""What is refused when an attribute is declared or read, and how the refusal reads."""

from __future__ import annotations

import re

import pandas as pd
import pytest

from monai_fairtune.exceptions import AttributeDeclarationError, InputError
from monai_fairtune.subgroups import SensitiveAttribute

_UNREADABLE = [
    "",
    " ",
    ":",
    ":60",
    "age:",
    "age:sixty",
    "age:60,",
    "age:40,,60",
    "sex*",
    "*sex",
    "sex**age",
    "age:1-2-3",
]


def refuse(declaration: str, message: str, **columns: list[object]) -> None:
    attribute = SensitiveAttribute.parse(declaration)
    with pytest.raises(AttributeDeclarationError, match=re.escape(message)):
        attribute.assign(pd.DataFrame(columns))


@pytest.mark.parametrize("declaration", _UNREADABLE)
def test_a_declaration_that_cannot_be_read_is_refused_with_the_forms_that_can(declaration: str) -> None:
    with pytest.raises(AttributeDeclarationError, match=r"cannot be read\. Declare it as 'sex', 'age:60'"):
        SensitiveAttribute.parse(declaration)


@pytest.mark.parametrize("declaration", ["age:60,40", "age:60,60", "age:0", "age:-5,60"])
def test_cut_points_that_do_not_increase_from_above_zero_are_refused(declaration: str) -> None:
    with pytest.raises(AttributeDeclarationError, match="Give positive numbers that increase"):
        SensitiveAttribute.parse(declaration)


@pytest.mark.parametrize("declaration", ["skin:1-2,2-3", "skin:3-6,1-2", "skin:2-1", "skin:1-3,2-6", "skin:1-2,2"])
def test_ranges_that_overlap_or_decrease_are_refused(declaration: str) -> None:
    with pytest.raises(AttributeDeclarationError, match="Give ranges that increase and do not overlap"):
        SensitiveAttribute.parse(declaration)


@pytest.mark.parametrize("declaration", ["sex*sex", "age:60*age:40"])
def test_a_column_crossed_with_itself_is_refused(declaration: str) -> None:
    with pytest.raises(AttributeDeclarationError, match=r"crosses a column with itself\. Name each column once"):
        SensitiveAttribute.parse(declaration)


@pytest.mark.parametrize("declarations", [[], ["sex", "sex"], ["age:60", "age: 60.0"]])
def test_no_attribute_or_one_given_twice_is_refused(declarations: list[str]) -> None:
    with pytest.raises(AttributeDeclarationError, match="Name at least one, and each once"):
        SensitiveAttribute.parse_all(declarations)


def test_an_absent_column_is_refused_with_the_columns_there_are() -> None:
    refuse("gender", "no column 'gender'; its columns are ['age', 'sex']", sex=["f"], age=[60])


@pytest.mark.parametrize("declaration", ["sex", "sex:60", "sex:1-2"])
def test_a_column_that_is_blank_throughout_is_refused(declaration: str) -> None:
    refuse(declaration, "Column 'sex' is blank in all 2 rows", sex=["", None])


@pytest.mark.parametrize("word", ["nan", "NaN", "NA", "n/a", "NULL", "None", "NaT", "<NA>"])
def test_a_word_that_reads_like_missing_is_refused_as_a_subgroup(word: str) -> None:
    refuse("sex", f"holds ['{word}'], which reads like a missing value but is not blank", sex=["f", word])


def test_unknown_written_out_is_a_subgroup_because_someone_chose_to_record_it() -> None:
    table = pd.DataFrame({"sex": ["f", "unknown"]})
    assert SensitiveAttribute.parse("sex").assign(table).names == ("f", "unknown")


def test_one_value_in_two_spellings_is_refused() -> None:
    refuse("sex", "spells one value in several ways: ['F', 'Female', 'f']", sex=["F", "f", "Female"])


def test_too_many_values_are_refused_with_the_way_to_bin_them() -> None:
    refuse("age", "holds 21 different values, such as ['0', '1', '2', '3', '4']", age=list(range(21)))
    refuse("age", "Declare cut points (age:60) or ranges (age:1-2,3-6)", age=list(range(21)))
    assert len(SensitiveAttribute.parse("age").assign(pd.DataFrame({"age": range(20)})).names) == 20


@pytest.mark.parametrize("value", ["sixty", "60+", "nan", "inf", "0x3C", True])
def test_a_value_that_is_not_a_number_is_refused_where_numbers_are_binned(value: object) -> None:
    refuse("age:60", f"Column 'age' holds ['{value}'] where 'age:60' needs numbers", age=["59", value, ""])


def test_a_number_that_no_bin_covers_is_refused() -> None:
    refuse("age:60", "Column 'age' holds [-1.0], outside what 'age:60' covers", age=[-1, 30])
    refuse("skin:1-2,4-6", "Column 'skin' holds [3.0, 7.0], outside what 'skin:1-2,4-6' covers", skin=[1, 3, 7])
    refuse("skin:1-2,3-6", "holds [2.5], outside", skin=[1, 2.5])


def test_a_refusal_is_bad_input_with_exit_code_2() -> None:
    with pytest.raises(InputError) as caught:
        SensitiveAttribute.parse("")
    assert caught.value.exit_code == 2
    assert isinstance(caught.value, ValueError)
