"""DeLong's variance, covariance and test against R's pROC, on tables with and without ties."""

from __future__ import annotations

import csv
import io
import math
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import norm

from monai_fairtune.metrics import Resampling, Threshold, assess, compare
from monai_fairtune.metrics.placements import Placements
from monai_fairtune.predictions import Predictions

_SCRIPT = Path(__file__).with_name("proc.R")
_HALF = Threshold(0.5, "given", "fixed")

TABLES = {
    "few": (6, 4, 1),
    "few with ties": (7, 5, 900),
    "many": (60, 40, 1),
    "many with ties": (70, 30, 300),
    "imbalanced": (80, 4, 1),
    "all ranked right": (60, 3, 1),
    "heavily tied": (25, 25, 1000),
}
"""Name to negatives, positives and the width of a step; wide steps tie."""

# Rscript tests/metrics/proc.R < the output of `rows_as_csv`, by R 4.2.2 with pROC 1.18.0 on Debian 12, 2026-11-22:
# auc(a), auc(b), var(a), var(b), cov(a, b), both limits of ci.auc(a), p.value of roc.test(a, b, paired = TRUE), all
# with method = "delong".
PROC = """
few,0.833333333333333,0.75,0.0199074074074074,0.0435185185185185,0.0115740740740741,\
0.556794934946533,1,0.677975442910787
few with ties,0.642857142857143,0.685714285714286,0.0232993197278912,0.0217006802721088,0.0130952380952381,\
0.343685992368196,0.94202829334609,0.754669151173333
many,0.791875,0.688958333333333,0.00225093033976773,0.00299483124034236,0.00162336186108697,\
0.69888652647522,0.88486347352478,0.0213441761216562
many with ties,0.826428571428571,0.639285714285714,0.00209281532703036,0.00363574646916904,0.00176287508173351,\
0.736765513828997,0.916091629028146,6.68148620745365e-05
imbalanced,0.8421875,0.790625,0.00384520454245781,0.0047040644778481,0.00280990407436709,\
0.720650695257578,0.963724304742422,0.340759937603382
all ranked right,1,0.844444444444444,0,0.00779713329148357,0,\
1,1,0.0781295348596906
heavily tied,0.76,0.6584,0.00364133333333333,0.00448912,0.001536,\
0.641728988960012,0.878271011039988,0.153143652809981
"""


def stream(seed: int) -> Iterator[int]:
    """Yields whole numbers of a linear congruential generator, the same on every machine."""
    state = seed
    while True:
        state = (1103515245 * state + 12345) % 2**31
        yield state >> 16


