"""Two models on the same images: what swapping, copying and refusing must do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from scipy.stats import ttest_rel

from monai_fairtune.exceptions import ConfigurationError, PredictionsError
from monai_fairtune.metrics import Comparison, Resampling, Threshold, assess, compare
from monai_fairtune.metrics.comparison import PairedDifference
from monai_fairtune.predictions import Predictions
from monai_fairtune.subgroups import Subgroups
from monai_fairtune.testing.random_predictions import random_predictions

_LOW, _HALF = Threshold(0.35, "given", "fixed"), Threshold(0.5, "given", "fixed")


def models(seed: int, **options: Any) -> tuple[Predictions, Predictions]:
    """Returns two models' predictions on the same images; the second one's scores are noisier."""
    one = random_predictions(seed, missing=0.1, **{"n": 260, "by_patient": True, **options})
    noise = np.random.default_rng((seed, 17)).normal(0, 1.5, size=len(one))
    return one, changed(one, scores=np.round(one.scores + noise, 1))


def changed(predictions: Predictions, **parts: Any) -> Predictions:
    """Returns predictions in which some parts are others."""
    kept = {
        "labels": predictions.labels,
        "scores": predictions.scores,
        "subgroups": predictions.subgroups,
        "patient_ids": predictions.patient_ids,
        "sample_ids": predictions.sample_ids,
    } | parts
    return Predictions(kept.pop("labels"), kept.pop("scores"), kind="logit", **kept)


def differences(found: Comparison) -> Iterator[tuple[str, PairedDifference]]:
    """Yields every difference by its path."""
    for name, paired in found.overall.items():
        yield f"overall/{name}", paired
    for attribute, comparison in found.attributes.items():
        for name, paired in comparison.measures.items():
            yield f"{attribute}/{name}", paired
        for group, subgroup in comparison.subgroups.items():
            for name, paired in subgroup.measures.items():
                yield f"{attribute}/{group}/{name}", paired


@pytest.mark.parametrize("images_per_patient", [1, 3])
def test_swapping_the_models_negates_every_difference_and_its_interval(images_per_patient: int) -> None:
    n_seen = 0
    for seed in range(8):
        a, b = models(seed, images_per_patient=images_per_patient)
        ours = dict(differences(compare(a, b, _HALF, _LOW, resampling=Resampling(200), min_per_class=5)))
        theirs = dict(differences(compare(b, a, _LOW, _HALF, resampling=Resampling(200), min_per_class=5)))
        assert ours.keys() == theirs.keys()
        for path, paired in ours.items():
            other = theirs[path]
            assert (paired.a.value, paired.b.value) == (other.b.value, other.a.value)
            if paired.difference.value is None:
                assert (other.difference.value, paired.p_value, other.p_value) == (None, None, None)
                continue
            assert other.difference.value == pytest.approx(-paired.difference.value, abs=1e-12)
            assert other.p_value == pytest.approx(paired.p_value, abs=1e-9), path
            if paired.difference.low is not None and paired.difference.high is not None:
                expected = [-paired.difference.high, -paired.difference.low]
                assert [other.difference.low, other.difference.high] == pytest.approx(expected, abs=1e-9), path
                n_seen += 1
    assert n_seen > 150


@pytest.mark.parametrize("images_per_patient", [1, 3])
def test_a_model_differs_from_itself_by_0_with_p_1_and_levels_nobody_down(images_per_patient: int) -> None:
    a, _ = models(1, images_per_patient=images_per_patient)
    found = compare(a, a, _HALF, _HALF, resampling=Resampling(200))
    seen = dict(differences(found))
    assert len(seen) == 9 + 3 + 3 * 6
    for path, paired in seen.items():
        assert (paired.difference.value, paired.p_value) == (0.0, 1.0), path
        assert paired.difference.low is not None
        assert paired.difference.high is not None
        assert paired.difference.high == pytest.approx(-paired.difference.low, abs=1e-9), path
        # Limits that lie unevenly around a value, such as Wilson's, do not cancel: a narrow interval around 0 is left.
        width = 1000 if "per_1000" in path else 1
        assert paired.difference.high < 0.12 * width, path
    assert found.overall["auroc"].extra["non_inferior"] is True
    assert not found.attributes["site"].levelling_down


def test_both_sides_are_the_assessments_of_each_model_alone() -> None:
    a, b = models(2, images_per_patient=2)
    found = compare(a, b, _HALF, _LOW, resampling=Resampling(100))
    sides = assess(a, _HALF), assess(b, _LOW)
    for path, paired in differences(found):
        *where, name = path.split("/")
        for value, side in zip((paired.a, paired.b), sides, strict=True):
            site = side.attributes["site"]
            if where == ["overall"]:
                expected = side.overall[name]
            else:
                expected = site.comparisons[name] if len(where) == 1 else site.subgroups[where[1]].values[name]
            assert value.value == expected.value, path
        if paired.a.value is not None and paired.b.value is not None:
            assert paired.difference.require() == pytest.approx(paired.a.value - paired.b.value, abs=1e-12)


def test_an_interval_holds_its_difference_and_agrees_with_the_p_value() -> None:
    n_seen = n_clear = 0
    for seed in range(12):
        a, b = models(seed)
        for path, paired in differences(compare(a, b, _HALF, _LOW, resampling=Resampling(200), min_per_class=5)):
            value = paired.difference
            if value.value is None or value.low is None or value.high is None or paired.p_value is None:
                continue
            if value.extra["interval"] == "mover":
                assert value.low <= value.value <= value.high, path
                n_seen += 1
                if not 0.01 < paired.p_value < 0.15:  # the two are built differently and may disagree at the edge
                    assert (value.low > 0 or value.high < 0) == (paired.p_value <= 0.01), (path, paired)
                    n_clear += paired.p_value <= 0.01
    assert n_seen > 200
    assert n_clear > 20


def test_the_difference_of_two_brier_scores_is_tested_as_by_a_paired_t_test() -> None:
    a, b = models(3, n=400)
    found = compare(a, b, _HALF, _HALF, resampling=Resampling(4000)).overall["brier"]
    squared = [(side.probabilities - side.labels) ** 2 for side in (a, b)]
    theirs = ttest_rel(*squared)
    assert found.difference.require() == pytest.approx(float(np.mean(squared[0] - squared[1])), abs=1e-12)
    assert found.p_value is not None
    assert np.log10(found.p_value) == pytest.approx(np.log10(theirs.pvalue), rel=0.1)
    interval = theirs.confidence_interval()
    width = interval.high - interval.low
    assert [found.difference.low, found.difference.high] == pytest.approx([*interval], abs=0.1 * width)


def worse_for(subgroup: int) -> Comparison:
    """Returns a comparison in which the first model serves one subgroup worse and the others as the second one."""
    _, b = models(4, n=900, n_levels=None)
    member = b.subgroups["site"].codes == subgroup
    rng = np.random.default_rng(5)
    scores = np.where(b.labels == 1, 1.5, -1.5) + rng.normal(size=900)
    a = np.where(member, rng.permutation(scores), scores)
    return compare(changed(b, scores=a), changed(b, scores=scores), _HALF, _HALF, resampling=Resampling(200))


def test_levelling_down_names_the_subgroup_that_lost_and_no_other() -> None:
    for code, name in enumerate("abc"):
        lost = worse_for(code).attributes["site"].levelling_down
        assert {entry.subgroup for entry in lost} == {name}
        assert {entry.measure for entry in lost} == {"auroc", "tpr"}
        assert {entry.conclusion for entry in lost} == {"lower"}
        assert all(entry.difference.high is not None and entry.difference.high < 0 for entry in lost)


def test_non_inferiority_is_the_lower_limit_above_minus_the_margin() -> None:
    a, b = models(6, n=150)
    low = compare(a, b, _HALF, _HALF, resampling=Resampling(100)).overall["auroc"].difference.low
    reverse = compare(b, a, _HALF, _HALF, resampling=Resampling(100)).overall["auroc"].difference.low
    assert low is not None
    assert reverse is not None
    assert reverse < -0.02 < low
    for margin in (-reverse - 1e-6, -reverse + 1e-6):
        found = compare(b, a, _HALF, _HALF, margin=margin, resampling=Resampling(100)).overall["auroc"]
        assert found.extra["non_inferior"] is (margin > -reverse)


def test_p_holm_is_holms_adjustment_over_the_subgroups() -> None:
    a, b = models(7, n=600)
    groups = compare(a, b, _HALF, _HALF, resampling=Resampling(100)).attributes["site"].subgroups
    raw = [float(str(group.measures["auroc"].p_value)) for group in groups.values()]
    for group, p in zip(groups.values(), raw, strict=True):
        steps = [(len(raw) - sum(q < r for q in raw)) * r for r in raw if r <= p]
        assert group.measures["auroc"].extra["p_holm"] == pytest.approx(min(1.0, max(steps)), abs=1e-12)


def _shorter(a: Predictions) -> Predictions:
    return a.take(np.arange(len(a) - 1))


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (_shorter, "the numbers of images differ"),
        (lambda a: changed(a, labels=1 - a.labels), "labels differ"),
        (lambda a: changed(a, patient_ids=np.arange(len(a)) + 1), "patients differ"),
        (lambda a: changed(a, subgroups={}), "attributes differ"),
        (
            lambda a: changed(a, subgroups={"site": Subgroups("site", ("a", "b", "c"), a.subgroups["site"].codes * 0)}),
            "the subgroups of 'site' differ",
        ),
        (lambda a: changed(a, sample_ids=np.arange(len(a))[::-1]), "samples differ"),
    ],
)
def test_models_that_saw_other_images_are_refused(other: Any, message: str) -> None:
    a = changed(random_predictions(0, n=100), sample_ids=np.arange(100))
    with pytest.raises(PredictionsError, match=message):
        compare(a, other(a), _HALF, _HALF)


@pytest.mark.parametrize("margin", [0.0, 0.5, -0.02])
def test_a_margin_out_of_range_is_refused(margin: float) -> None:
    a = random_predictions(0, n=100)
    with pytest.raises(ConfigurationError, match="The margin is"):
        compare(a, a, _HALF, _HALF, margin=margin)
