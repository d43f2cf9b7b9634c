"""What every ``Tuner`` must do: run these against a tuner of your own."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from monai_fairtune.masks import Mask
from monai_fairtune.predictions import Predictions
from monai_fairtune.tuning.protocol import Budget, EpochReport, Tuner, TuningResult, Verdict

__all__ = [
    "check_tuner",
    "check_tuner_keeps_what_it_is_told",
    "check_tuner_lets_errors_through",
    "check_tuner_predicts_whole_splits",
    "check_tuner_repeats_itself",
    "check_tuner_saves_what_it_trained",
    "check_tuner_stops_when_told",
    "check_tuner_validates_by_fold",
]

_RATE = {"learning_rate": 1e-3}
_SPLITS = ("train", "validation", "selection", "test")


def check_tuner(tuner: Tuner, mask: Mask, other: Mask, folder: Path) -> None:
    """Runs every check but ``check_tuner_validates_by_fold``, which is for tuners that do k-fold validation.

    Args:
        tuner: to be checked; each check trains it for an epoch or two.
        mask: of its network.
        other: another mask of its network, to be trained in between.
        folder: receives saved models.

    Raises:
        AssertionError: naming what does not hold.
    """
    check_tuner_repeats_itself(tuner, mask, other)
    check_tuner_keeps_what_it_is_told(tuner, mask)
    check_tuner_stops_when_told(tuner, mask)
    check_tuner_lets_errors_through(tuner, mask, other)
    check_tuner_predicts_whole_splits(tuner, mask)
    check_tuner_saves_what_it_trained(tuner, mask, other, folder)


def check_tuner_repeats_itself(tuner: Tuner, mask: Mask, other: Mask) -> None:
    """The same mask, hyperparameters and seed give the same predictions, whatever was trained in between."""
    first = _tune(tuner, mask, seed=1)
    _tune(tuner, other, seed=2)
    again = _tune(tuner, mask, seed=1)
    _require(np.array_equal(first.validation.scores, again.validation.scores), "two equal trainings differ")
    changed = _tune(tuner, mask, seed=3)
    _require(not np.array_equal(first.validation.scores, changed.validation.scores), "the seed changes nothing")


def check_tuner_keeps_what_it_is_told(tuner: Tuner, mask: Mask) -> None:
    """The result is the model of the last epoch that was kept, not of the last epoch."""
    reports: list[EpochReport] = []

    def keep_first(report: EpochReport) -> Verdict:
        reports.append(report)
        return Verdict(keep=report.epoch == 1)

    result = tuner.tune(mask, _RATE, Budget(2), seed=1, on_epoch=keep_first)
    _require([report.epoch for report in reports] == [1, 2], "epochs are not reported as 1, 2")
    _require((result.best_epoch, result.n_epochs) == (1, 2), "best_epoch is not the epoch that was kept")
    _require(np.array_equal(result.validation.scores, reports[0].validation.scores), "another epoch was kept")
    predicted = tuner.predict(result.model, "validation")
    _require(np.array_equal(predicted.scores, result.validation.scores), "the model is not that of the kept epoch")


def check_tuner_stops_when_told(tuner: Tuner, mask: Mask) -> None:
    """No epoch follows the one after which the caller said stop."""
    result = tuner.tune(mask, _RATE, Budget(3), seed=1, on_epoch=lambda _: Verdict(keep=True, stop=True))
    _require(result.n_epochs == 1, "training went on after it was told to stop")


def check_tuner_lets_errors_through(tuner: Tuner, mask: Mask, other: Mask) -> None:
    """What ``on_epoch`` raises ends the training and arrives as it is; the next training is as if it had not been."""
    expected = _tune(tuner, mask, seed=1)
    reports: list[EpochReport] = []

    def interrupt(report: EpochReport) -> Verdict:
        reports.append(report)
        raise _Interruption

    interrupted = False
    try:
        tuner.tune(other, _RATE, Budget(3), seed=2, on_epoch=interrupt)
    except _Interruption:
        interrupted = True
    _require(interrupted, "an error of on_epoch did not reach the caller")
    _require(len(reports) == 1, "training went on after on_epoch raised an error")
    predicted = tuner.predict(expected.model, "validation")
    _require(np.array_equal(predicted.scores, expected.validation.scores), "an interrupted training changed a model")
    again = _tune(tuner, mask, seed=1)
    _require(np.array_equal(again.validation.scores, expected.validation.scores), "an interrupted training left traces")


class _Interruption(Exception):  # noqa: N818
    """Of no kind that a tuner knows."""


def check_tuner_predicts_whole_splits(tuner: Tuner, mask: Mask) -> None:
    """Every split is predicted; train is followed by epoch when, and only when, the budget says so."""
    reports: list[EpochReport] = []

    def collect(report: EpochReport) -> Verdict:
        reports.append(report)
        return Verdict(keep=True)

    result = tuner.tune(mask, _RATE, Budget(1, assess_train=True), seed=1, on_epoch=collect)
    _require(reports[0].train is not None, "the training split was not assessed")
    for split in _SPLITS:
        _require(len(tuner.predict(result.model, split)) > 0, f"the {split} split has no predictions")
    _require(_tune(tuner, mask, seed=1).n_epochs == 1, "one epoch was asked for")


def check_tuner_saves_what_it_trained(tuner: Tuner, mask: Mask, other: Mask, folder: Path) -> None:
    """A saved model predicts as before, after another training too."""
    result = _tune(tuner, mask, seed=1)
    tuner.save(result.model, folder / "model")
    _tune(tuner, other, seed=2)
    restored = tuner.predict(tuner.load(folder / "model"), "test")
    _require(np.array_equal(restored.scores, tuner.predict(result.model, "test").scores), "a saved model differs")


def check_tuner_validates_by_fold(tuner: Tuner, mask: Mask, n_folds: int) -> None:
    """Folds share no patient, are all of train and validation together, and are not trained on.

    Images are told apart by ``Predictions.sample_ids``. A tuner that cannot do folds raises a ConfigurationError.
    """
    reports = [_report_of_fold(tuner, mask, fold, n_folds) for fold in range(n_folds)]
    again = _report_of_fold(tuner, mask, 0, n_folds)
    _require(
        np.array_equal(reports[0].validation.scores, again.validation.scores), "two equal trainings of a fold differ"
    )
    whole = _tune(tuner, mask, seed=1)
    everything = sorted(name for split in _SPLITS[:2] for name in _samples(tuner.predict(whole.model, split)))
    validated = [_samples(report.validation) for report in reports]
    _require(
        sorted(name for fold in validated for name in fold) == everything,
        "the folds are not all images of train and validation, each once",
    )
    for report, fold in zip(reports, validated, strict=True):
        if report.train is None:
            raise AssertionError("This tuner does not hold its promise: the training images were not assessed.")
        _require(sorted(_samples(report.train) + fold) == everything, "it does not train on all folds but one")
    patients = [name for report in reports for name in set(report.validation.patient_ids.tolist())]
    _require(len(patients) == len(set(patients)), "a patient is in two folds")


def _report_of_fold(tuner: Tuner, mask: Mask, fold: int, n_folds: int) -> EpochReport:
    reports: list[EpochReport] = []

    def keep(report: EpochReport) -> Verdict:
        reports.append(report)
        return Verdict(keep=True)

    budget = Budget(1, assess_train=True, fold=fold, n_folds=n_folds)
    result = tuner.tune(mask, _RATE, budget, seed=1, on_epoch=keep)
    _require(np.array_equal(result.validation.scores, reports[0].validation.scores), "the result is of another fold")
    return reports[0]


def _samples(predictions: Predictions) -> list[str]:
    names = predictions.sample_ids
    if names is None:
        raise AssertionError("This tuner's predictions hold no sample_ids. Folds cannot be checked without them.")
    return [str(name) for name in names]


def _tune(tuner: Tuner, mask: Mask, *, seed: int) -> TuningResult:
    return tuner.tune(mask, _RATE, Budget(1), seed=seed, on_epoch=lambda _: Verdict(keep=True))


def _require(holds: bool, complaint: str) -> None:
    if not holds:
        raise AssertionError(f"This tuner does not hold its promise: {complaint}.")
