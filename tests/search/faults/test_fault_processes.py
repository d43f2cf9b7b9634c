"""Processes that are asked to stop, killed, hung, stopped, doubled, or that never begin."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy.engine import CursorResult

from monai_fairtune.search.board import Lease, SqlBoard
from monai_fairtune.search.job import Job as BoardJob
from monai_fairtune.search.records import TrialRecords
from monai_fairtune.search.search_plan import SearchPlan
from monai_fairtune.search.workers import WorkerRole
from monai_fairtune.testing.forked import ForkedProcess, fork
from monai_fairtune.testing.function_tuner import Job
from tests.search.faults.answers import Reference, assert_same_answer, faults_of
from tests.search.faults.commands import EIGHT, ONE, SETTINGS, SUPERVISED, TWO, WORKERS, Mode, end, modes, wait_until
from tests.search.faults.conftest import Commands
from tests.search.faults.injections import Ledger, Spot, kill_me, take
from tests.search.faults.storms import is_alive, storm

server = pytest.mark.server
slow = pytest.mark.slow


@modes(
    (ONE, signal.SIGUSR1),
    (WORKERS, signal.SIGTERM),
    (TWO, signal.SIGUSR1),
    nightly=[(WORKERS, signal.SIGUSR1), (TWO, signal.SIGTERM)],
    name="mode, number",
)
def test_fault_a_worker_that_is_asked_to_stop_gives_its_training_back(
    commands: Commands, reference: Reference, spot: Spot, tmp_path: Path, mode: Mode, number: signal.Signals
) -> None:
    command = commands(mode, interrupt=spot.at(lambda: os.kill(os.getpid(), number)))
    assert sorted(command.run()) == {ONE: [75], WORKERS: [0], TWO: [0, 75]}[mode]
    assert command.go_on() == 1
    assert_same_answer(reference, command)
    assert faults_of(command.output_dir) == {}
    assert Ledger(tmp_path / "ledger").seeds.count(spot.seed) == 2


@modes(
    (WORKERS, signal.SIGTERM),
    (TWO, signal.SIGUSR1),
    nightly=[(WORKERS, signal.SIGUSR1), (TWO, signal.SIGTERM), (EIGHT, signal.SIGTERM)],
    name="mode, number",
)
def test_fault_a_search_that_is_asked_to_stop_ends_with_75_and_goes_on(
    commands: Commands, reference: Reference, tmp_path: Path, mode: Mode, number: signal.Signals, seed: int
) -> None:
    ledger = Ledger(tmp_path / "ledger")
    command = commands(mode, seconds=0.05)
    processes = command.start()
    wait_until(lambda: len(ledger.seeds) >= moment(seed), "some trainings")
    for process in processes:
        process.send_signal(number)
    codes = end(processes, 60, command.logs)
    # Who hears it before the search has begun to listen ends as any program would.
    assert {75} <= set(codes) <= ({75} if mode.n_processes == 1 else {75, -number})
    assert not any(is_alive(pid) for pid in ledger.processes)
    n_before = len(ledger.seeds)
    assert command.go_on() == 1
    assert_same_answer(reference, command)
    assert faults_of(command.output_dir) == {}
    assert n_before < len(ledger.seeds) <= len(reference.records) + max(mode.n_processes, mode.n_workers)


@modes(ONE, WORKERS, TWO)
def test_fault_a_killed_worker_costs_one_attempt(
    commands: Commands, reference: Reference, spot: Spot, mode: Mode
) -> None:
    command = commands(mode, interrupt=spot.at(kill_me), lease_seconds=4.0)
    assert sorted(command.run()) == {ONE: [-9], WORKERS: [0], TWO: [-9, 0]}[mode]
    assert command.go_on() == 1
    assert_same_answer(reference, command)
    expected = {ONE: {}, WORKERS: {spot.key: ("killed",)}, TWO: {spot.key: ("lost",)}}
    assert faults_of(command.output_dir) == expected[mode]


@modes(ONE, TWO, nightly=[WORKERS])
@pytest.mark.seeds(3)
def test_fault_a_kill_in_the_final_assessment_is_counted_as_a_read_of_the_test_split(
    commands: Commands, reference: Reference, tmp_path: Path, mode: Mode, seed: int
) -> None:
    n_reads = iter(range(99))

    def kill() -> None:
        if next(n_reads) == seed and take(tmp_path, "test"):
            kill_me()

    command = commands(mode, on_test=kill, lease_seconds=4.0)
    command.run()
    assert command.go_on() == 1
    assert_same_answer(reference, command)
    assert Reference.of(command).result["test_reads"] == 2


@modes(WORKERS, nightly=[SUPERVISED])
@pytest.mark.seeds(3)
def test_fault_workers_that_are_killed_again_and_again_are_started_again(
    commands: Commands, reference: Reference, tmp_path: Path, mode: Mode, seed: int
) -> None:
    epochs = {record["seed"]: len(record["epochs"]) for record in reference.records.values()}

    def kill(job: Job, epoch: int) -> None:
        if epoch == min(1 + seed, epochs[job.seed]) and take(tmp_path / "tokens", str(job.seed)):
            kill_me()

    command = commands(mode, interrupt=kill, lease_seconds=1.5)
    assert command.run() == [0]
    assert_same_answer(reference, command)
    assert sorted(faults_of(command.output_dir)) == sorted(reference.records)


def test_fault_a_killed_driver_takes_its_workers_along_and_goes_on(
    commands: Commands, reference: Reference, tmp_path: Path, seed: int
) -> None:
    ledger = Ledger(tmp_path / "ledger")
    command = commands(WORKERS, seconds=0.05)
    (driver,) = command.start()
    wait_until(lambda: len(ledger.seeds) >= moment(seed), "some trainings")
    driver.send_signal(signal.SIGKILL)
    assert driver.wait(60) == -signal.SIGKILL
    wait_until(lambda: not any(is_alive(pid) for pid in ledger.processes), "the workers' end")
    assert command.go_on() == 1
    assert_same_answer(reference, command)


@slow
@modes(WORKERS, TWO, EIGHT, nightly=[SUPERVISED])
@pytest.mark.seeds(14)
def test_fault_kills_at_random_lose_and_double_nothing(
    commands: Commands, reference: Reference, mode: Mode, seed: int, record_property: Callable[[str, object], None]
) -> None:
    command = commands(mode, seconds=0.03, lease_seconds=3.0)
    n_kills = storm(command, seed, n_kills=6)
    record_property("kills", n_kills)
    assert n_kills > 0
    assert_same_answer(reference, command)


@slow
@modes(WORKERS, TWO)
@pytest.mark.seeds(3)
def test_fault_a_training_that_hangs_is_ended_and_tried_again(
    commands: Commands, reference: Reference, spot: Spot, mode: Mode
) -> None:
    command = commands(
        mode,
        interrupt=spot.at(lambda: time.sleep(3600)),
        settings=replace(SETTINGS, stall_timeout=4.0),
        lease_seconds=20.0,
    )
    assert sorted(command.run()) == ([0] if mode is WORKERS else [0, 76])
    assert_same_answer(reference, command)
    assert faults_of(command.output_dir) == {spot.key: ("hung",)}


@server
def test_fault_a_stopped_process_that_comes_back_late_doubles_nothing(
    commands: Commands, reference: Reference, spot: Spot, tmp_path: Path
) -> None:
    ledger = Ledger(tmp_path / "ledger")
    fault = spot.at(lambda: os.kill(os.getpid(), signal.SIGSTOP))
    command = commands(TWO, interrupt=fault, lease_seconds=2.0, seconds=0.05)
    processes = command.start()
    wait_until(lambda: ledger.seeds.count(spot.seed) == 2, "somebody else's attempt")
    time.sleep(0.2)
    for process in processes:
        process.send_signal(signal.SIGCONT)
    assert end(processes, logs=command.logs) == [0, 0]
    assert_same_answer(reference, command)
    assert faults_of(command.output_dir)[spot.key][0] == "lost"


@server
def test_fault_a_worker_killed_before_it_can_tell_its_result_does_not_hold_up_those_that_began_before(
    commands: Commands, reference: Reference, tmp_path: Path
) -> None:
    command = commands(TWO, prepare=lambda place: _kill_before_finishing(tmp_path / "tokens"), seconds=0.05)
    processes = command.start()
    wait_until(lambda: any(process.poll() is not None for process in processes), "the kill")
    (killed,) = (place for place, process in enumerate(processes) if process.poll() is not None)
    others = [process for process in processes if process.poll() is None]
    assert end([*others, command.start_one(killed)], logs=command.logs) == [0, 0]  # and no lease runs out
    assert_same_answer(reference, command)
    assert faults_of(command.output_dir) == {}


@server
@pytest.mark.parametrize("step", ["planning", pytest.param("taking a job", marks=pytest.mark.nightly)])
@pytest.mark.seeds(2)
def test_fault_a_process_that_is_stopped_while_it_holds_a_lock_does_not_hold_the_others_up(
    commands: Commands, reference: Reference, tmp_path: Path, step: str, seed: int
) -> None:
    n_before = moment(seed)

    def stop_here() -> None:
        if len(list((tmp_path / "out" / "trials").glob("*/result.json"))) >= n_before and take(tmp_path, "stopped"):
            (tmp_path / "pid").write_text(str(os.getpid()))
            os.kill(os.getpid(), signal.SIGSTOP)

    command = commands(TWO, prepare=lambda place: _stop_at(step, stop_here), lease_seconds=2.0, seconds=0.02)
    processes = command.start()
    wait_until((tmp_path / "stopped-0").exists, "the stop")
    time.sleep(0.1)
    others = [process for process in processes if process.pid != int((tmp_path / "pid").read_text())]
    assert end(others, logs=command.logs) == [0]
    for process in processes:
        process.send_signal(signal.SIGCONT)
    assert end(processes, logs=command.logs) == [0, 0]
    assert_same_answer(reference, command)


def test_fault_a_second_driver_is_refused_and_the_first_goes_on(
    commands: Commands, reference: Reference, tmp_path: Path
) -> None:
    command = commands(WORKERS, seconds=0.05)
    first = command.start_one(0)
    wait_until(lambda: len(Ledger(tmp_path / "ledger").seeds) >= 2, "the first driver's training")
    assert end([command.start_one(1)], logs=command.logs) == [75]
    assert "Another process is at the study" in command.log(1).read_text()
    assert end([first], logs=command.logs) == [0]
    assert_same_answer(reference, command)
    assert faults_of(command.output_dir) == {}


@modes(WORKERS, nightly=[SUPERVISED])
def test_fault_workers_that_end_before_their_first_job_end_the_search_and_name_the_logs(
    commands: Commands, reference: Reference, mode: Mode
) -> None:
    command = commands(mode)
    broken = replace(command, start_worker=_start_broken)
    assert broken.run() == [75]
    assert "2 ended 5 times without finishing a job. Their output is in the folder 'logs'" in broken.logs()
    assert "libcuda.so.1 is missing" in (command.output_dir / "logs" / "worker-0.log").read_text()
    assert command.go_on() == 1
    assert_same_answer(reference, command)


def moment(seed: int) -> int:
    """Returns how many trainings have begun when a fault comes."""
    return 6 if seed == 0 else Random(seed).randint(1, 11)  # noqa: S311 - no secret


def _kill_before_finishing(tokens: Path) -> None:
    """Makes this process, which is a copy, end once its first result is written and before the board knows."""

    def finish(self: SqlBoard, lease: Lease, result: Mapping[str, Any]) -> bool:
        if take(tokens, "finish"):
            kill_me()
        return found(self, lease, result)

    found, SqlBoard.finish = SqlBoard.finish, finish  # type: ignore[method-assign]


def _stop_at(step: str, stop_here: Callable[[], None]) -> None:
    """Makes this process, which is a copy, stop while it has the right to plan or has locked a job."""
    plan, result = SearchPlan.open_jobs, CursorResult.first

    def open_jobs(self: SearchPlan, records: TrialRecords) -> list[BoardJob]:
        stop_here()
        return plan(self, records)

    def first(self: Any) -> Any:
        found = result(self)
        if found is not None:
            stop_here()
        return found

    if step == "planning":
        SearchPlan.open_jobs = open_jobs  # type: ignore[method-assign]
    else:
        CursorResult.first = first  # type: ignore[method-assign]


def _start_broken(role: WorkerRole, environment: Mapping[str, str], log: Path) -> ForkedProcess:
    """Starts a process that ends at once, as where a driver is missing."""

    def work() -> Any:
        os.write(2, b"libcuda.so.1 is missing\n")
        os._exit(3)

    return fork(work, log, {**environment, **role.to_environment()})
