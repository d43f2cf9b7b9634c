from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from filelock import FileLock

from monai_fairtune.exceptions import NoFeasibleTrialError, StudyDriftError, StudyLockedError, TuningError
from monai_fairtune.metrics import Resampling, Threshold, assess
from monai_fairtune.objectives import AUROCGap
from monai_fairtune.predictions import read_predictions
from monai_fairtune.search import Experiment
from monai_fairtune.search.files import read_json
from monai_fairtune.testing.function_tuner import FunctionTuner, Job
from tests.search.worlds import EXPERIMENT, PLANTED, SETTINGS, partition, planted, search, world


def tuned(result: dict[str, Any]) -> frozenset[str]:
    return frozenset(name for name, bit in result["mask"]["components"].items() if bit)


@pytest.mark.slow
def test_two_hundred_trials_find_the_planted_mask_or_one_bit_off(tmp_path: Path) -> None:
    result = search(tmp_path, replace(SETTINGS, n_trials=200, n_startup_trials=10))
    assert len(PLANTED ^ tuned(result)) <= 1
    assert result["method"] == "found mask"
    best_anchor = max(anchor["value"] for anchor in result["anchors"])
    assert result["finalists"][0]["value"] > best_anchor + 0.05


def test_anchors_are_the_first_trials_and_share_the_table(tmp_path: Path) -> None:
    result = search(tmp_path)
    first = [trial["name"] for trial in result["trials"][:4]]
    assert first == ["head only", "full", "norm", "attention"]
    assert [anchor["name"] for anchor in result["anchors"]] == first
    assert {"validation", "selection", "test", "fairness_generalization_gap"} <= result["anchors"][1].keys()
    assert result["trials"][1]["components"] is None
    assert result["trials"][0]["components"] is not None


def test_a_constant_predictor_loses_although_its_gap_is_zero(tmp_path: Path) -> None:
    constant = "blocks.0.attention"

    def quality(job: Job, split_name: str, epoch: int) -> tuple[float, float]:
        return (0.0, 0.0) if constant in job.tuned else planted(job, split_name, epoch)

    predict = world(quality)

    def flat(job: Job, epoch: int, split_name: str) -> Any:
        predictions = predict(job, epoch, split_name)
        if constant not in job.tuned:
            return predictions
        return type(predictions)(
            predictions.labels, np.zeros(len(predictions)), kind="logit", subgroups=predictions.subgroups
        )

    result = search(tmp_path, tuner=FunctionTuner(flat), objective=AUROCGap(["age:60"]))
    collapsed = [trial for trial in result["trials"] if trial["value"] == 0.0]
    assert collapsed
    assert not any(trial["feasible"] for trial in collapsed)
    assert not any(finalist["value"] == 0.0 for finalist in result["finalists"])
    assert constant not in tuned(result)
    assert result["objective_note"]


def test_no_mask_is_trained_twice_in_the_search(tmp_path: Path) -> None:
    tuner = FunctionTuner(world(planted))
    result = search(tmp_path, replace(SETTINGS, n_trials=40, n_startup_trials=4), tuner=tuner)
    searched = tuner.jobs[: len(result["trials"])]
    assert len({(job.tuned, job.seed) for job in searched}) == len(searched)


def test_a_small_space_is_searched_once_and_then_the_search_stops(tmp_path: Path) -> None:
    space = partition(3)
    settings = replace(SETTINGS, n_trials=50, max_epochs=1)
    result = search(tmp_path, settings, partition=space, anchors={"head only": space.head_only()})
    assert result["n_trials"]["complete"] == 8


def test_successive_halving_really_saves_epochs(tmp_path: Path) -> None:
    tuner = FunctionTuner(world(planted))
    settings = replace(SETTINGS, n_trials=30, max_epochs=9, n_finalists=1, n_seeds=1, repeat_share=0.0)
    result = search(tmp_path, settings, tuner=tuner)
    assert result["n_trials"]["pruned"] > 5
    assert sum(trial["n_epochs"] for trial in result["trials"]) < 0.7 * 9 * 30
    assert tuner.n_epochs == sum(trial["n_epochs"] for trial in result["trials"]) + 9


