from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest

from monai_fairtune.exceptions import ConfigurationError, StudyDriftError
from monai_fairtune.objectives import OverallAUROC, WorstGroupAUROC
from monai_fairtune.search import SearchSettings
from monai_fairtune.search.goals import Goals
from monai_fairtune.search.job import Job as TrialJob
from monai_fairtune.search.methods import method_by_name
from monai_fairtune.search.planner import Planner
from monai_fairtune.search.records import TrialRecords
from monai_fairtune.search.space import SearchSpace
from monai_fairtune.testing.forked import ForkStarter
from monai_fairtune.testing.function_tuner import FunctionTuner, Job
from tests.search import worlds
from tests.search.worlds import SETTINGS, anchors, partition, planted, world


def search(folder: Path, settings: SearchSettings = SETTINGS, **changes: Any) -> dict[str, Any]:
    """Searches; worker processes make the same call."""

    def again(**more: Any) -> dict[str, Any]:
        return worlds.search(folder, settings, **changes, **more)

    return again(start_worker=ForkStarter(again))


def trained(result: dict[str, Any]) -> list[tuple[Any, ...]]:
    keys = ("number", "kind", "name", "components", "learning_rate", "replicate", "state", "values")
    return [tuple(str(trial[key]) for key in keys) for trial in result["trials"]]


@pytest.mark.parametrize("method", ["tpe", "nsga2", "random"])
def test_one_two_and_four_workers_make_the_same_study(tmp_path: Path, method: str) -> None:
    settings = replace(SETTINGS, method=method, population_size=4)
    one, two, four = (search(tmp_path / str(n), settings, n_workers=n, n_threads=1) for n in (1, 2, 4))
    assert trained(one) == trained(two) == trained(four)
    for key in ("mask", "hyperparameters", "test", "selection", "noise", "optimism"):
        assert one[key] == two[key] == four[key]


def test_a_study_keeps_the_number_of_trials_under_way_that_it_was_begun_with(tmp_path: Path) -> None:
    few, more = replace(SETTINGS, n_trials=8), replace(SETTINGS, n_trials=9)
    for name, settings, n_workers, n_ahead in (("one", few, 1, 4), ("six", few, 6, 6), ("given", few, 1, 2)):
        begun = settings if name != "given" else replace(settings, n_ahead=n_ahead)
        assert search(tmp_path / name, begun, n_workers=n_workers, n_threads=1)["study"]["n_ahead"] == n_ahead
        assert search(tmp_path / name, more, n_workers=7 - n_workers)["study"]["n_ahead"] == n_ahead
        with pytest.raises(StudyDriftError, match=f"n_ahead: {n_ahead} is now 3"):
            search(tmp_path / name, replace(more, n_ahead=3))


def test_a_proposal_knows_nothing_of_the_trials_just_before_it(tmp_path: Path) -> None:
    wide, narrow = (search(tmp_path / str(n), replace(SETTINGS, n_ahead=n, repeat_share=0.0)) for n in (16, 0))
    start = len(anchors(partition()))
    n_random = SETTINGS.n_startup_trials - 2  # two anchors lie in the space
    assert trained(wide)[start : start + n_random] == trained(narrow)[start : start + n_random]
    assert trained(wide) != trained(narrow)


def test_a_share_of_the_trials_trains_promising_masks_again(tmp_path: Path) -> None:
    result = search(tmp_path, replace(SETTINGS, n_trials=40))
    repeats = [trial for trial in result["trials"] if trial["kind"] == "repeat"]
    assert len(repeats) == int(0.2 * (40 - SETTINGS.n_startup_trials))
    for repeat in repeats:
        same = [
            trial
            for trial in result["trials"][: repeat["number"]]
            if (trial["mask_key"], trial["learning_rate"]) == (repeat["mask_key"], repeat["learning_rate"])
        ]
        assert repeat["replicate"] == len(same) > 0
        assert repeat["values"] != same[0]["values"]
    assert result["noise"]["n_masks_repeated"] >= 3
    assert result["noise"]["seeds"]["value"] > 0


def test_no_mask_tunes_more_than_it_may(tmp_path: Path) -> None:
    result = search(tmp_path, replace(SETTINGS, max_trained_share=0.4))
    searched = [trial for trial in result["trials"] if trial["kind"] == "search"]
    assert max(trial["trained_share"] for trial in searched) <= 0.4
    assert all(not trial["feasible"] for trial in result["trials"] if trial["name"] == "full")
    assert result["trained_share"] <= 0.4


def test_the_search_ends_when_nothing_improves(tmp_path: Path) -> None:
    flat = FunctionTuner(world(lambda job, split, epoch: (2.0, 1.0)))
    result = search(tmp_path, replace(SETTINGS, n_trials=60, patience=6), tuner=flat)
    assert len(result["trials"]) < 30