def rows(name: str) -> list[tuple[int, int, int]]:
    """Returns the label and two correlated models' scores of each image of a table."""
    n_negative, n_positive, step = TABLES[name]
    numbers = stream(n_negative * 1000 + n_positive)
    found = []
    for k in range(n_negative + n_positive):
        shared, own, other = (sum(next(numbers) % 1000 for _ in range(n)) for n in (3, 2, 2))
        label = int(k >= n_negative)
        found.append((label, (shared + own + 900 * label) // step, (shared + other + 500 * label) // step))
    return found


def rows_as_csv() -> str:
    """Returns what the R script reads."""
    lines = [f"{name},{label},{a},{b}" for name in TABLES for label, a, b in rows(name)]
    return "\n".join(["table,label,a,b", *lines]) + "\n"


def parsed(text: str) -> dict[str, list[float]]:
    """Returns table name to pROC's numbers."""
    return {row[0]: [float(cell) for cell in row[1:]] for row in csv.reader(io.StringIO(text.strip()))}


def placed(name: str) -> tuple[Placements, Placements]:
    """Returns the placements of both models."""
    label, a, b = np.array(rows(name)).T
    return Placements.of(label, a.astype(float)), Placements.of(label, b.astype(float))


def predictions(name: str) -> tuple[Predictions, Predictions]:
    """Returns both models' predictions, each image of another patient."""
    label, a, b = np.array(rows(name)).T
    one, other = (Predictions(label, scores / 1000, kind="logit", subgroups={}) for scores in (a, b))
    return one, other


def ours(name: str) -> list[float]:
    """Returns our numbers in the order of ``PROC``."""
    a, b = placed(name)
    error = math.sqrt(a.covariance())
    limits = [max(a.auroc - norm.isf(0.025) * error, 0.0), min(a.auroc + norm.isf(0.025) * error, 1.0)]
    found = compare(*predictions(name), _HALF, _HALF, resampling=Resampling(100)).overall["auroc"]
    assert found.p_value is not None
    return [a.auroc, b.auroc, a.covariance(), b.covariance(), a.covariance(b), *limits, found.p_value]


def brute_force(name: str) -> NDArray[np.float64]:
    """Returns DeLong's covariance matrix of both AUROCs by comparing every pair of images."""
    label, *models = np.array(rows(name)).T
    wins = [
        np.array([[(high > low) + 0.5 * (high == low) for low in m[label == 0]] for high in m[label == 1]])
        for m in models
    ]
    parts = [np.cov([w.mean(axis=axis) for w in wins]) / wins[0].shape[1 - axis] for axis in (0, 1)]
    return np.asarray(parts[0] + parts[1])


@pytest.mark.parametrize("name", TABLES)
def test_variance_covariance_and_test_are_those_that_proc_printed(name: str) -> None:
    assert ours(name) == pytest.approx(parsed(PROC)[name], rel=1e-9, abs=1e-14)


@pytest.mark.parametrize("name", TABLES)
def test_the_covariance_matrix_is_that_of_all_pairs_of_images(name: str) -> None:
    a, b = placed(name)
    matrix = [[a.covariance(), a.covariance(b)], [b.covariance(a), b.covariance()]]
    np.testing.assert_allclose(matrix, brute_force(name), rtol=1e-12, atol=1e-16)


def test_proc_still_prints_what_is_recorded_here() -> None:
    if shutil.which("Rscript") is None:
        pytest.skip("no R here; the recorded values stand")
    found = subprocess.run(["Rscript", str(_SCRIPT)], input=rows_as_csv(), capture_output=True, text=True)
    if "there is no package called" in found.stderr:
        pytest.skip("R has no pROC here; the recorded values stand")
    assert found.returncode == 0, found.stderr
    live = parsed(found.stdout)
    assert list(live) == list(TABLES)
    for name, numbers in parsed(PROC).items():
        assert live[name] == pytest.approx(numbers, rel=1e-12, abs=1e-14)
        assert ours(name) == pytest.approx(live[name], rel=1e-9, abs=1e-14)


def test_an_assessment_rests_on_delongs_variance_where_every_image_is_of_another_patient() -> None:
    whole = assess(predictions("many with ties")[0], _HALF, resampling=Resampling(100)).overall["auroc"]
    assert whole.extra["interval"] == "delong"
    assert whole.low is not None
    assert whole.high is not None
    # Newcombe's limits differ from pROC's symmetric ones by a small shift towards 0.5.
    recorded = parsed(PROC)["many with ties"]
    assert [whole.low, whole.high] == pytest.approx(recorded[5:7], abs=0.03)
    assert whole.low + whole.high < recorded[5] + recorded[6]


def test_images_of_one_patient_are_not_taken_for_delongs() -> None:
    one, other = predictions("many with ties")
    joined, also = (
        Predictions(side.labels, side.scores, kind="logit", subgroups={}, patient_ids=np.arange(100) // 2)
        for side in (one, other)
    )
    apart = compare(one, other, _HALF, _HALF, resampling=Resampling(200)).overall["auroc"]
    together = compare(joined, also, _HALF, _HALF, resampling=Resampling(200)).overall["auroc"]
    assert (apart.extra["method"], together.extra["method"]) == ("delong", "bootstrap")
    assert apart.p_value != together.p_value