def test_anchors_are_never_stopped_early(tmp_path: Path) -> None:
    result = search(tmp_path, replace(SETTINGS, max_epochs=9))
    assert all(trial["n_epochs"] == 9 for trial in result["trials"] if trial["kind"] == "anchor")


class Crash(BaseException):
    """Like a kill: nothing in the search may catch it."""


@pytest.mark.parametrize("crash_at", [0, 2, 5, 9, 12, 14, 16])
def test_fault_interrupted_anywhere_the_same_call_ends_with_the_same_answer(tmp_path: Path, crash_at: int) -> None:
    whole = search(tmp_path / "whole")
    started: list[Job] = []

    def crash(job: Job, epoch: int) -> None:
        started.extend([job] if epoch == 2 else [])
        if len(started) == crash_at + 1 and epoch == 2:
            raise Crash

    crashing = FunctionTuner(world(planted), crash)
    with pytest.raises(Crash):
        search(tmp_path / "cut", tuner=crashing)
    finished = set((tmp_path / "cut" / "trials").rglob("result.json"))
    again = FunctionTuner(world(planted))
    resumed = search(tmp_path / "cut", tuner=again)
    assert len(again.jobs) + len(finished) <= 20 + 2 * 2
    for key in ("mask", "hyperparameters", "test", "validation", "method"):
        assert resumed[key] == whole[key]
    assert [trial["value"] for trial in resumed["trials"]] == [trial["value"] for trial in whole["trials"]]
    assert resumed["n_trials"] == whole["n_trials"]


def test_called_again_it_returns_the_stored_result_and_reads_nothing(tmp_path: Path) -> None:
    first = search(tmp_path)
    idle = FunctionTuner(world(planted))
    assert search(tmp_path, tuner=idle) == first
    assert not idle.jobs
    assert not idle.splits_read


def test_the_test_split_is_read_once_and_every_further_read_is_counted(tmp_path: Path) -> None:
    tuner = FunctionTuner(world(planted))
    first = search(tmp_path, tuner=tuner)
    assert first["test_reads"] == 1
    assert tuner.splits_read.count("test") == 1 + len(first["anchors"])
    more = search(tmp_path, replace(SETTINGS, n_trials=22))
    assert more["test_reads"] == 2
    assert len(more["trials"]) == 22


def test_the_confirmation_trains_with_the_learning_rate_that_was_found_and_fresh_seeds(tmp_path: Path) -> None:
    tuner = FunctionTuner(world(planted))
    result = search(tmp_path, tuner=tuner)
    searched, confirming = tuner.jobs[:20], tuner.jobs[20:]
    assert len(confirming) == 4
    for finalist in result["finalists"]:
        rate = finalist["hyperparameters"]["learning_rate"]
        seeds = [job.seed for job in confirming if job.learning_rate == rate]
        assert len(set(seeds)) == 2
        assert not set(seeds) & {job.seed for job in searched}


def test_the_same_seed_gives_the_same_study_and_another_seed_another(tmp_path: Path) -> None:
    one, two = (search(tmp_path / name) for name in ("one", "two"))
    other = search(tmp_path / "other", replace(SETTINGS, seed=1))
    values = [[trial["value"] for trial in result["trials"]] for result in (one, two, other)]
    assert values[0] == values[1] != values[2]


def test_a_change_within_a_group_of_options_is_named_in_full(tmp_path: Path) -> None:
    trainings = [{"precision": name, "batch_size": 32} for name in ("float32", "bfloat16")]
    before, after = (replace(EXPERIMENT, training=training) for training in trainings)
    search(tmp_path, experiment=before)
    with pytest.raises(StudyDriftError, match=r'\(training\.precision: "float32" is now "bfloat16"\)'):
        search(tmp_path, experiment=after)


def test_a_changed_configuration_is_refused_with_what_changed(tmp_path: Path) -> None:
    search(tmp_path)
    with pytest.raises(StudyDriftError, match=r"max_epochs: 3 is now 4.*another output_dir"):
        search(tmp_path, replace(SETTINGS, max_epochs=4))
    with pytest.raises(StudyDriftError, match="cohort_hash"):
        search(tmp_path, experiment=Experiment(("age:60",), cohort_hash="c1"))
    assert StudyDriftError.exit_code == 64


