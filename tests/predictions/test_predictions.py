"""One whole split, checked once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from monai_fairtune.exceptions import PredictionsError
from monai_fairtune.predictions import Predictions
from monai_fairtune.subgroups import Subgroups


def build(**changes: Any) -> Predictions:
    fields: dict[str, Any] = {
        "labels": [0, 1, 1, 0],
        "scores": [-2.0, 3.0, 0.0, 1.0],
        "kind": "logit",
        "subgroups": {"sex": Subgroups("sex", ("f", "m"), [0, 1, -1, 0])},
        "patient_ids": ["p1", "p1", "p2", "p3"],
    }
    return Predictions(**(fields | changes))


def test_a_split_knows_its_size_its_patients_and_its_prevalence() -> None:
    predictions = build()
    assert (len(predictions), predictions.n_patients, predictions.prevalence) == (4, 3, 0.5)


def test_without_patient_ids_every_image_is_its_own_patient() -> None:
    assert build(patient_ids=None).n_patients == 4


def test_logits_become_probabilities_and_probabilities_stay_as_they_are() -> None:
    np.testing.assert_allclose(build().probabilities, 1 / (1 + np.exp([2.0, -3.0, 0.0, -1.0])), rtol=1e-15)
    assert build(scores=[0, 1, 0.25, 0.5], kind="probability").probabilities.tolist() == [0, 1, 0.25, 0.5]


def test_scores_are_kept_as_given_so_that_logits_that_saturate_still_rank() -> None:
    predictions = build(scores=[100.0, 200.0, 300.0, 400.0])
    assert set(predictions.probabilities) == {1.0}
    assert predictions.scores.tolist() == [100.0, 200.0, 300.0, 400.0]


def test_labels_may_be_bool_or_whole_floats() -> None:
    assert build(labels=[False, True, True, False]).labels.tolist() == [0, 1, 1, 0]
    assert build(labels=[0.0, 1.0, 1.0, 0.0]).labels.dtype == np.int64


def test_a_split_of_one_class_is_taken() -> None:
    assert build(labels=[1, 1, 1, 1]).prevalence == 1.0


def test_float32_scores_are_kept_in_float64() -> None:
    assert build(scores=np.array([0.1, 0.2, 0.3, 0.4], dtype=np.float32)).scores.dtype == np.float64


def test_nothing_in_it_can_be_changed_afterwards() -> None:
    scores = np.array([0.0, 1.0, 2.0, 3.0])
    predictions = build(scores=scores)
    scores[0] = 9.0
    assert predictions.scores[0] == 0.0
    for array in (predictions.labels, predictions.scores, predictions.patient_ids):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = array[1]
    with pytest.raises(AttributeError):
        predictions.kind = "probability"  # type: ignore[misc]


def test_taking_samples_takes_all_that_belongs_to_them() -> None:
    part = build().take([3, 1])
    assert part.labels.tolist() == [0, 1]
    assert part.scores.tolist() == [1.0, 3.0]
    assert part.patient_ids.tolist() == ["p3", "p1"]
    assert part.subgroups["sex"].codes.tolist() == [0, 1]
    assert build().take(np.array([True, False, False, True])).labels.tolist() == [0, 0]


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_a_score_that_is_not_finite_is_refused_with_how_many_there_are(bad: float) -> None:
    with pytest.raises(PredictionsError, match="2 of 4 scores are NaN or infinite"):
        build(scores=[0.0, bad, bad, 1.0])


@pytest.mark.parametrize("labels", [[0, 1, 2, 0], [0, 1, -1, 0], [0, 1, float("nan"), 0], ["0", "1", "1", "0"]])
def test_a_label_other_than_0_and_1_is_refused(labels: list[object]) -> None:
    with pytest.raises(PredictionsError, match="Give 0 or 1 for every image"):
        build(labels=labels)


@pytest.mark.parametrize("labels", [[], [[0, 1, 1, 0]], 1])
def test_labels_that_are_not_a_vector_of_images_are_refused(labels: object) -> None:
    with pytest.raises(PredictionsError, match="Give a vector with one label an image"):
        build(labels=labels)


@pytest.mark.parametrize("scores", [["a", "b", "c", "d"], [None, object(), 0, 1]])
def test_scores_that_are_not_numbers_are_refused(scores: list[object]) -> None:
    with pytest.raises(PredictionsError, match="Scores cannot be read as numbers"):
        build(scores=scores)


@pytest.mark.parametrize("scores", [[0.1, 1.5, 0, 0], [-0.1, 0.5, 0, 0]])
def test_logits_declared_as_probabilities_are_refused(scores: list[float]) -> None:
    with pytest.raises(PredictionsError, match="Declare them as 'logit', or give values in"):
        build(scores=scores, kind="probability")


def test_an_unknown_kind_of_score_is_refused() -> None:
    with pytest.raises(PredictionsError, match=r"declared as 'score'\. Declare them as 'probability' or 'logit'"):
        build(kind="score")


@pytest.mark.parametrize("change", [{"scores": [0.0, 1.0]}, {"scores": [[0.0]] * 4}, {"patient_ids": ["p1"]}])
def test_one_value_a_label_is_required(change: dict[str, Any]) -> None:
    with pytest.raises(PredictionsError, match=r"for 4 labels\. Give one value a label"):
        build(**change)


def test_subgroups_of_another_length_are_refused() -> None:
    with pytest.raises(PredictionsError, match="'sex' has 2 values for 4 labels"):
        build(subgroups={"sex": Subgroups("sex", ("f", "m"), [0, 1])})


def test_subgroups_under_another_attributes_name_are_refused_fault_12() -> None:
    with pytest.raises(PredictionsError, match="given as 'race' are those of attribute 'sex'"):
        build(subgroups={"race": Subgroups("sex", ("f", "m"), [0, 1, 0, 1])})


@pytest.mark.parametrize("ids", [["p1", None, "p2", None], [1.0, float("nan"), float("nan"), 2.0]])
def test_images_without_a_patient_are_refused_rather_than_counted_as_one_patient(ids: list[object]) -> None:
    with pytest.raises(PredictionsError, match="2 of 4 patient ids are missing"):
        build(patient_ids=ids)
