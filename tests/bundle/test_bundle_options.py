from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from monai_fairtune.bundle import (
    count_workers,
    folder,
    mapping,
    number,
    numbers,
    optional,
    search_settings,
    switch,
    text,
    texts,
    whole,
)
from monai_fairtune.exceptions import ConfigurationError


@pytest.mark.parametrize("absent", [None, "null", "None", "", " NULL "])
def test_null_arrives_as_text_and_means_absent(absent: object) -> None:
    assert optional(whole, "timeout", absent) is None


@pytest.mark.parametrize("value", [0, "0", 0.0, "0.0"])
def test_zero_is_not_absent(value: object) -> None:
    assert optional(whole, "seed", value) == 0


@pytest.mark.parametrize(
    ("value", "expected"), [(True, True), ("true", True), ("False", False), ("no", False), (1, True), ("0", False)]
)
def test_truth_values_may_be_text(value: object, expected: bool) -> None:
    assert switch("augmentation", value) is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("age:40,60,75", ("age:40,60,75",)),
        ("sex*age:60", ("sex*age:60",)),
        ("skin_type:1-2,3-6", ("skin_type:1-2,3-6",)),
        (["sex", "age:60"], ("sex", "age:60")),
        (("sex", "age:60"), ("sex", "age:60")),
        ("[sex, age:40,60,skin_type:1-2,3-6]", ("sex", "age:40,60", "skin_type:1-2,3-6")),
        ("['sex','age:60']", ("sex", "age:60")),
    ],
)
def test_attributes_are_one_declaration_or_a_list_of_them(value: object, expected: tuple[str, ...]) -> None:
    assert texts("attribute", value) == expected


def test_yaml_reads_1e_5_as_text_and_it_is_a_number_all_the_same() -> None:
    assert numbers("learning_rates", ["1e-5", 0.001]) == (1e-5, 1e-3)


def test_a_mapping_may_be_json() -> None:
    assert mapping("backbone_arguments", '{"drop_path_rate": 0.1}') == {"drop_path_rate": 0.1}


@pytest.mark.parametrize(
    ("read", "value", "message"),
    [
        (whole, "abc", "option is 'abc'. Give a whole number"),
        (whole, 1.5, "option is 1.5. Give a whole number"),
        (whole, True, "option is True. Give a whole number"),
        (number, "nan", "option is 'nan'. Give a number"),
        (number, None, "The option option is missing. Give a number: --option VALUE"),
        (numbers, "a,b", "Give a list of numbers"),
        (numbers, 5, "Give a list of numbers"),
        (switch, "maybe", "option is 'maybe'. Give true or false"),
        (text, ["a"], "Give a name or a path"),
        (texts, None, "option option is missing"),
        (mapping, "[1]", "Give a mapping"),
        (mapping, "{", "Give a mapping"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_value(
    read: Callable[[str, object], object], value: object, message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message.replace("(", r"\(").replace("[", r"\[")):
        read("option", value)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "output").write_text("")
    with pytest.raises(ConfigurationError, match=r"which is a file\. Give a folder"):
        folder("output_dir", str(tmp_path / "output"))


def test_search_settings_take_text_and_leave_out_what_is_null() -> None:
    settings = search_settings(n_trials="12", utility_floor="null", learning_rates="[1e-4, 1e-3]", timeout="90")
    assert (settings.n_trials, settings.utility_floor, settings.learning_rates, settings.timeout) == (
        12,
        None,
        (1e-4, 1e-3),
        90.0,
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"screening": "perhaps"}, "screening"),
        ({"n_screened": 1}, "n_screened is 1"),
        ({"n_screened_trials": 0}, "n_screened_trials is 0"),
        ({"learning_rates": [1e-4]}, "Give two positive numbers"),
        ({"learning_rates": [1e-3, 1e-4]}, "two positive numbers, low to high"),
        ({"n_trials": 0}, "n_trials is 0"),
        ({"utility_floor": 1.5}, "utility_floor is 1.5"),
        ({"trials": 5}, "A search has no option 'trials'"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        search_settings(**options)


def test_screening_is_a_switch_that_a_command_line_can_give() -> None:
    assert search_settings(screening="False") == search_settings(screening=None)
    assert search_settings(screening="true", n_screened="32").screening


def test_one_to_four_workers_make_the_same_study_and_more_workers_look_further_ahead() -> None:
    assert [search_settings(n_ahead="null").look_ahead(n) for n in (1, 2, 4, 8)] == [4, 4, 4, 8]
    assert search_settings(n_ahead="2").look_ahead(8) == 2


def test_workers_are_counted_by_hand_or_one_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,3,5")
    assert count_workers("null", torch.device("cpu")) == 1
    assert count_workers(None, torch.device("cuda")) == 3
    assert count_workers("2", torch.device("cuda")) == 2
    with pytest.raises(ConfigurationError, match=r"n_workers is 0\. Give a whole number from 1"):
        count_workers(0, torch.device("cpu"))
