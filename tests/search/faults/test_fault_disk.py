"""A disk that is full when something is to be written."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.search.faults.answers import Reference, assert_same_answer, faults_of, read_records
from tests.search.faults.commands import ONE, TWO, WORKERS, Command, Mode, modes
from tests.search.faults.conftest import Commands
from tests.search.faults.disks import SmallDisk
from tests.search.faults.injections import Spot, take


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A small disk, without any room left once it was filled."""
    with SmallDisk(tmp_path / "disk") as mounted:
        yield mounted


@modes(
    (ONE, "result"),
    (WORKERS, "result"),
    (TWO, "result"),
    (ONE, "model"),
    (WORKERS, "final files"),
    nightly=[(WORKERS, "model"), (TWO, "model"), (ONE, "final files"), (TWO, "final files")],
    name="mode, file",
)
def test_fault_a_full_disk_ends_the_search_which_goes_on_once_there_is_room(
    commands: Commands, reference: Reference, spot: Spot, tmp_path: Path, disk: SmallDisk, mode: Mode, file: str
) -> None:
    anchor = Spot("00001", reference.seed("00001"), 3, 3, tmp_path / "tokens")
    fills: dict[str, dict[str, Any]] = {
        "result": {"interrupt": spot.last().at(disk.fill)},
        "model": {"interrupt": anchor.at(disk.fill)},
        "final files": {"on_test": lambda: disk.fill() if take(tmp_path, "test") else None},
    }
    command = commands(mode, output_dir=disk.folder / "out", **fills[file])
    _assert_ends_and_goes_on(command, reference, disk.free)
    n_reads = Reference.of(command).result["test_reads"]
    assert 2 <= n_reads <= 1 + mode.n_processes if file == "final files" else n_reads == 1


@modes(ONE, nightly=[WORKERS])
def test_fault_a_full_disk_under_the_study_alone_ends_the_search_which_goes_on_once_there_is_room(
    commands: Commands, reference: Reference, spot: Spot, disk: SmallDisk, mode: Mode
) -> None:
    command = commands(mode, interrupt=spot.at(disk.fill), storage=disk.folder / "study.db")
    _assert_ends_and_goes_on(command, reference, disk.free)


@modes(ONE, nightly=[WORKERS, TWO])
def test_fault_a_limit_on_the_size_of_files_counts_as_a_full_disk(
    commands: Commands, reference: Reference, spot: Spot, mode: Mode
) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (500, resource.RLIM_INFINITY))

    command = commands(mode, interrupt=spot.last().at(limit, times=mode.n_processes))
    assert set(command.run()) == {75}, command.logs()
    assert command.go_on() == 1
    assert_same_answer(reference, command)


def _assert_ends_and_goes_on(command: Command, reference: Reference, free: Callable[[], None]) -> None:
    assert set(command.run()) == {75}, command.logs()
    assert "disk is full" in command.logs()
    read_records(command.output_dir)  # refuses what is not whole
    free()
    assert command.go_on() == 1
    assert_same_answer(reference, command)
    assert faults_of(command.output_dir) == {}
