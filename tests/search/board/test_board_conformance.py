from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from monai_fairtune.search.board import MemoryBoard, SqlBoard, connect, storage_url
from monai_fairtune.testing.boards import check_board, jobs
from tests.servers.postgres import Database


def test_conformance_of_the_board_in_memory() -> None:
    check_board(MemoryBoard)


def test_conformance_of_the_board_in_sqlite(tmp_path: Path) -> None:
    engine = connect(storage_url(tmp_path / "board.db"))
    numbers = itertools.count()
    check_board(lambda: SqlBoard(engine, f"study {next(numbers)}"))


@pytest.mark.server
def test_conformance_of_the_board_in_postgresql(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in database.environment.items():
        monkeypatch.setenv(name, value)
    engine = connect(storage_url(database.url))
    numbers = itertools.count()
    check_board(lambda: SqlBoard(engine, f"study {next(numbers)}"))
    engine.dispose()


def test_fault_a_lease_that_runs_out_is_taken_back_by_whoever_comes_next(tmp_path: Path) -> None:
    board = SqlBoard(connect(storage_url(tmp_path / "board.db")), "study", lease_seconds=0.0)
    board.put(jobs(1))
    old = board.claim("one")
    assert old is not None
    new = board.claim("two")
    assert new is not None
    assert new.faults == ("lost",)
    assert not board.finish(old, {"value": 1.0})


def test_fault_a_clock_that_jumps_takes_no_lease_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    board = SqlBoard(connect(storage_url(tmp_path / "board.db")), "study", lease_seconds=60.0)
    board.put(jobs(1))
    assert board.claim("one") is not None
    monkeypatch.setattr("time.time", lambda: 4e9)
    assert board.claim("two") is None


def test_finishing_again_with_the_same_lease_is_finishing(tmp_path: Path) -> None:
    board = SqlBoard(connect(storage_url(tmp_path / "board.db")), "study")
    board.put(jobs(1))
    lease = board.claim("one")
    assert lease is not None
    assert board.finish(lease, {"value": 1.0})
    assert board.finish(lease, {"value": 1.0})


def test_studies_in_one_database_do_not_see_each_other(tmp_path: Path) -> None:
    engine = connect(storage_url(tmp_path / "board.db"))
    one, other = SqlBoard(engine, "one"), SqlBoard(engine, "other")
    one.put(jobs(1))
    assert other.claim("worker") is None
    assert other.fail_worker("worker", "killed", "") == 0
    assert one.claim("worker") is not None
