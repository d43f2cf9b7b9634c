from __future__ import annotations

import sqlite3
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from monai_fairtune.exceptions import ConfigurationError
from monai_fairtune.metrics import auroc
from monai_fairtune.tuning import (
    Budget,
    EpochReport,
    SupervisedTuner,
    TrainingHandlers,
    TuningResult,
    Verdict,
    mlflow_tracking,
    tensorboard_tracking,
)
from tests.tuning.small_tuner import MakeTuner

Reports = list[EpochReport]

# MLflow's tables use a strategy that SQLAlchemy means to remove.
pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning")


def _tune(tuner: SupervisedTuner, name: str = "trial 12", **budget: Any) -> tuple[TuningResult, Reports]:
    reports: Reports = []

    def keep(report: EpochReport) -> Verdict:
        reports.append(report)
        return Verdict(keep=True)

    mask = tuner.network.partition("attention").head_only()
    given = Budget(2, name=name, **budget)
    return tuner.tune(mask, {"learning_rate": 1e-3}, given, seed=1, on_epoch=keep), reports


def _expected(reports: Reports) -> dict[str, list[float]]:
    """What trackers must hold by epoch, computed from what the search was told."""
    values: dict[str, list[float]] = {"train_loss": [report.loss for report in reports]}
    splits = [report.validation for report in reports]
    values["auroc"] = [auroc(split.labels, split.scores) for split in splits]
    names = {("sex", "female"): "auroc_sex_female", ("sex", "male"): "auroc_sex_male",
             ("age:60", "[0,60)"): "auroc_age_60__0_60", ("age:60", "[60,inf)"): "auroc_age_60__60_inf"}  # fmt: skip
    for (attribute, subgroup), name in names.items():
        members = [dict(split.subgroups[attribute].items())[subgroup] for split in splits]
        pairs = zip(splits, members, strict=True)
        values[name] = [auroc(split.labels[member], split.scores[member]) for split, member in pairs]
    values["worst_group_auroc"] = [min(values[name][epoch] for name in names.values()) for epoch in range(len(reports))]
    return values


def _client(folder: Path) -> Any:
    import mlflow

    return mlflow.MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")


