"""Several classes: each against the rest, and their mean, which hides no class that is undefined."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from monai_fairtune.exceptions import PredictionsError
from monai_fairtune.metrics import Resampling, Threshold, assess, assess_each
from monai_fairtune.predictions import Predictions
from monai_fairtune.subgroups import Subgroups

_HALF = Threshold(0.5, "given", "fixed")
_CLASSES = ("mel", "nv", "bcc")


def table(n: int = 300, seed: int = 0) -> tuple[NDArray[np.int64], NDArray[np.float64], Subgroups]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, n)
    logits = rng.normal(size=(n, 3))
    logits[np.arange(n), labels] += 1.0
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return labels, shares, Subgroups("sex", ("f", "m"), rng.integers(0, 2, n))


def one_against_the_rest(
    labels: NDArray[np.int64], shares: NDArray[np.float64], sex: Subgroups
) -> dict[str, Predictions]:
    patients = np.arange(len(labels)) // 2
    return {
        name: Predictions(labels == k, shares[:, k], kind="probability", subgroups={"sex": sex}, patient_ids=patients)
        for k, name in enumerate(_CLASSES)
    }


def test_macro_aurocs_are_scikit_learns_overall_and_in_each_subgroup() -> None:
    for seed in range(20):
        labels, shares, sex = table(seed=seed)
        found = assess_each(one_against_the_rest(labels, shares, sex), dict.fromkeys(_CLASSES, _HALF))
        assert found.macro_auroc.value == pytest.approx(roc_auc_score(labels, shares, multi_class="ovr"), abs=1e-12)
        expected = {
            name: roc_auc_score(labels[member], shares[member], multi_class="ovr") for name, member in sex.items()
        }
        subgroups = found.attributes["sex"].subgroups
        assert {name: value.value for name, value in subgroups.items()} == pytest.approx(expected, abs=1e-12)
        assert found.attributes["sex"].worst_group_auroc.value == pytest.approx(min(expected.values()), abs=1e-12)
        gap = abs(expected["f"] - expected["m"])
        assert found.attributes["sex"].auroc_gap.value == pytest.approx(gap, abs=1e-12)


def test_each_class_has_the_assessment_that_it_has_alone() -> None:
    predictions = one_against_the_rest(*table())
    found = assess_each(predictions, dict.fromkeys(_CLASSES, _HALF), resampling=Resampling(100, 100))
    for name, part in predictions.items():
        assert found.classes[name].to_dict() == assess(part, _HALF, resampling=Resampling(100, 100)).to_dict()


def test_a_class_that_a_subgroup_lacks_undoes_its_mean_and_is_named() -> None:
    labels, shares, sex = table()
    labels = np.where((sex.codes == 1) & (labels == 2), 1, labels)
    found = assess_each(one_against_the_rest(labels, shares, sex), dict.fromkeys(_CLASSES, _HALF)).attributes["sex"]
    assert found.subgroups["f"].value is not None
    for value in (found.subgroups["m"], found.worst_group_auroc, found.auroc_gap):
        assert value.value is None
        assert "Class 'bcc': Subgroup 'm' of attribute 'sex'" in str(value.reason)


def test_the_intervals_of_the_means_hold_them() -> None:
    predictions = one_against_the_rest(*table())
    found = assess_each(predictions, dict.fromkeys(_CLASSES, _HALF), resampling=Resampling(200, 100))
    values = [found.macro_auroc, *found.attributes["sex"].subgroups.values(), found.attributes["sex"].auroc_gap]
    for value in values:
        assert value.low is not None
        assert value.high is not None
        assert value.low <= value.require() <= value.high


def test_classes_of_other_images_are_refused() -> None:
    predictions = one_against_the_rest(*table())
    with pytest.raises(PredictionsError, match="hold other images, patients or subgroups"):
        assess_each(predictions | {"nv": predictions["nv"].take(np.arange(200))}, dict.fromkeys(_CLASSES, _HALF))
    with pytest.raises(PredictionsError, match="There are 1 classes"):
        assess_each({"mel": predictions["mel"]}, {"mel": _HALF})
