"""The subgroup of every sample."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import ArrayLike

from monai_fairtune.exceptions import PredictionsError
from monai_fairtune.subgroups import Subgroups

SEX = Subgroups("sex", ("female", "male", "other"), [0, 1, -1, 1])


def test_counts_name_every_subgroup_and_leave_the_missing_out() -> None:
    assert SEX.counts() == {"female": 1, "male": 2, "other": 0}
    assert SEX.n_missing == 1
    assert len(SEX) == 4


def test_members_of_a_subgroup_are_found_by_its_name() -> None:
    assert SEX.member("male").tolist() == [False, True, False, True]
    assert [name for name, _ in SEX.items()] == ["female", "male", "other"]


def test_a_subgroup_absent_from_a_batch_stays_itself_fault_12() -> None:
    batch = SEX.take([1, 3])
    assert batch.names == SEX.names
    assert batch.counts() == {"female": 0, "male": 2, "other": 0}


def test_a_bool_mask_takes_samples_too() -> None:
    assert SEX.take(SEX.member("female")).counts() == {"female": 1, "male": 0, "other": 0}


def test_an_empty_batch_keeps_its_names() -> None:
    assert SEX.take(np.zeros(4, dtype=bool)).counts() == {"female": 0, "male": 0, "other": 0}


def test_codes_cannot_be_changed_afterwards() -> None:
    given = np.array([0, 1])
    subgroups = Subgroups("sex", ("f", "m"), given)
    given[0] = 1
    assert subgroups.codes.tolist() == [0, 1]
    with pytest.raises(ValueError, match="read-only"):
        subgroups.codes[0] = 1


@pytest.mark.parametrize("codes", [[0, 3], [-2, 0], [[0, 1]]])
def test_codes_that_point_at_no_name_are_refused(codes: list[int]) -> None:
    with pytest.raises(PredictionsError, match=r"for 3 subgroups. Give one code a sample, from -1 \(missing\) to 2"):
        Subgroups("sex", ("female", "male", "other"), codes)


@pytest.mark.parametrize("codes", [[0.5, 1.0], [float("nan"), 0.0], ["female", "male"], [True, False]])
def test_codes_that_are_not_whole_numbers_are_refused_rather_than_cut_off(codes: ArrayLike) -> None:
    with pytest.raises(PredictionsError, match="Give whole numbers, from -1"):
        Subgroups("sex", ("female", "male"), codes)


def test_two_subgroups_of_one_name_are_refused() -> None:
    with pytest.raises(PredictionsError, match=r"names \['f', 'f'\] repeat"):
        Subgroups("sex", ("f", "f"), [0, 1])


def test_an_unknown_subgroup_is_refused_with_those_there_are() -> None:
    with pytest.raises(PredictionsError, match=r"'sex' has no subgroup 'Male'. Its subgroups are \['female', 'male'"):
        SEX.member("Male")
