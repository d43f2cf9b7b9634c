"""The bootstrap's vectorised measures against the plain ones: under equal weights, and on rows that are repeated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from monai_fairtune.metrics import Resampling, Threshold, Value, calibration_intercept, calibration_slope
from monai_fairtune.metrics.bootstrap import bootstrap
from monai_fairtune.metrics.cell import Cell, Cells
from monai_fairtune.metrics.cell_replicates import ReplicatePlan
from monai_fairtune.metrics.resampling import PatientWeights
from monai_fairtune.predictions import Predictions
from monai_fairtune.testing.random_predictions import random_predictions

_CALIBRATION = ("calibration_intercept", "calibration_slope")
_N_TABLES = 120


def table(seed: int) -> tuple[Predictions, Threshold]:
    """Draws a split with ties, both kinds of scores, several images per patient and small subgroups."""
    rng = np.random.default_rng((seed, 11))
    predictions = random_predictions(
        seed,
        n=int(rng.integers(2, 160)),
        prevalence=float(rng.choice([0.1, 0.4, 0.8])),
        missing=0.2,
        n_levels=None if seed % 3 == 0 else int(rng.integers(2, 12)),
        kind="logit" if seed % 2 else "probability",
        images_per_patient=int(rng.choice([1, 2, 5])),
        saturated=float(rng.choice([0.0, 0.05])),
    )
    order = rng.permutation(len(predictions))
    return predictions.take(order), Threshold(float(rng.choice([0.2, 0.5, 0.7])), "given", "fixed")


def cells(predictions: Predictions, threshold: Threshold) -> list[Cell]:
    """Returns the whole split and its subgroups."""
    made = Cells(predictions, threshold, 1)
    return [made.everyone(), *(made.members(m, name) for name, m in predictions.subgroups["site"].items())]


def replicated(cell: Cell, weights: NDArray[np.uint8]) -> dict[str, NDArray[np.float64]]:
    """Returns each measure under weights ``(r, n_patients)``."""
    plan = ReplicatePlan.of(cell, cell.patients)
    return dict(plan.unpack(plan.compute(weights)))


def repeated(cell: Cell, weights: NDArray[np.uint8]) -> Cell:
    """Returns the cell whose rows stand there as often as their patient was drawn."""
    rows = np.repeat(np.arange(len(cell)), weights[cell.patients])
    return replace(
        cell,
        labels=cell.labels[rows],
        scores=cell.scores[rows],
        probabilities=cell.probabilities[rows],
        decisions=cell.decisions[rows],
        patients=cell.patients[rows],
    )


def drawn(predictions: Predictions, seed: int) -> NDArray[np.uint8]:
    """Returns weights of a hundred replicates, of one stratum."""
    strata = np.zeros(predictions.n_patients, dtype=np.int64)
    return (
        PatientWeights(strata, Resampling(100, seed=seed)).map(lambda weights: weights.astype(float)).astype(np.uint8)
    )


def same(found: float, value: Value) -> bool:
    if value.value is None:
        return bool(np.isnan(found))
    return abs(found - value.value) <= 1e-9 * max(1.0, abs(value.value))


def test_equal_weights_give_every_value_itself_calibration_included() -> None:
    n_compared: dict[str, int] = {}
    for seed in range(_N_TABLES):
        predictions, threshold = table(seed)
        for cell in cells(predictions, threshold):
            found = replicated(cell, np.ones((1, predictions.n_patients), dtype=np.uint8))
            for name, value in cell.values.items():
                if value.value is not None or name != "log_loss":
                    n_compared[name] = n_compared.get(name, 0) + (value.value is not None)
                    assert same(found[name][0], value), name
    assert min(n_compared.values()) > 150


def weighted_cells() -> Iterator[tuple[Cell, NDArray[np.uint8]]]:
    for seed in range(_N_TABLES):
        predictions, threshold = table(seed)
        weights = drawn(predictions, seed)[:3]
        for cell in cells(predictions, threshold):
            yield cell, weights


def test_a_replicate_is_the_plain_measure_of_the_rows_drawn_and_undefined_where_that_is() -> None:
    n_compared = n_undefined = 0
    for cell, weights in weighted_cells():
        found = replicated(cell, weights)
        for row, drawing in enumerate(weights):
            plain = repeated(cell, drawing).values
            for name, value in plain.items():
                if name in _CALIBRATION or cell.values[name].value is None:
                    continue
                n_compared, n_undefined = n_compared + 1, n_undefined + (value.value is None)
                assert same(found[name][row], value), (name, value)
    assert n_compared > 15000
    assert n_undefined > 100


def test_the_weighted_sums_do_not_depend_on_how_patients_are_laid_out() -> None:
    for seed in range(20):
        predictions, threshold = table(seed)
        weights = drawn(predictions, seed)
        order = np.random.default_rng(seed).permutation(predictions.n_patients)
        place = np.argsort(order)
        for cell in cells(predictions, threshold):
            plan = ReplicatePlan.of(cell, place[cell.patients])
            moved = plan.unpack(plan.compute(weights[:, order]))
            for name, numbers in replicated(cell, weights).items():
                np.testing.assert_allclose(moved[name], numbers, rtol=1e-9, atol=1e-9)


def test_an_extra_term_comes_back_as_its_weighted_sum() -> None:
    predictions, threshold = table(5)
    cell = cells(predictions, threshold)[0]
    extra, weights = np.random.default_rng(0).normal(size=len(cell)), drawn(predictions, 0)
    plan = ReplicatePlan.of(cell, cell.patients, extra)
    expected = [float(np.repeat(extra, row[cell.patients]).sum()) for row in weights]
    np.testing.assert_allclose(plan.unpack(plan.compute(weights))["extra"], expected, rtol=1e-9, atol=1e-12)


def refit_error(n: int, seed: int, name: str) -> float:
    """Returns the root mean square error of one Newton step, in standard deviations of the full refits."""
    drawing = random_predictions(seed, n=n, prevalence=0.3)
    scores = drawing.scores + 1.5  # log-odds whose mean is far from 0
    predictions = Predictions(drawing.labels, scores, kind="logit", subgroups=drawing.subgroups)
    cell = cells(predictions, Threshold(0.5, "given", "fixed"))[0]
    weights, measure = drawn(predictions, 0), calibration_slope if name.endswith("slope") else calibration_intercept
    full = np.array([measure(again.labels, again.logits) for again in (repeated(cell, row) for row in weights)])
    return float(np.sqrt(np.mean((replicated(cell, weights)[name] - full) ** 2)) / full.std())


@pytest.mark.parametrize("name", _CALIBRATION)
def test_one_newton_step_leaves_an_error_that_vanishes_faster_than_the_standard_error(name: str) -> None:
    few, many = (float(np.mean([refit_error(n, seed, name) for seed in range(5)])) for n in (100, 6400))
    # The step's error falls with n, the standard error with the root of n: their ratio should fall by a factor of 8.
    assert few < 0.3
    assert many < few / 5


def test_images_of_a_patient_move_together_so_that_doubling_each_image_changes_no_replicate() -> None:
    predictions, threshold = table(7)
    twice = predictions.take(np.repeat(np.arange(len(predictions)), 2))
    strata, resampling = np.zeros(predictions.n_patients, dtype=np.int64), Resampling(200)
    ours, theirs = (bootstrap([cells(p, threshold)[0]], strata, resampling)[0] for p in (predictions, twice))
    for name, numbers in ours.items():
        np.testing.assert_allclose(theirs[name], numbers, rtol=1e-9, atol=1e-9)


def test_the_spread_of_replicates_is_that_of_patients_and_not_of_images() -> None:
    predictions = random_predictions(1, n=300)
    copies = predictions.take(np.repeat(np.arange(300), 5))  # five images alike of each patient
    apart = Predictions(copies.labels, copies.scores, kind="logit", subgroups=copies.subgroups)
    half, resampling = Threshold(0.5, "given", "fixed"), Resampling(1000)
    spread = [
        bootstrap([cells(p, half)[0]], np.zeros(p.n_patients, dtype=np.int64), resampling)[0]["auroc"].std()
        for p in (predictions, copies, apart)
    ]
    assert spread[1] == pytest.approx(spread[0], rel=1e-9)
    assert spread[2] == pytest.approx(spread[0] / np.sqrt(5), rel=0.1)
