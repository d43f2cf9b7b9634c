from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from monai_fairtune.exceptions import ConfigurationError
from monai_fairtune.predictions import Predictions
from monai_fairtune.subgroups import Subgroups
from monai_fairtune.testing.function_tuner import FunctionTuner, Job
from monai_fairtune.testing.tuners import check_tuner_validates_by_fold
from monai_fairtune.tuning import Budget, SupervisedTuner, TuningResult, Verdict
from tests.tuning.small_tuner import MakeTuner

N_FOLDS = 3


def _tune(tuner: SupervisedTuner, budget: Budget) -> TuningResult:
    mask = tuner.network.partition("attention").head_only()
    return tuner.tune(mask, {"learning_rate": 1e-3}, budget, seed=1, on_epoch=lambda _: Verdict(keep=True))


@contextmanager
def _trained_on(tuner: SupervisedTuner) -> Iterator[list[int]]:
    """Records how many images each training step sees."""
    sizes: list[int] = []
    hook = tuner.network.register_forward_pre_hook(lambda m, args: sizes.append(len(args[0])) if m.training else None)
    yield sizes
    hook.remove()


def test_conformance_of_folds_of_the_tuner_over_monais_engines(tuner: SupervisedTuner) -> None:
    check_tuner_validates_by_fold(tuner, tuner.network.partition("attention").head_only(), N_FOLDS)


def test_each_fold_is_trained_on_what_is_not_in_it(tuner: SupervisedTuner) -> None:
    folds = tuner.cohort.folds(N_FOLDS)
    for fold in range(N_FOLDS):
        with _trained_on(tuner) as sizes:
            result = _tune(tuner, Budget(1, fold=fold, n_folds=N_FOLDS))
        held = folds == fold
        assert sum(sizes) == ((folds >= 0) & ~held).sum()
        assert result.validation.sample_ids is not None
        assert result.validation.sample_ids.tolist() == [tuner.cohort.image_names[row] for row in np.flatnonzero(held)]
        assert np.array_equal(result.validation.labels, tuner.cohort.labels[held])


def test_class_weights_are_those_of_the_images_that_are_trained_on(make_tuner: MakeTuner) -> None:
    tuner = make_tuner()
    folds = tuner.cohort.folds(N_FOLDS)
    labels = tuner.cohort.labels.copy()
    labels[np.flatnonzero(folds == 0)[:10]] = 1  # this fold alone has more positives
    tuner.cohort = replace(tuner.cohort, labels=labels)
    data = tuner._data(Budget(1, fold=1, n_folds=N_FOLDS))
    counts = np.bincount(labels[data.train.index.numpy()])
    assert (data.class_weights[0] / data.class_weights[1]).item() == pytest.approx(counts[1] / counts[0], rel=1e-6)


def test_a_fold_leaves_selection_and_test_as_they_are(tuner: SupervisedTuner, tmp_path: Path) -> None:
    model = _tune(tuner, Budget(1, fold=1, n_folds=N_FOLDS)).model
    for split in ("train", "validation", "selection", "test"):
        assert len(tuner.predict(model, split)) == len(tuner.cohort.indices(split))
    tuner.save(model, tmp_path / "model")
    restored = tuner.predict(tuner.load(tmp_path / "model"), "test")
    assert np.array_equal(restored.scores, tuner.predict(model, "test").scores)


def test_a_fold_outside_its_number_is_refused() -> None:
    for fold, n_folds in ((3, 3), (-1, 3), (0, 1), (None, 3)):
        with pytest.raises(ConfigurationError, match=f"fold is {fold} of n_folds={n_folds}"):
            Budget(1, fold=fold, n_folds=n_folds)


def _folded(job: Job, epoch: int, split: str) -> Predictions:
    """Six images a fold, of two patients; train and validation hold all three folds between them."""
    rows = np.arange(18)
    held = np.isin(rows // 6, [job.fold]) if job.fold is not None else rows < 4
    rows = rows[held if split == "validation" else ~held]
    scores = np.random.default_rng([job.seed, epoch]).normal(size=len(rows))
    groups = {"sex": Subgroups("sex", ("f", "m"), rows % 2)}
    return Predictions(rows % 2, scores, kind="logit", subgroups=groups, patient_ids=rows // 3, sample_ids=rows)


def test_conformance_of_folds_of_the_tuner_that_is_a_function(tuner: SupervisedTuner) -> None:
    mask = tuner.network.partition("attention").head_only()
    check_tuner_validates_by_fold(FunctionTuner(_folded), mask, N_FOLDS)


def _deaf(job: Job, epoch: int, split: str) -> Predictions:
    return _folded(replace(job, fold=0), epoch, split)


def _greedy(job: Job, epoch: int, split: str) -> Predictions:
    return _folded(replace(job, fold=None) if split == "train" else job, epoch, split)


def _torn(job: Job, epoch: int, split: str) -> Predictions:
    whole = _folded(job, epoch, split)
    return Predictions(
        whole.labels, whole.scores, kind="logit", subgroups=whole.subgroups, patient_ids=np.arange(len(whole)) % 2,
        sample_ids=whole.sample_ids,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("predict", "complaint"),
    [
        (_deaf, "the folds are not all images"),
        (_greedy, "it does not train on all folds but one"),
        (_torn, "a patient is in two folds"),
    ],
)
def test_fault_a_tuner_that_ignores_folds_does_not_conform(
    tuner: SupervisedTuner, predict: object, complaint: str
) -> None:
    mask = tuner.network.partition("attention").head_only()
    with pytest.raises(AssertionError, match=complaint):
        check_tuner_validates_by_fold(FunctionTuner(predict), mask, N_FOLDS)  # type: ignore[arg-type]


def test_a_function_sees_fold_and_accumulation_and_they_are_saved(tuner: SupervisedTuner, tmp_path: Path) -> None:
    function = FunctionTuner(_folded)
    budget = Budget(1, fold=2, n_folds=N_FOLDS, accumulation_steps=4)
    mask = tuner.network.partition("attention").head_only()
    result = function.tune(mask, {"learning_rate": 1e-3}, budget, seed=5, on_epoch=lambda _: Verdict(keep=True))
    expected = Job(mask.tuned, 1e-3, 5, fold=2, accumulation_steps=4)
    assert function.jobs == [expected]
    function.save(result.model, tmp_path / "model")
    assert function.load(tmp_path / "model") == (expected, 1)