def _runs(folder: Path, experiment: str = "monai-fairtune") -> list[Any]:
    client = _client(folder)
    return list(client.search_runs(client.get_experiment_by_name(experiment).experiment_id))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for one store: making its tables takes seconds."""
    return tmp_path_factory.mktemp("store")


def test_mlflow_holds_each_epoch_of_a_training_in_a_run_of_its_name(make_tuner: MakeTuner, store: Path) -> None:
    tuner = make_tuner(handlers=mlflow_tracking(store, "values"))
    _, reports = _tune(tuner, "trial 12", assess_train=True)
    _tune(tuner, "trial 13", fold=1, n_folds=3)
    runs = {run.info.run_name: run for run in _runs(store, "values")}
    assert set(runs) == {"trial 12", "trial 13"}
    assert {run.info.status for run in runs.values()} == {"FINISHED"}
    for name, values in _expected(reports).items():
        history = _client(store).get_metric_history(runs["trial 12"].info.run_id, name)
        assert [point.step for point in history] == [1, 2]
        assert [point.value for point in history] == pytest.approx(values, abs=1e-12)


def test_mlflow_is_told_nothing_about_single_patients(make_tuner: MakeTuner, store: Path) -> None:
    tuner = make_tuner(handlers=mlflow_tracking(store, "privacy"))
    _tune(tuner)
    (run,) = _runs(store, "privacy")
    assert set(run.data.params) == {"max_epochs", "epoch_length"}
    assert set(run.data.tags) == {"mlflow.runName"}
    assert run.inputs.dataset_inputs == []
    assert not (store / "mlruns").exists()
    with sqlite3.connect(store / "mlflow.db") as database:
        content = "\n".join(database.iterdump())
    database.close()
    assert "trial 12" in content
    secrets = {*tuner.cohort.image_names, *tuner.cohort.patient_ids.tolist(), str(tuner.cohort.images[0].parent)}
    assert not [secret for secret in secrets if secret in content]


def test_a_training_that_failed_goes_on_in_its_run(make_tuner: MakeTuner, store: Path) -> None:
    tuner = make_tuner(handlers=mlflow_tracking(store, "faults"))
    mask = tuner.network.partition("attention").head_only()

    def stop(_: EpochReport) -> Verdict:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tuner.tune(mask, {"learning_rate": 1e-3}, Budget(2, name="trial 1"), seed=1, on_epoch=stop)
    assert [run.info.status for run in _runs(store, "faults")] == ["FAILED"]
    _tune(tuner, "trial 1")
    assert [run.info.status for run in _runs(store, "faults")] == ["FINISHED"]


@pytest.mark.parametrize("form", ["uri", "file"])
def test_mlflow_takes_a_database_or_a_folder(store: Path, form: str, tuner: SupervisedTuner) -> None:
    given = {"uri": f"sqlite:///{store / 'mlflow.db'}", "file": store.as_uri()}[form]
    tuner.handlers = mlflow_tracking(given, form)
    _tune(tuner)
    tuner.handlers = None
    assert len(_runs(store, form)) == 1


def test_tensorboard_holds_each_epoch_of_a_training_in_a_folder_of_its_name(
    make_tuner: MakeTuner, tmp_path: Path
) -> None:
    from tensorboard.backend.event_processing.event_accumulator import (  # type: ignore[import-untyped]
        EventAccumulator,
    )

    tuner = make_tuner(handlers=tensorboard_tracking(tmp_path))
    _, reports = _tune(tuner, "trial 12", assess_train=True)
    events = EventAccumulator(str(tmp_path / "trial 12")).Reload()
    for name, values in _expected(reports).items():
        points = events.Scalars(name)
        assert [point.step for point in points] == [1, 2]
        assert [point.value for point in points] == pytest.approx(values, rel=1e-6)
    assert {key for key, found in events.Tags().items() if found} == {"scalars"}
    written = b"".join(path.read_bytes() for path in (tmp_path / "trial 12").iterdir())
    assert not [name for name in tuner.cohort.image_names if name.encode() in written]


@pytest.mark.parametrize(
    ("name", "folder"), [("../../away", "_.._away"), ("a/b", "a_b"), ("", "training"), ("..", "training")]
)
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str, folder: str) -> None:
    handlers = tensorboard_tracking(tmp_path / "runs")(name)
    handlers.close(True)
    assert [path.name for path in (tmp_path / "runs").iterdir()] == [folder]
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]


def test_logging_changes_no_prediction(make_tuner: MakeTuner, store: Path, tmp_path: Path) -> None:
    plain, _ = _tune(make_tuner())
    for handlers in (mlflow_tracking(store, "bits"), tensorboard_tracking(tmp_path)):
        logged, _ = _tune(make_tuner(handlers=handlers))
        assert np.array_equal(plain.validation.scores, logged.validation.scores)


def test_handlers_of_ones_own_hear_of_the_training_and_of_its_end(make_tuner: MakeTuner) -> None:
    heard: list[object] = []

    class Listener:
        def __init__(self, what: str) -> None:
            self.what = what

        def attach(self, engine: Any) -> None:
            engine.add_event_handler("EPOCH_COMPLETED", lambda e: heard.append((self.what, set(e.state.metrics))))

    def start(name: str) -> TrainingHandlers:
        heard.append(name)
        return TrainingHandlers([Listener("trainer")], [Listener("evaluator")], heard.append)

    tuner = make_tuner(handlers=start)
    _tune(tuner, "mine")
    assert heard[0] == "mine"
    assert heard[-1] is True
    assert heard[1:-1] == heard[1:3] * 2
    assert heard[1] == ("trainer", {"train_loss"})
    assert isinstance(heard[2], tuple)
    assert "worst_group_auroc" in heard[2][1]
    tuner.network.register_forward_pre_hook(lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        _tune(tuner, "mine")
    assert heard[-1] is False


@pytest.mark.parametrize(("package", "make"), [("mlflow", mlflow_tracking), ("tensorboard", tensorboard_tracking)])
def test_a_missing_extra_is_named(package: str, make: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)  # as Python marks what cannot be imported
    with pytest.raises(ConfigurationError, match=rf"Package '{package}' is not installed. pip install .*\[tracking\]"):
        make(tmp_path)


def test_runs_are_written_where_they_were_asked_for_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://elsewhere.example")
    with pytest.raises(ConfigurationError, match=r"MLFLOW_TRACKING_URI is 'https://elsewhere\.example'"):
        mlflow_tracking(tmp_path)