def test_several_objectives_leave_a_front_that_optuna_can_open(tmp_path: Path) -> None:
    settings = replace(SETTINGS, method="nsga2", population_size=4)
    result = search(tmp_path, settings, further_objectives=(OverallAUROC(()), "trained_share"))
    names = ["worst_group_auroc", "overall_auroc", "trained_share"]
    assert [goal["name"] for goal in result["objectives"]] == names
    assert all(list(one["values"]) == names for one in result["pareto_front"])
    assert result["n_trials"]["pruned"] == 0
    assert result["finalists"][0]["trial"] in {one["trial"] for one in result["pareto_front"]}
    study = optuna.load_study(study_name="monai-fairtune", storage=f"sqlite:///{tmp_path / 'study.db'}")
    assert [direction.name for direction in study.directions] == ["MAXIMIZE", "MAXIMIZE", "MINIMIZE"]
    assert {trial.number for trial in study.best_trials}


def test_what_an_earlier_search_found_is_tried_first(tmp_path: Path) -> None:
    earlier = search(tmp_path / "earlier", replace(SETTINGS, n_trials=40))
    found = [one for one in earlier["finalists"] if not one["name"].startswith(("full", "norm"))]
    result = search(tmp_path / "later", replace(SETTINGS, seed=7), warm_start=[tmp_path / "earlier" / "result.json"])
    first = result["trials"][len(anchors(partition())) :]
    assert [trial["components"] for trial in first[: len(found)]] == [one["mask"]["components"] for one in found]
    assert first[0]["name"].startswith("warm start: ")


def test_k_folds_are_averaged_and_a_mask_that_falls_behind_is_not_trained_on_all(tmp_path: Path) -> None:
    jobs: list[Job] = []

    def quality(job: Job, split: str, epoch: int) -> tuple[float, float]:
        young, old = planted(job, split, epoch)
        return young, old + 0.1 * (job.fold or 0)

    tuner = FunctionTuner(world(quality), lambda job, epoch: jobs.append(job) if epoch == 1 else None)
    result = search(tmp_path, replace(SETTINGS, n_folds=3), tuner=tuner)
    states = [trial["state"] for trial in result["trials"]]
    assert "pruned" in states
    assert "complete" in states
    assert {job.fold for job in jobs} == {None, 0, 1, 2}
    pruned = states.index("pruned")
    assert result["trials"][pruned]["n_epochs"] < 3 * SETTINGS.max_epochs
    assert result["noise"]["seeds"] is not None


def test_every_mask_of_a_small_space_is_trained_once_by_the_exhaustive_method(tmp_path: Path) -> None:
    space = partition(3)
    settings = replace(SETTINGS, n_trials=50, method="exhaustive", repeat_share=0.0, max_epochs=1)
    result = search(tmp_path, settings, partition=space, anchors={"head only": space.head_only()})
    keys = [trial["mask_key"] for trial in result["trials"]]
    assert len(keys) == len(set(keys)) == 8


def test_a_method_that_cannot_search_the_space_is_refused_before_any_training(tmp_path: Path) -> None:
    space = partition(14)
    tuner, anchors = FunctionTuner(world(planted)), {"head only": space.head_only()}
    with pytest.raises(ConfigurationError, match="exhaustive"):
        search(tmp_path, replace(SETTINGS, method="exhaustive"), tuner=tuner, partition=space, anchors=anchors)
    assert not tuner.jobs


def test_the_answer_names_how_much_of_it_was_luck(tmp_path: Path) -> None:
    result = search(tmp_path, replace(SETTINGS, n_trials=40))
    optimism = result["optimism"]
    worst = result["test"]["attributes"]["age:60"]["worst_group_auroc"]["value"]
    assert optimism["test"] == pytest.approx(worst)
    assert optimism["found"] == pytest.approx(optimism["searched"] - optimism["test"])
    assert optimism["selection"] == result["finalists"][0]["selection_value"]
    alike = {one["trial"] for one in result["noise"]["not_told_apart"]}
    assert result["finalists"][0]["trial"] not in alike


def test_a_trial_under_way_is_waited_for_although_time_has_run_out(tmp_path: Path) -> None:
    space, goals = SearchSpace(partition(), SETTINGS.learning_rates), Goals(WorstGroupAUROC(["age:60"]))
    result = search(tmp_path)
    records = TrialRecords(tmp_path / "trials")
    settings = replace(SETTINGS, n_trials=30, timeout=1e-9)
    over, late = (Planner(space, method_by_name("random"), goals, anchors(partition()), settings) for _ in range(2))
    assert over.open_jobs(records) == []
    assert over.is_finished(records)
    job = TrialJob("00020", "search", 20, result["mask"], 1e-4)
    late.take_over(job)
    assert late.open_jobs(records) == [job]
    assert not late.is_finished(records)
