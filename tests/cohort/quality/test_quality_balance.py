"""Counts, prevalence and balance, by hand and beside SciPy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binomtest

from monai_fairtune.cohort.quality.balance import associations, balance_cautions, measure_balance, prevalence
from monai_fairtune.subgroups import Subgroups
from tests.cohort.quality.cohorts import clean


def test_prevalence_of_one_image_a_patient_is_close_to_wilsons() -> None:
    labels = np.arange(2000) % 5 == 0
    found = prevalence(labels.astype(np.int64), np.arange(2000))
    wilson = binomtest(400, 2000).proportion_ci(method="wilson")
    assert found.value == 0.2
    assert found.low == pytest.approx(wilson.low, abs=2e-4)
    assert found.high == pytest.approx(wilson.high, abs=2e-4)


def test_images_that_repeat_their_patient_do_not_narrow_the_interval() -> None:
    labels, patients = np.arange(200) % 4 == 0, np.arange(200)
    once = prevalence(labels.astype(np.int64), patients)
    ten_times = prevalence(np.repeat(labels, 10).astype(np.int64), np.repeat(patients, 10))
    assert ten_times.low == pytest.approx(once.low, abs=0.003)
    assert ten_times.high == pytest.approx(once.high, abs=0.003)


def test_prevalence_of_nobody_is_undefined() -> None:
    assert prevalence(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)).value is None


def test_every_image_is_in_one_cell_of_each_attribute_and_of_their_intersection() -> None:
    recorded = clean()
    balance = measure_balance(recorded)
    assert set(balance) == {"all", "train", "validation", "selection", "test"}
    for part in balance.values():
        assert set(part["attributes"]) == {"sex", "age:60", "sex*age:60", "site"}
        for entry in part["attributes"].values():
            for count in ("n", "n_positive"):
                cells = [*entry["subgroups"].values(), entry["missing"]]
                assert sum(cell[count] for cell in cells) == part[count]
    cell = balance["test"]["attributes"]["sex*age:60"]["subgroups"]["male & [60,inf)"]
    rows = (recorded.splits == "test") & recorded.attributes["sex"].member("male")
    rows &= recorded.attributes["age:60"].member("[60,inf)")
    assert (cell["n"], cell["n_patients"]) == (rows.sum(), len(np.unique(recorded.patients[rows])))
    assert cell["prevalence"]["value"] == recorded.labels[rows].mean()


def test_an_intersection_that_is_declared_is_not_counted_twice() -> None:
    recorded = clean()
    declared = Subgroups("age:60*sex", ("a",), np.zeros(len(recorded.labels), dtype=np.int64))
    recorded = replace(recorded, attributes={**recorded.attributes, "age:60*sex": declared})
    assert "sex*age:60" not in measure_balance(recorded)["all"]["attributes"]


@pytest.mark.parametrize("seed", range(5))
def test_a_clean_cohort_gives_no_alarm(seed: int) -> None:
    recorded = clean(seed=seed)
    assert list(balance_cautions(associations(recorded), recorded.acquisition)) == []


def test_a_subgroup_of_other_prevalence_is_told() -> None:
    recorded = clean()
    sick = np.where(recorded.attributes["sex"].codes == 1, recorded.labels | (recorded.patients % 3 == 0), 0)
    recorded = replace(recorded, labels=sick.astype(np.int64))
    (told,) = balance_cautions(associations(recorded), recorded.acquisition)
    assert told.startswith("The share of class 1 depends on sex (Cramer's V 0.")


def test_splits_that_differ_are_told_but_not_those_drawn_by_site() -> None:
    recorded = clean()
    by_sex = np.where(recorded.attributes["sex"].codes == 1, "test", recorded.splits)
    (told,) = balance_cautions(associations(replace(recorded, splits=by_sex)), recorded.acquisition)
    assert told.startswith("The splits differ in sex")
    by_site = np.where(recorded.acquisition["site"].codes == 1, "test", "train")
    pairs = associations(replace(recorded, splits=by_site))
    assert list(balance_cautions(pairs, recorded.acquisition)) == []
    (found,) = [pair for pair in pairs if (pair["a"], pair["b"]) == ("split", "site")]
    assert found["value"] == pytest.approx(1)
