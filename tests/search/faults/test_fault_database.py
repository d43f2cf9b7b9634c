"""Databases that restart, networks that are cut, answers that get lost."""

from __future__ import annotations

import itertools
import time
from pathlib import Path
from typing import Any, Literal

import pytest

from monai_fairtune.search.board import SqlBoard, connect, storage_url
from monai_fairtune.search.study import Study
from monai_fairtune.testing.boards import check_board
from monai_fairtune.testing.forked import ForkedProcess
from tests.search.faults.answers import Reference, assert_same_answer, faults_of
from tests.search.faults.commands import EIGHT, SUPERVISED, TWO, WORKERS, Command, Mode, end, modes, wait_until
from tests.search.faults.conftest import Commands
from tests.search.faults.injections import Ledger
from tests.search.faults.networks import ForgetfulEngine, forget_commits
from tests.servers.postgres import Database, PostgresServer, Stop
from tests.servers.relay import Relay

server = pytest.mark.server
slow = pytest.mark.slow
Cut = Literal["pause", "drop"]


def begin(command: Command, n_trainings: int = 5) -> list[ForkedProcess]:
    """Starts a search and returns once it is under way."""
    processes = command.start()
    wait_until(lambda: len(Ledger(command.folder / "ledger").seeds) >= n_trainings, "some trainings")
    return processes


@modes(
    (TWO, "fast"),
    (TWO, "immediate"),
    nightly=[(mode, how) for mode in (EIGHT, SUPERVISED) for how in ("fast", "immediate")],
    name="mode, how",
)
def test_fault_a_database_that_restarts_is_waited_for(
    commands: Commands, reference: Reference, postgres: PostgresServer, mode: Mode, how: Stop, seed: int
) -> None:
    command = commands(mode, seconds=0.05)
    processes = begin(command, 2 + seed)
    for _ in range(2):
        postgres.restart(how)
        time.sleep(0.5)
    assert end(processes, logs=command.logs) == [0] * mode.n_processes
    assert_same_answer(reference, command)
    assert faults_of(command.output_dir) == {}


@slow
@modes(
    (TWO, "pause", 10.0),
    (EIGHT, "drop", 10.0),
    nightly=[(TWO, "drop", 10.0), (EIGHT, "pause", 10.0), (TWO, "pause", 60.0), (EIGHT, "drop", 60.0)],
    name="mode, cut, seconds",
)
@pytest.mark.seeds(3)
def test_fault_a_network_that_is_cut_is_waited_for(
    commands: Commands,
    reference: Reference,
    database: Database,
    relay: Relay,
    mode: Mode,
    cut: Cut,
    seconds: float,
    seed: int,
) -> None:
    command = commands(mode, seconds=0.05, storage=database.through(relay.port).url)
    processes = begin(command, 3 + 3 * seed)
    {"pause": relay.pause, "drop": relay.drop}[cut]()
    time.sleep(seconds)
    relay.resume()
    assert end(processes, logs=command.logs) == [0] * mode.n_processes
    assert_same_answer(reference, command)
    assert faults_of(command.output_dir) == {}


@server
@pytest.mark.parametrize("cut", ["pause", pytest.param("drop", marks=pytest.mark.nightly)])
def test_fault_who_is_cut_off_for_longer_than_the_lease_doubles_nothing(
    commands: Commands, reference: Reference, database: Database, relay: Relay, tmp_path: Path, cut: Cut, seed: int
) -> None:
    far = commands(
        TWO, seconds=0.05, lease_seconds=1.5, storage=database.through(relay.port).url, folder=tmp_path / "far"
    )
    near = commands(TWO, seconds=0.05, lease_seconds=1.5)
    processes = [far.start_one(0)]
    wait_until(lambda: len(Ledger(tmp_path / "ledger").seeds) >= 2 + seed, "a training far away")
    {"pause": relay.pause, "drop": relay.drop}[cut]()
    processes.append(near.start_one(0))
    time.sleep(4.0)
    relay.resume()
    assert end(processes, logs=lambda: far.logs() + near.logs()) == [0, 0]
    assert_same_answer(reference, near)
    assert list(faults_of(near.output_dir).values()) in ([], [("lost",)])


@server
def test_fault_a_database_that_stays_away_ends_the_search_which_goes_on_when_it_is_back(
    commands: Commands, reference: Reference, postgres: PostgresServer
) -> None:
    def impatient(place: int) -> None:
        for seam in (SqlBoard, Study):
            defaults: dict[str, Any] = seam.__init__.__kwdefaults__  # type: ignore[assignment]
            defaults["patience"] = 2.0  # in a copy of this process

    command = commands(TWO, seconds=0.05, prepare=impatient, lease_seconds=3.0)
    processes = begin(command)
    postgres.stop("fast")
    assert end(processes, logs=command.logs) == [75, 75]
    assert "could not be reached for 2 s" in command.logs()
    postgres.start()
    assert command.go_on() == 1
    assert_same_answer(reference, command)


def test_fault_every_call_of_a_board_bears_being_repeated(tmp_path: Path) -> None:
    numbers = itertools.count()
    engine: Any = ForgetfulEngine(connect(storage_url(tmp_path / "board.db")))
    check_board(lambda: SqlBoard(engine, f"study {next(numbers)}"))
    assert engine.n_commits > 50


@server
def test_fault_every_call_of_a_board_in_postgresql_bears_being_repeated(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", database.password)
    numbers = itertools.count()
    engine: Any = ForgetfulEngine(connect(storage_url(database.url)))
    check_board(lambda: SqlBoard(engine, f"study {next(numbers)}"))
    engine.dispose()


@modes(WORKERS, TWO)
def test_fault_commits_whose_answers_get_lost_double_nothing(
    commands: Commands, reference: Reference, mode: Mode, seed: int
) -> None:
    command = commands(mode, prepare=lambda place: forget_commits(place + 10 * seed, 0.2))
    assert command.run() == [0] * mode.n_processes
    assert_same_answer(reference, command)
    assert faults_of(command.output_dir) == {}
