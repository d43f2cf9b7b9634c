"""Files and studies that are not what they were: damaged results, other versions, configurations and clocks."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random

import optuna
import pytest

from monai_fairtune.search import Experiment
from tests.search.faults.answers import Reference, assert_same_answer, faults_of
from tests.search.faults.commands import ONE, TWO, WORKERS, Mode, end, modes, wait_until
from tests.search.faults.conftest import Commands
from tests.search.faults.injections import Ledger, Spot, kill_me

DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut short": lambda content: content[: len(content) // 2],
    "empty": lambda content: b"",
    "zeros": lambda content: bytes(len(content)),
    "another's": lambda content: b"[]",
}


@modes(
    (ONE, "cut short"),
    (WORKERS, "another's"),
    (TWO, "zeros"),
    nightly=[(ONE, "empty"), (ONE, "zeros"), (ONE, "another's"), (WORKERS, "cut short"), (TWO, "another's")],
    name="mode, damage",
)
@pytest.mark.seeds(3)
def test_fault_a_damaged_result_is_moved_aside_and_trained_again(
    commands: Commands, reference: Reference, tmp_path: Path, mode: Mode, damage: str, seed: int
) -> None:
    interrupted = Spot("00006", reference.seed("00006"), 2, 3, tmp_path / "tokens").at(kill_me, mode.n_processes)
    command = commands(replace(mode, n_workers=1), interrupt=interrupted, lease_seconds=2.0)
    assert set(command.run()) == {-9}
    damaged = [f"{number:05d}" for number in Random(seed).sample(range(6), 2)]  # noqa: S311 - no secret
    for key in damaged:
        path = command.output_dir / "trials" / key / "result.json"
        path.write_bytes(DAMAGES[damage](path.read_bytes()))
    command.mode = mode
    assert command.go_on() == 1
    assert_same_answer(reference, command)
    ledger = Ledger(tmp_path / "ledger")
    for key in damaged:
        assert (command.output_dir / "trials" / key / "result.json.damaged").exists()
        assert ledger.seeds.count(reference.seed(key)) == (1 if mode.on_server else 2)


@modes(ONE, TWO, nightly=[WORKERS])
@pytest.mark.seeds(1)
def test_fault_a_study_of_another_optuna_is_refused(commands: Commands, mode: Mode, seed: int) -> None:
    def other_version(place: int) -> None:
        optuna.__version__ = "4.9.0"

    command = commands(mode, settings=replace(commands(mode).settings, n_trials=5), prepare=other_version)
    assert command.run() == [0] * mode.n_processes
    command = commands(mode)
    assert command.run() == [64] * mode.n_processes
    assert 'optuna: "4.9.0" is now' in command.logs()
    command.prepare = other_version
    assert command.go_on() == 1


@modes(WORKERS, TWO, nightly=[ONE])
def test_fault_another_configuration_is_refused_and_the_study_goes_on_with_its_own(
    commands: Commands, reference: Reference, spot: Spot, tmp_path: Path, mode: Mode
) -> None:
    ledger = Ledger(tmp_path / "ledger")
    command = commands(mode, interrupt=spot.at(kill_me), lease_seconds=3.0)
    command.mode = replace(mode, n_workers=1)
    processes = command.start()
    wait_until(lambda: ledger.seeds.count(spot.seed) > 0, "the first kill")
    other = replace(command, settings=replace(command.settings, max_epochs=4), folder=tmp_path / "other")
    cohort = replace(command, experiment=Experiment(("age:60",), cohort_hash="c1"), folder=tmp_path / "other")
    if not mode.on_server:
        end(processes)
    assert other.run() == [64] * mode.n_processes
    assert "max_epochs: 3 is now 4" in other.logs()
    assert cohort.run() == [64] * mode.n_processes
    assert "cohort_hash" in cohort.logs()
    end(processes)
    command.mode = mode
    assert command.go_on() == 1
    assert_same_answer(reference, command)


@modes((WORKERS, 86_400.0), (TWO, -86_400.0), nightly=[(WORKERS, -86_400.0), (TWO, 86_400.0)], name="mode, seconds")
def test_fault_a_clock_that_jumps_changes_nothing(
    commands: Commands, reference: Reference, spot: Spot, tmp_path: Path, mode: Mode, seconds: float
) -> None:
    real, jumped = time.time, tmp_path / "jumped"

    def jump(place: int) -> None:
        if place == 0:  # one machine of several
            time.time = lambda: real() + (seconds if jumped.exists() else 0.0)

    command = commands(mode, interrupt=spot.at(jumped.touch), prepare=jump, lease_seconds=30.0, seconds=0.05)
    assert command.run() == [0] * mode.n_processes
    assert_same_answer(reference, command)
    assert faults_of(command.output_dir) == {}
