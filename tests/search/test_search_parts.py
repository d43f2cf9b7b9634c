from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from monai_fairtune.exceptions import ConfigurationError
from monai_fairtune.objectives import AUROCGap, WorstGroupAUROC
from monai_fairtune.predictions import Predictions
from monai_fairtune.search import SearchSettings
from monai_fairtune.search.board import storage_url
from monai_fairtune.search.epochs import EpochJudge
from monai_fairtune.search.files import read_json, write_json
from monai_fairtune.search.halving import SuccessiveHalving, rank
from monai_fairtune.search.study import Study
from monai_fairtune.subgroups import Subgroups
from monai_fairtune.tuning import EpochReport


def report(epoch: int, young: float, old: float) -> EpochReport:
    rng = np.random.default_rng(0)
    labels, codes = rng.integers(0, 2, 400), rng.integers(0, 2, 400)
    scores = np.where(codes == 1, old, young) * labels + rng.normal(size=400)
    subgroups = {"age:60": Subgroups("age:60", ("[0,60)", "[60,inf)"), codes)}
    return EpochReport(epoch, 1.0, Predictions(labels, scores, kind="logit", subgroups=subgroups))


def test_the_best_epoch_by_the_objective_is_kept() -> None:
    judge = EpochJudge(WorstGroupAUROC(["age:60"]), 0.02)
    assert [judge(report(*epoch)).keep for epoch in ((1, 1, 0.5), (2, 2, 1.5), (3, 2, 1.0))] == [True, True, False]
    assert judge.value == judge.epochs[1]["value"]


def test_an_epoch_before_anything_is_learned_is_not_kept_for_its_small_gap() -> None:
    judge = EpochJudge(AUROCGap(["age:60"]), 0.02)
    assert [judge(report(*epoch)).keep for epoch in ((1, 0, 0), (2, 3, 2))] == [True, True]
    assert judge.epochs[0]["value"] < judge.epochs[1]["value"] == judge.value


def test_rungs_are_powers_of_the_reduction_factor_below_the_last_epoch() -> None:
    assert SuccessiveHalving(3, 10).rungs == (1, 3, 9)
    assert SuccessiveHalving(3, 9).rungs == (1, 3)
    assert SuccessiveHalving(2, 1).rungs == ()


def test_one_in_three_goes_on_at_a_rung() -> None:
    halving = SuccessiveHalving(3, 9)
    others = [rank(value, 0.9, 0.8) for value in (0.5, 0.6, 0.7, 0.8, 0.9)]
    bar = halving.bar(others)
    assert bar is not None
    going = [value for value in (0.55, 0.65, 0.75, 0.85, 0.95) if rank(value, 0.9, 0.8) >= bar]
    assert going == [0.85, 0.95]
    assert halving.bar(others[:2]) is None, "too few to compare with"


def test_a_trial_below_the_utility_floor_ranks_below_every_feasible_one() -> None:
    assert rank(0.9, 0.79, 0.8) < rank(0.1, 0.8, 0.8) < rank(0.2, 0.95, 0.8)


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    write_json(path, {"value": 1.0})
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(path, {"value": float("nan")})
    assert read_json(path) == {"value": 1.0}
    assert json.loads(path.read_text()) == {"value": 1.0}


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("n_trials", 0, "n_trials is 0"),
        ("max_epochs", 0, "max_epochs is 0"),
        ("learning_rates", (1e-3, 1e-5), "learning_rates is"),
        ("reduction_factor", 1, "reduction_factor is 1"),
        ("utility_floor", 1.2, "utility_floor is 1.2"),
        ("utility_margin", 0.6, "utility_margin is 0.6"),
    ],
)
def test_settings_out_of_range_are_refused(name: str, value: object, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        SearchSettings(**{name: value})  # type: ignore[arg-type]


def test_fault_a_storage_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    path.write_text("not a database, but somebody's notes, and long enough to be looked at")
    with pytest.raises(ConfigurationError, match=r"'notes\.db' is not a SQLite database"):
        Study(storage_url(path), "s", ["maximize"])
    assert path.read_text().startswith("not a database")
