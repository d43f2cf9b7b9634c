"""How patients are drawn: within strata, as often as expected, and the same from the same seed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from monai_fairtune.exceptions import ConfigurationError
from monai_fairtune.metrics import Resampling, Threshold, assess
from monai_fairtune.metrics.processes import shared
from monai_fairtune.metrics.resampling import PatientWeights, patient_strata
from monai_fairtune.testing.random_predictions import random_predictions


def drawn(strata: NDArray[np.int64], resampling: Resampling) -> NDArray[np.float64]:
    """Returns the weights, a column for each patient in the order of ``strata``."""
    weights = PatientWeights(strata, resampling)
    return weights.map(lambda rows: rows.astype(np.float64))[:, weights.position]


def test_each_stratum_keeps_its_size_in_every_replicate() -> None:
    strata = np.random.default_rng(0).permutation(np.repeat([0, 1, 2, 3], [1, 7, 60, 300]))
    weights = drawn(strata, Resampling(500))
    for stratum, size in enumerate([1, 7, 60, 300]):
        assert (weights[:, strata == stratum].sum(axis=1) == size).all()


def test_within_a_stratum_every_patient_is_drawn_alike_as_from_a_multinomial() -> None:
    size = 40
    weights = drawn(np.zeros(size, dtype=np.int64), Resampling(20000))
    error = 1 / np.sqrt(20000)
    assert np.abs(weights.mean(axis=0) - 1).max() < 5 * error
    assert weights.var(axis=0).mean() == pytest.approx(1 - 1 / size, abs=0.01)
    covariance = np.cov(weights.T)[np.triu_indices(size, 1)]
    assert covariance.mean() == pytest.approx(-1 / size, abs=1e-3)
    assert np.abs(covariance + 1 / size).max() < 6 * error


def test_above_4096_patients_the_weights_are_poisson_with_mean_and_variance_1() -> None:
    strata = np.random.default_rng(0).permutation(np.repeat([0, 1], [5000, 50]))
    weights = drawn(strata, Resampling(400))
    large = weights[:, strata == 0]
    n = large.size
    assert large.mean() == pytest.approx(1, abs=5 / np.sqrt(n))
    assert large.var() == pytest.approx(1, abs=5 * np.sqrt(3 / n))
    shares = np.bincount(large.astype(int).ravel(), minlength=9)[:9] / n
    expected = np.exp(-1) / np.cumprod([1.0, 1, 2, 3, 4, 5, 6, 7, 8])
    np.testing.assert_allclose(shares, expected, atol=5 * np.sqrt(0.37 / n))
    totals = large.sum(axis=1)
    assert totals.mean() == pytest.approx(5000, abs=5 * np.sqrt(5000 / 400))
    assert totals.std() == pytest.approx(np.sqrt(5000), rel=0.2)
    assert (weights[:, strata == 1].sum(axis=1) == 50).all()


@pytest.mark.parametrize(("size", "varies"), [(4096, False), (4097, True)])
def test_the_number_drawn_varies_only_above_4096_patients(size: int, varies: bool) -> None:
    totals = drawn(np.zeros(size, dtype=np.int64), Resampling(100)).sum(axis=1)
    assert (np.ptp(totals) > 0) == varies


def test_a_patient_in_two_subgroups_is_of_a_stratum_of_its_own_and_so_is_one_without() -> None:
    patients = np.array([0, 1, 2, 2, 3, 4, 4, 5, 6, 6, 7])
    codes = np.array([0, 1, 0, 1, 1, 1, 0, -1, -1, 0, 0])
    strata = patient_strata(patients, codes)
    sets = [frozenset(codes[patients == patient].tolist()) for patient in range(8)]
    alike = [[a == b for a in sets] for b in sets]
    assert [[a == b for a in strata] for b in strata] == alike
    assert sorted(set(strata.tolist())) == list(range(len(set(sets))))


def test_strata_are_the_sets_of_subgroups_on_random_tables() -> None:
    for seed in range(50):
        rng = np.random.default_rng(seed)
        patients = np.unique(rng.integers(0, 40, size=120), return_inverse=True)[1]
        codes = rng.integers(-1, 3, size=120) if seed % 2 else rng.integers(-1, 3, size=40)[patients]
        sets = [frozenset(codes[patients == patient].tolist()) for patient in range(patients.max() + 1)]
        pairs = set(zip(sets, patient_strata(patients, codes).tolist(), strict=True))
        assert len(pairs) == len(set(sets)) == len({stratum for _, stratum in pairs})


def report(seed: int, n_threads: int) -> dict[str, object]:
    predictions = random_predictions(2, n=400, images_per_patient=2, by_patient=True, missing=0.1, n_levels=40)
    resampling = Resampling(600, 600, seed=seed, n_threads=n_threads)
    return assess(predictions, Threshold(0.5, "given", "fixed"), resampling=resampling).to_dict()


def test_the_same_seed_gives_the_same_bits_on_any_number_of_threads() -> None:
    alone = report(seed=0, n_threads=1)
    assert report(seed=0, n_threads=1) == alone
    assert report(seed=0, n_threads=2) == alone
    assert report(seed=0, n_threads=3) == alone


def test_another_seed_draws_other_patients_and_other_permutations() -> None:
    one, other = (np.zeros(30, dtype=np.int64), np.zeros(30, dtype=np.int64))
    assert (drawn(one, Resampling(100, seed=0)) != drawn(other, Resampling(100, seed=1))).any()
    ours, theirs = report(seed=0, n_threads=1), report(seed=1, n_threads=1)
    for key in ("overall", "attributes"):
        assert ours[key] != theirs[key]


def test_replicates_drawn_in_several_chunks_differ_from_each_other() -> None:
    weights = drawn(np.zeros(50, dtype=np.int64), Resampling(1000))
    assert len(np.unique(weights, axis=0)) == 1000


@pytest.mark.parametrize("name", ["n_replicates", "n_permutations"])
def test_too_few_draws_are_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} is 99. Give at least 100"):
        Resampling(**{name: 99})


def test_copies_of_the_process_give_the_same_numbers_as_threads_to_the_bit() -> None:
    predictions = random_predictions(3, n=300, images_per_patient=2)
    found = [
        assess(predictions, Threshold(0.5, "given", "fixed"), resampling=Resampling(600, 600, n_processes=n)).to_dict()
        for n in (1, 2, 3)
    ]
    assert found[0] == found[1] == found[2]


def test_what_a_copy_of_the_process_cannot_do_fails_here_with_its_own_error() -> None:
    def work(items: Sequence[int]) -> list[int]:
        return [1 // item for item in items]

    assert shared(work, [1, 1, 1, 1, 1], 2) == [1] * 5
    with pytest.raises(ZeroDivisionError):
        shared(work, [1, 0], 2)
