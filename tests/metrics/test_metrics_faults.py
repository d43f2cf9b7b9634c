"""Faults of earlier implementations that must stay impossible."""

from __future__ import annotations

import fairlearn.metrics as fl
import numpy as np
import pytest
import sklearn.metrics as sk

from monai_fairtune.exceptions import PredictionsError
from monai_fairtune.metrics import Threshold, assess, log_loss
from monai_fairtune.predictions import Predictions
from monai_fairtune.subgroups import Subgroups

_HALF = Threshold(0.5, "given", "fixed")


def equally_good_for_all(seed: int, n: int = 512, n_subgroups: int = 2) -> Predictions:
    """Draws scores that are alike in every subgroup, so that any difference is sampling noise."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, size=n)
    codes = rng.integers(0, n_subgroups, size=n)
    names = tuple("abcdef"[:n_subgroups])
    return Predictions(
        labels, labels * 1.5 - 0.75 + rng.normal(size=n), kind="logit", subgroups={"g": Subgroups("g", names, codes)}
    )


def batch_average(predictions: Predictions, batch_size: int) -> float:
    """Returns what an implementation reports that averages equalized odds over batches."""
    decided, codes = (predictions.probabilities >= 0.5).astype(int), predictions.subgroups["g"].codes
    batches = np.split(np.arange(len(predictions)), range(batch_size, len(predictions), batch_size))
    return float(
        np.mean(
            [
                fl.equalized_odds_difference(predictions.labels[b], decided[b], sensitive_features=codes[b])
                for b in batches
            ]
        )
    )


def test_equalized_odds_are_those_of_the_split_and_not_the_mean_over_batches_fault_1() -> None:
    predictions = equally_good_for_all(seed=0, n=2048)
    ours = assess(predictions, _HALF).attributes["g"].comparisons["equalized_odds_difference"].require()
    whole = batch_average(predictions, len(predictions))
    assert ours == pytest.approx(whole, abs=1e-12)
    assert ours < 0.1
    assert batch_average(predictions, 32) > 3 * ours


def test_the_order_of_an_evaluation_cannot_change_the_worst_subgroup_fault_1() -> None:
    rng = np.random.default_rng(0)
    predictions = equally_good_for_all(seed=1, n_subgroups=4)
    named = {
        str(assess(predictions.take(rng.permutation(512)), _HALF).attributes["g"].worst_group_auroc.to_dict())
        for _ in range(10)
    }
    assert len(named) == 1


def test_a_small_subgroup_of_equal_loss_has_an_equal_loss_fault_2() -> None:
    labels = [0, 1] * 60
    codes = [0] * 100 + [1] * 20
    predictions = Predictions(
        labels, [-1.0, 1.0] * 60, kind="logit", subgroups={"g": Subgroups("g", ("large", "small"), codes)}
    )
    subgroups = assess(predictions, _HALF).attributes["g"].subgroups
    losses = [subgroup.values["log_loss"].require() for subgroup in subgroups.values()]
    assert losses[0] == pytest.approx(losses[1], abs=1e-15)


@pytest.mark.parametrize("n_small", [5, 30, 300])
def test_the_largest_subgroup_loss_names_the_worse_subgroup_whatever_its_size_fault_2(n_small: int) -> None:
    labels, codes = np.zeros(400, dtype=int), np.repeat([0, 1], [400 - n_small, n_small])
    logits = np.where(codes == 0, 0.5, -0.5)
    predictions = Predictions(labels, logits, kind="logit", subgroups={"g": Subgroups("g", ("worse", "better"), codes)})
    largest = assess(predictions, _HALF).attributes["g"].comparisons["largest_subgroup_loss"]
    assert largest.extra["subgroup"] == "worse"
    assert largest.value == pytest.approx(log_loss([0], [0.5], kind="logit"), abs=1e-12)
    # Sums of batch means divided by the number of samples rank subgroups by their size instead.
    batches = [np.arange(start, start + 20) for start in range(0, 400, 20)]
    faulty = [
        sum(
            sk.log_loss(labels[b][codes[b] == g], predictions.probabilities[b][codes[b] == g], labels=[0, 1])
            for b in batches
            if (codes[b] == g).any()
        )
        / (codes == g).sum()
        for g in (0, 1)
    ]
    assert faulty[0] != pytest.approx(largest.value, rel=0.5)


def test_a_single_class_subgroup_poisons_nothing_but_what_needs_it_fault_7() -> None:
    codes = np.repeat([0, 1, 2], 40)
    labels = np.concatenate([np.tile([0, 1], 40), np.ones(40, dtype=int)])
    rng = np.random.default_rng(0)
    predictions = Predictions(
        labels, rng.normal(size=120) + labels, kind="logit", subgroups={"g": Subgroups("g", ("a", "b", "c"), codes)}
    )
    attribute = assess(predictions, _HALF).attributes["g"]
    for name in ("a", "b"):
        member = predictions.subgroups["g"].member(name)
        expected = sk.roc_auc_score(labels[member], predictions.scores[member])
        assert attribute.subgroups[name].values["auroc"].value == pytest.approx(expected, abs=1e-12)
    assert attribute.subgroups["c"].values["auroc"].value is None
    assert "Subgroup 'c'" in str(attribute.auroc_gap.reason)


def test_a_nan_score_never_becomes_a_number_fault_7() -> None:
    with pytest.raises(PredictionsError, match="1 of 2 scores are NaN"):
        Predictions([0, 1], [float("nan"), 0.5], kind="logit", subgroups={})


def test_the_number_under_a_name_is_that_subgroups_own_fault_12() -> None:
    codes = [0] * 4 + [1] * 4
    race = Subgroups("race", ("asian", "black"), codes)
    predictions = Predictions([0, 0, 1, 1] * 2, [1, 2, 3, 4, 1, 3, 2, 4], kind="logit", subgroups={"race": race})
    subgroups = assess(predictions, _HALF, min_per_class=1).attributes["race"].subgroups
    assert subgroups["asian"].values["auroc"].value == 1.0
    assert subgroups["black"].values["auroc"].value == 0.75
