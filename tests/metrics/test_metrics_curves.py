"""The curves of a report: scikit-learn's ROC points, bands around them, and bins that hold everybody once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pytest
import sklearn.metrics as sk
from numpy.typing import NDArray
from scipy.stats import binomtest

from monai_fairtune.metrics import Resampling, Threshold, assess
from monai_fairtune.metrics.curves import Curves
from monai_fairtune.predictions import Predictions
from monai_fairtune.testing.random_predictions import random_predictions

_HALF = Threshold(0.5, "given", "fixed")
_FEWEST = 4


def split(seed: int) -> Predictions:
    """Draws a split with ties, imbalance and several images per patient."""
    rng = np.random.default_rng((seed, 23))
    return random_predictions(
        seed,
        n=int(rng.integers(5, 400)),
        prevalence=float(rng.choice([0.1, 0.5, 0.8])),
        missing=0.1,
        n_levels=None if seed % 2 else int(rng.integers(2, 40)),
        kind="logit" if seed % 3 else "probability",
        images_per_patient=int(rng.choice([1, 3])),
    )


Drawn = list[tuple[Predictions, NDArray[np.bool_], Curves, int]]


@pytest.fixture(scope="module")
def drawn() -> Drawn:
    """The curves of 120 splits and their subgroups: with which images, and the fewest of a class for a ROC curve."""
    found: Drawn = []
    for seed in range(120):
        predictions = split(seed)
        report = assess(predictions, _HALF, min_per_class=_FEWEST, resampling=Resampling(100, 100, n_threads=1))
        assert report.curves is not None
        found.append((predictions, np.ones(len(predictions), dtype=bool), report.curves, 1))
        for name, subgroup in report.attributes["site"].subgroups.items():
            assert subgroup.curves is not None
            found.append((predictions, predictions.subgroups["site"].member(name), subgroup.curves, _FEWEST))
    return found


def rocs(drawn: Drawn) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float64], Mapping[str, list[float]]]]:
    """Yields labels, scores and ROC curve wherever there is one."""
    for predictions, member, curves, _ in drawn:
        if curves.roc is not None:
            yield predictions.labels[member], predictions.scores[member], curves.roc


def test_there_is_a_roc_curve_exactly_where_both_classes_are_large_enough(drawn: Drawn) -> None:
    n_without = 0
    for predictions, member, curves, fewest in drawn:
        labels = predictions.labels[member]
        enough = min(int(labels.sum()), int(len(labels) - labels.sum())) >= fewest
        assert (curves.roc is not None) == enough
        n_without += not enough
    assert 20 < n_without < len(drawn) - 200


def test_the_roc_curve_is_scikit_learns_best_tpr_at_or_below_each_fpr(drawn: Drawn) -> None:
    for labels, scores, roc in rocs(drawn):
        fpr, tpr, _ = sk.roc_curve(labels, scores, drop_intermediate=False)
        n_negative = int((labels == 0).sum())
        alarms = np.round(fpr * n_negative).astype(int)
        # Whole numbers: 0.3 times 10 negatives must allow 3 of them.
        expected = [tpr[100 * alarms <= percent * n_negative].max() for percent in range(101)]
        np.testing.assert_allclose(roc["tpr"], expected, rtol=0, atol=1e-12)
        assert roc["fpr"] == [percent / 100 for percent in range(101)]
        assert roc["tpr"][-1] == 1


def test_the_bands_hold_the_roc_curve_rise_with_it_and_stay_in_range(drawn: Drawn) -> None:
    for _, _, roc in rocs(drawn):
        low, tpr, high = (np.array(roc[name]) for name in ("low", "tpr", "high"))
        assert len(low) == len(tpr) == len(high) == 101
        assert ((low >= 0) & (low <= tpr) & (tpr <= high) & (high <= 1)).all()
        assert (np.diff(low) >= 0).all()
        assert (np.diff(tpr) >= 0).all()
        assert (np.diff(high) >= 0).all()
        assert (high - low).max() > 0


def test_more_patients_narrow_the_bands() -> None:
    predictions = random_predictions(1, n=2000)
    widths = []
    for n in (100, 500, 2000):
        curves = assess(predictions.take(np.arange(n)), _HALF, resampling=Resampling(100, 100)).curves
        assert curves is not None
        assert curves.roc is not None
        widths.append(float(np.mean(np.subtract(curves.roc["high"], curves.roc["low"]))))
    assert widths[0] > 1.5 * widths[1] > 2 * widths[2] * 1.1


def test_the_bins_of_the_calibration_curve_hold_everybody_once(drawn: Drawn) -> None:
    n_seen = 0
    for predictions, member, curves, _ in drawn:
        labels, probabilities = predictions.labels[member], predictions.probabilities[member]
        assert (curves.calibration is not None) == (len(labels) >= 40)
        if curves.calibration is None:
            continue
        n_seen += 1
        counts = [int(entry["n"]) for entry in curves.calibration]
        assert sum(counts) == len(labels)
        assert 2 <= len(counts) <= 10
        assert 20 <= min(counts) <= max(counts) <= min(counts) + 1
        ranked = np.sort(probabilities)
        edges = np.cumsum([0, *counts])
        for entry, start, end in zip(curves.calibration, edges[:-1], edges[1:], strict=True):
            assert entry["mean_probability"] == pytest.approx(ranked[start:end].mean(), abs=1e-9)
            assert 0 <= entry["low"] <= entry["share_positive"] <= entry["high"] <= 1
        n_positive = sum(entry["n"] * entry["share_positive"] for entry in curves.calibration)
        assert n_positive == pytest.approx(labels.sum(), abs=1e-9)
    assert n_seen > 200


def test_the_share_in_a_bin_is_that_of_its_own_images_with_wilsons_interval() -> None:
    predictions = random_predictions(2, n=200000)
    curves = assess(predictions, _HALF, resampling=Resampling(100, 100)).curves
    assert curves is not None
    assert curves.calibration is not None
    order = np.argsort(predictions.probabilities)
    for place, entry in enumerate(curves.calibration):
        own = predictions.labels[order[20000 * place : 20000 * (place + 1)]]
        assert entry["share_positive"] == pytest.approx(own.mean(), abs=1e-12)
        theirs = binomtest(int(own.sum()), 20000).proportion_ci(0.95, method="wilson")
        assert (entry["low"], entry["high"]) == pytest.approx((theirs.low, theirs.high), abs=2e-6)


def test_without_intervals_there_are_no_curves() -> None:
    report = assess(random_predictions(0), _HALF)
    assert report.curves is None
    assert all(subgroup.curves is None for subgroup in report.attributes["site"].subgroups.values())
    assert "curves" not in report.attributes["site"].subgroups["a"].to_dict()