def test_a_second_driver_is_refused(tmp_path: Path) -> None:
    with FileLock(tmp_path / ".lock"), pytest.raises(StudyLockedError, match="Another process"):
        search(tmp_path)


def test_a_diverged_training_is_recorded_and_the_search_goes_on(tmp_path: Path) -> None:
    def diverge(job: Job, epoch: int) -> None:
        if job.learning_rate > 3e-4:
            raise TuningError("Training diverged: the loss is nan. Lower the learning rate.")

    result = search(tmp_path, tuner=FunctionTuner(world(planted), diverge))
    failed = [trial for trial in result["trials"] if trial["state"] == "failed"]
    assert failed
    assert all("diverged" in trial["reason"] for trial in failed)
    assert result["n_trials"]["failed"] == len(failed)
    assert len(result["trials"]) == 20


def test_an_unreachable_utility_floor_is_named_with_the_best_value(tmp_path: Path) -> None:
    with pytest.raises(NoFeasibleTrialError, match=r"No trial reaches the utility floor 0\.999; the best .* is 0\.9"):
        search(tmp_path, replace(SETTINGS, utility_floor=0.999))


def test_the_search_leaves_the_files_of_the_contract(tmp_path: Path) -> None:
    result = search(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} >= {
        "result.json",
        "report.json",
        "mask.json",
        "model.safetensors",
        "study.db",
        "trials",
    }
    assert read_json(tmp_path / "report.json") == result["test"]


def test_the_test_predictions_of_the_final_model_and_of_each_anchor_are_kept_with_their_reports(tmp_path: Path) -> None:
    result = search(tmp_path, replace(SETTINGS, n_trials=6))
    folders = {path.name: path for path in (tmp_path / "predictions").iterdir()}
    assert set(folders) == {"final", "anchor-0-head-only", "anchor-1-full", "anchor-2-norm", "anchor-3-attention"}
    for name, report in {"final": result["test"], "anchor-1-full": result["anchors"][1]["test"]}.items():
        stored = read_json(folders[name] / "report.json")
        kept = {**report["predictions"], "file": "predictions.csv"}
        assert stored == {**report, "predictions": kept}
        assert report["predictions"]["file"] == f"predictions/{name}/predictions.csv"
        again = read_predictions(
            folders[name] / "predictions.csv",
            kind=kept["kind"],
            names={"age:60": ["[0,60)", "[60,inf)"]},
            sha256=kept["sha256"],
        )
        threshold = Threshold(**stored["threshold"])
        assert assess(again, threshold, resampling=Resampling(100, 100)).to_dict()["attributes"] == report["attributes"]
    assert read_json(tmp_path / "mask.json")["network"] == "toy"


def test_nothing_is_left_running_in_the_study(tmp_path: Path) -> None:
    import optuna

    search(tmp_path)
    study = optuna.load_study(study_name="monai-fairtune", storage=f"sqlite:///{tmp_path / 'study.db'}")
    states = {trial.state.name for trial in study.trials}
    assert states <= {"COMPLETE", "PRUNED", "FAIL"}
    assert study.best_value > 0.5


def test_the_delivered_model_is_compared_with_every_anchor_on_the_same_test_patients(tmp_path: Path) -> None:
    result = search(tmp_path, replace(SETTINGS, n_trials=6))
    assert list(result["comparisons"]) == [anchor["name"] for anchor in result["anchors"]]
    for anchor in result["anchors"]:
        found = result["comparisons"][anchor["name"]]
        assert (found["a"], found["b"]) == (result["method"], anchor["name"])
        assert found["overall"]["auroc"]["a"] == result["test"]["overall"]["auroc"]["value"]
        assert found["overall"]["auroc"]["b"] == anchor["test"]["overall"]["auroc"]["value"]
        worst = found["attributes"]["age:60"]["worst_group_auroc"]
        assert worst["difference"]["low"] <= worst["difference"]["value"] <= worst["difference"]["high"]


def test_only_the_test_split_has_intervals(tmp_path: Path) -> None:
    result = search(tmp_path, replace(SETTINGS, n_trials=6))
    assert {
        split: result[split]["intervals"] is not None for split in ("train", "validation", "selection", "test")
    } == {
        "train": False,
        "validation": False,
        "selection": False,
        "test": True,
    }
