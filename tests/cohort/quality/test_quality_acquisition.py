"""Acquisition confounding: planted, absent, and beside scikit-learn's own route."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import PredefinedSplit, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from monai_fairtune.cohort.quality.acquisition import (
    acquisition_cautions,
    assign_acquisition,
    measure_acquisition,
    predictability,
)
from monai_fairtune.exceptions import AttributeDeclarationError
from tests.cohort.quality.cohorts import clean, with_site


@pytest.mark.parametrize("seed", range(5))
def test_a_clean_cohort_gives_no_alarm(seed: int) -> None:
    assert list(acquisition_cautions(measure_acquisition(clean(seed=seed), seed=0))) == []


def test_a_site_that_follows_the_label_is_told() -> None:
    recorded = clean()
    (told,) = acquisition_cautions(measure_acquisition(with_site(recorded, recorded.labels, 0.7), seed=0))
    assert told.startswith("site alone tells the label with an AUROC of 0.8")


def test_a_site_that_follows_a_subgroup_is_told() -> None:
    recorded = clean()
    found = measure_acquisition(with_site(recorded, recorded.attributes["sex"].codes, 0.6), seed=0)
    (told,) = acquisition_cautions(found)
    assert "site alone tells sex (male)" in told


def test_the_auroc_is_that_of_images_fitted_one_by_one_by_scikit_learn() -> None:
    recorded = with_site(clean(300, 3), clean(300, 3).labels, 0.3)
    codes = np.stack([recorded.acquisition["site"].codes, recorded.patients % 4], axis=1)
    found = predictability(codes, recorded.labels, recorded.patients, seed=7)
    fold = np.random.default_rng(7).permutation(300)[recorded.patients] % 5
    model = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression(tol=1e-8))
    scores = cross_val_predict(model, codes, recorded.labels, cv=PredefinedSplit(fold), method="decision_function")
    assert found.value == pytest.approx(roc_auc_score(recorded.labels, scores), abs=5e-3)
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.value < found.high  # type: ignore[operator]


def test_a_patient_is_never_predicted_by_a_model_of_the_same_patient() -> None:
    """Each patient has a scanner of its own: what is learned of it helps with nobody else."""
    recorded = clean(200, 4)
    found = predictability(recorded.patients[:, None], recorded.labels, recorded.patients, seed=0)
    assert found.value is not None
    assert abs(found.value - 0.5) < 0.1


def test_false_alarms_are_as_rare_as_the_p_value_says() -> None:
    low = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        patients, labels = np.repeat(np.arange(60), 2), np.repeat(rng.integers(2, size=60), 2)
        found = predictability(np.repeat(rng.integers(4, size=60), 2)[:, None], labels, patients, seed=seed)
        low += float(str(found.extra["p_value"])) < 0.05
    assert low <= 16  # 10 are expected of a test that errs towards neither side


def test_few_patients_of_a_class_give_no_number_but_a_reason() -> None:
    labels = np.array([1] * 9 + [0] * 30)
    found = predictability(np.zeros((39, 1), dtype=np.int64), labels, np.arange(39), seed=0)
    assert found.value is None
    assert "9 of the other" in str(found.reason)


def test_rare_values_beyond_twenty_are_pooled_and_blank_stays_missing() -> None:
    column = [f"site {k:02}" for k in range(30) for _ in range(31 - k)] + [""]
    (group,) = assign_acquisition(pd.DataFrame({"site": column}), ["site"]).values()
    assert len(group.names) == 20
    assert group.counts()["other values"] == sum(range(1, 13)) - 1
    assert group.n_missing == 1


def test_bins_are_declared_as_for_attributes_and_unknown_columns_refused() -> None:
    table = pd.DataFrame({"kvp": ["70", "120", "95"]})
    assert assign_acquisition(table, ["kvp:80,100"])["kvp:80,100"].codes.tolist() == [0, 2, 1]
    with pytest.raises(AttributeDeclarationError, match="no column 'site'"):
        assign_acquisition(table, ["site"])
