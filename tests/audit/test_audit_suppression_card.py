"""What a cohort card withholds of small subgroups, by hand."""

from __future__ import annotations

from typing import Any

import pytest

from monai_fairtune.audit import suppress_small_card
from monai_fairtune.exceptions import ConfigurationError


def _cell(n: int) -> dict[str, Any]:
    share = {"value": 0.5, "low": 0.4, "high": 0.6}
    return {"n": n, "n_patients": n, "n_positive": n // 2, "prevalence": share}


def _part(scale: int, rare: int) -> dict[str, Any]:
    sex = {"subgroups": {"female": _cell(100 * scale), "male": _cell(80 * scale)}, "missing": _cell(40 * scale)}
    site = {"subgroups": {"A": _cell(150 * scale), "B": _cell(60 * scale), "C": _cell(rare)}, "missing": _cell(0)}
    n = 220 * scale
    whole = {"n": n, "n_patients": n, "n_positive": n // 2, "prevalence": 0.5}
    return {**whole, "attributes": {"sex": sex, "site": site}}


def _missing(by: dict[str, Any]) -> dict[str, Any]:
    return {"n": 220, "n_missing": 40, "by": by}


@pytest.fixture
def card() -> dict[str, Any]:
    """Of site C there are 6 images in test and 40 in all."""
    counts = {"cells": {"A": {"n": 150, "n_missing": 30}, "B": {"n": 60, "n_missing": 15}}}
    label = {"cells": {"0": {"n": 110, "n_missing": 20}, "1": {"n": 110, "n_missing": 20}}}
    return {
        "prepared": {
            "options": {"bcc": "benign"},
            "n_read": 250,
            "dropped": {"CDR is blank": 30},
            "not_recorded": {"sex": 3},
        },
        "balance": {"all": _part(5, 40), "train": _part(4, 34), "test": _part(1, 6)},
        "minimum_detectable_gap": {"sex": {}, "site": {}},
        "associations": [{"a": "label", "b": "sex"}, {"a": "label", "b": "site"}, {"a": "split", "b": "sex"}],
        "missingness": {"sex": _missing({"label": label, "site": counts}), "site": _missing({"label": label})},
        "acquisition": [
            {"from": ["site"], "target": "label"},
            {"from": ["scanner"], "target": "sex"},
            {"from": ["scanner"], "target": "site"},
        ],
        "image_quality": {"n": 220, "differences": [{"attribute": "sex"}, {"attribute": "site"}]},
    }


def test_of_the_preparation_no_small_count_is_left(card: dict[str, Any]) -> None:
    rules = {"options": {"bcc": "benign"}}
    shown = suppress_small_card(card, 10)["prepared"]
    assert shown == {**rules, "n_read": 250, "dropped": {"CDR is blank": 30}}
    card["prepared"]["dropped"]["the label is left out"] = 4
    assert suppress_small_card(card, 10)["prepared"] == rules
    assert suppress_small_card({**card, "prepared": None}, 10)["prepared"] is None


def test_a_subgroup_that_is_small_in_one_split_is_withheld_in_all(card: dict[str, Any]) -> None:
    found = suppress_small_card(card, 10)
    assert found["withheld"]["attributes"] == ["site"]
    for split in ("all", "train", "test"):
        cells = found["balance"][split]["attributes"]["site"]["subgroups"]
        assert isinstance(cells["C"]["n"], str)
        assert cells["C"]["prevalence"]["value"] is None
        assert isinstance(cells["B"]["n"], str), "the total minus the others would tell C"
        assert found["balance"][split]["attributes"]["sex"] == {
            **card["balance"][split]["attributes"]["sex"],
            "n_missing": card["balance"][split]["attributes"]["sex"]["missing"]["n"],
        }


def test_all_that_is_computed_from_it_goes_with_it_and_the_rest_stays(card: dict[str, Any]) -> None:
    found = suppress_small_card(card, 10)
    assert found["associations"] == [{"a": "label", "b": "sex"}, {"a": "split", "b": "sex"}]
    assert found["acquisition"] == [{"from": ["scanner"], "target": "sex"}]
    assert found["image_quality"]["differences"] == [{"attribute": "sex"}]
    assert list(found["minimum_detectable_gap"]) == ["sex"]
    assert list(found["missingness"]) == ["sex"]
    assert list(found["missingness"]["sex"]["by"]) == ["label"]
    assert found["withheld"]["missingness"] == ["site"]


@pytest.mark.parametrize(("n", "n_missing"), [(110, 3), (110, 107)])
def test_missing_values_of_a_few_are_withheld(card: dict[str, Any], n: int, n_missing: int) -> None:
    card["missingness"]["sex"]["by"]["label"]["cells"]["0"] = {"n": n, "n_missing": n_missing}
    assert suppress_small_card(card, 10)["withheld"]["missingness"] == ["sex", "site"]


def test_a_card_without_small_cells_and_without_images_stays_as_it_is(card: dict[str, Any]) -> None:
    found = suppress_small_card({**card, "image_quality": None}, 3)
    assert found["withheld"] == {"attributes": [], "missingness": []}
    assert found["associations"] == card["associations"]
    assert found["image_quality"] is None


def test_a_limit_below_two_is_refused(card: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="suppress_below is 1"):
        suppress_small_card(card, 1)
