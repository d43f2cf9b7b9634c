from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monai_fairtune.cohort.stratification import deal_patients
from monai_fairtune.subgroups import Subgroups

SHARES = (0.5, 0.15, 0.15, 0.2)


def _cohort(n: int, seed: int) -> tuple[np.ndarray, np.ndarray, dict[str, Subgroups]]:
    random = np.random.default_rng(seed)
    patients = random.permutation(np.repeat(np.arange(n), random.integers(1, 4, n)))
    per_patient = {"sex": random.integers(-1, 2, n), "age": random.integers(0, 3, n)}
    groups = {name: Subgroups(name, ("a", "b", "c"), codes[patients]) for name, codes in per_patient.items()}
    return patients.astype(np.str_), random.integers(0, 2, len(patients)), groups


@settings(max_examples=25, deadline=None)
@given(n=st.integers(1, 60), seed=st.integers(0, 10**6))
def test_a_patient_is_never_divided_and_every_image_is_dealt(n: int, seed: int) -> None:
    ids, labels, groups = _cohort(n, seed)
    parts = deal_patients(ids, labels, groups, SHARES, seed=seed, purpose="test")
    assert set(parts) <= {0, 1, 2, 3}
    assert all(len(set(parts[ids == patient])) == 1 for patient in set(ids))


@settings(max_examples=25, deadline=None)
@given(n=st.integers(2, 60), seed=st.integers(0, 10**6))
def test_the_order_of_rows_changes_nothing(n: int, seed: int) -> None:
    ids, labels, groups = _cohort(n, seed)
    shuffle = np.random.default_rng(seed + 1).permutation(len(ids))
    shuffled = {name: group.take(shuffle) for name, group in groups.items()}
    parts = deal_patients(ids, labels, groups, SHARES, seed=3, purpose="test")
    again = deal_patients(ids[shuffle], labels[shuffle], shuffled, SHARES, seed=3, purpose="test")
    assert parts[shuffle].tolist() == again.tolist()


def test_one_seed_gives_one_deal_and_another_gives_another() -> None:
    ids, labels, groups = _cohort(200, 0)
    deals = [deal_patients(ids, labels, groups, SHARES, seed=seed, purpose="test").tolist() for seed in (0, 0, 1)]
    assert deals[0] == deals[1] != deals[2]


def test_the_deal_of_a_seed_is_the_same_on_every_machine() -> None:
    ids, labels, groups = _cohort(24, 5)
    parts = deal_patients(ids, labels, groups, SHARES, seed=7, purpose="test")
    order = np.unique(ids, return_index=True)[1]
    assert "".join(map(str, parts[order])) == "001100331200223010203300"


@pytest.mark.parametrize("seed", range(5))
def test_every_label_and_subgroup_is_spread_in_proportion(seed: int) -> None:
    ids, labels, groups = _cohort(400, seed)
    parts = deal_patients(ids, labels, groups, SHARES, seed=seed, purpose="test")
    for group in groups.values():
        for code in (-1, 0, 1, 2):
            for label in (0, 1):
                stratum = (group.codes == code) & (labels == label)
                found = np.bincount(parts[stratum], minlength=4)
                assert np.abs(found - np.array(SHARES) * stratum.sum()).max() <= 3


def test_a_stratum_of_one_patient_is_dealt_like_any_other() -> None:
    ids = np.array([f"p{number}" for number in range(21)])
    labels = np.array([*[0, 1] * 10, 1])
    groups = {"sex": Subgroups("sex", ("a", "b"), [0] * 20 + [1])}
    parts = deal_patients(ids, labels, groups, (0.5, 0.5), seed=0, purpose="test")
    assert sorted(np.bincount(parts).tolist()) == [10, 11]


def test_no_patients_are_dealt_to_nothing() -> None:
    assert deal_patients(np.array([], np.str_), np.array([], np.int64), {}, (0.5, 0.5), seed=0, purpose="t").size == 0
