"""What must be true of every search that ended, whatever happened to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from sqlalchemy import select

from monai_fairtune.search.board import connect, is_server, storage_url
from monai_fairtune.search.board.sql import jobs_table
from monai_fairtune.search.files import read_json
from tests.search.faults.commands import Command

__all__ = ["Reference", "assert_same_answer", "faults_of", "read_records"]

_TIMES = frozenset({"seconds", "created"})
_STORY = frozenset({"attempts", "faults", "accumulation_steps", "reason", "test_reads", "stall_timeout"})
"""How a search came to its answer, which is no part of the answer."""


@dataclass(frozen=True)
class Reference:
    """What a search finds that nothing happens to: its result, and each training's record by key."""

    result: Mapping[str, Any]
    records: Mapping[str, Mapping[str, Any]]

    def seed(self, key: str) -> int:
        """Returns the seed of a training."""
        return int(self.records[key]["seed"])

    @property
    def confirmations(self) -> list[str]:
        """The keys of the retrainings."""
        return [key for key in self.records if key.startswith("confirmation/")]

    @classmethod
    def of(cls, command: Command) -> Reference:
        """Returns what a search found."""
        return cls(read_json(command.output_dir / "result.json"), read_records(command.output_dir))


def read_records(output_dir: Path) -> dict[str, dict[str, Any]]:
    """Returns every training's record by key; a file that is not whole is an error."""
    folder = output_dir / "trials"
    paths = sorted(folder.rglob("result.json"))
    return {path.parent.relative_to(folder).as_posix(): read_json(path) for path in paths}


def faults_of(output_dir: Path) -> dict[str, tuple[str, ...]]:
    """Returns the faults of every training that had one, by key."""
    return {key: tuple(record["faults"]) for key, record in read_records(output_dir).items() if record["faults"]}


def assert_same_answer(reference: Reference, command: Command) -> None:
    """Compares with the search that nothing happened to, and checks that nothing is left half done.

    Raises:
        AssertionError: naming what differs.
    """
    found = Reference.of(command)
    _assert_equal(_plain(reference.result), _plain(found.result), "result.json")
    assert sorted(found.records) == sorted(reference.records)
    for key, record in found.records.items():
        _assert_equal(_plain(reference.records[key]), _plain(record), key)
        assert record["attempts"] == len(record["faults"]) + (not _was_given_up(record)), (key, record["faults"])
    for name in ("mask", "report"):
        assert read_json(command.output_dir / f"{name}.json") == found.result["test" if name == "report" else name]
    assert (command.output_dir / "model.safetensors").stat().st_size > 0
    _assert_study(command, found)
    _assert_board(command, found)


def _assert_study(command: Command, found: Reference) -> None:
    """Each trial is in Optuna's study once, in order, finished."""
    url = storage_url(command.storage or command.output_dir / "study.db")
    storage = optuna.storages.RDBStorage(url.render_as_string(hide_password=False))
    try:
        trials = optuna.load_study(study_name="monai-fairtune", storage=storage).trials
    finally:
        storage.engine.dispose()
    assert len(trials) == len(found.result["trials"]), [(one.number, one.state.name) for one in trials]
    wanted = [(trial["number"], trial["state"], trial["value"]) for trial in found.result["trials"]]
    names = {"COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "failed"}
    values = [one["value"] for one in found.result["trials"]]
    shown = [
        (one.number, names.get(one.state.name, one.state.name), one.value if one.state.name == "COMPLETE" else value)
        for one, value in zip(trials, values, strict=True)
    ]
    assert shown == wanted, _first_difference(wanted, shown)
    for trial, one in zip(trials, found.result["trials"], strict=True):
        assert trial.params.get("learning_rate") in (None, one["learning_rate"]), (trial, one)


def _assert_board(command: Command, found: Reference) -> None:
    """Each job is there once, done or given up; nobody holds one."""
    url = storage_url(command.storage or command.output_dir / "board.db")
    if not is_server(url):
        url = storage_url(command.output_dir / "board.db")
        if not Path(str(url.database)).exists():
            return
    engine = connect(url)
    try:
        with engine.connect() as connection:
            rows = connection.execute(select(jobs_table.c.key, jobs_table.c.state).order_by(jobs_table.c.key)).all()
    finally:
        engine.dispose()
    assert {state for _, state in rows} <= {"done", "given_up"}, rows
    keys = [key for key, _ in rows]
    assert len(keys) == len(set(keys)), keys
    if is_server(url):
        assert sorted(key for key in keys if not key.startswith("final/")) == sorted(found.records)
        assert sum(key.startswith("final/") for key in keys) == 1


def _first_difference(wanted: Sequence[Any], found: Sequence[Any]) -> str:
    return next((f"{one} became {other}" for one, other in zip(wanted, found, strict=False) if one != other), "")


def _was_given_up(record: Mapping[str, Any]) -> bool:
    return str(record["reason"]).startswith("Given up")


def _plain(data: Any) -> Any:
    """The data without times and without the story of how it came about."""
    if isinstance(data, Mapping):
        return {key: _plain(value) for key, value in data.items() if key not in _TIMES | _STORY}
    if isinstance(data, Sequence) and not isinstance(data, str):
        return [_plain(value) for value in data]
    return data


def _assert_equal(wanted: Any, found: Any, where: str) -> None:
    """Compares and names the place of the first difference, since a result is long."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        assert wanted.keys() == found.keys(), (where, wanted.keys() ^ found.keys())
        for key, value in wanted.items():
            _assert_equal(value, found[key], f"{where}: {key}")
    elif isinstance(wanted, list) and isinstance(found, list):
        assert len(wanted) == len(found), (where, len(wanted), len(found))
        for number, (one, other) in enumerate(zip(wanted, found, strict=True)):
            _assert_equal(one, other, f"{where}[{number}]")
    else:
        assert wanted == found, (where, wanted, found)
