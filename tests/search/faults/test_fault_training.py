"""Faults inside a training: memory, divergence, a bad image, an error that nobody expected."""

from __future__ import annotations

from pathlib import Path

import torch

from monai_fairtune.exceptions import ImageError, TuningError
from tests.search.faults.answers import Reference, assert_same_answer, faults_of, read_records
from tests.search.faults.commands import ONE, SUPERVISED, TWO, WORKERS, Mode, modes
from tests.search.faults.conftest import Commands, References
from tests.search.faults.injections import Ledger, Spot, raising

MEMORY = {"of the device": torch.OutOfMemoryError("CUDA out of memory."), "of the host": MemoryError()}
DIVERGED = TuningError("Training diverged: the loss is nan. Lower the learning rate.")
BUG = KeyError("a bug in somebody's transform")


@modes(
    (WORKERS, "of the device"),
    (TWO, "of the host"),
    nightly=[(ONE, "of the device"), (TWO, "of the device")],
    name="mode, memory",
)
def test_fault_memory_that_runs_out_once_halves_the_batch(
    commands: Commands, reference: Reference, spot: Spot, mode: Mode, memory: str
) -> None:
    command = commands(mode, interrupt=spot.at(raising(MEMORY[memory])))
    assert command.run() == [0] * mode.n_processes
    assert_same_answer(reference, command)
    record = read_records(command.output_dir)[spot.key]
    assert (record["attempts"], record["faults"], record["accumulation_steps"]) == (2, ["out_of_memory"], 2)
    assert list(faults_of(command.output_dir)) == [spot.key]


@modes(ONE, TWO, nightly=[WORKERS])
def test_fault_memory_that_runs_out_twice_fails_the_trial_and_the_search_goes_on(
    commands: Commands, references: References, spot: Spot, mode: Mode
) -> None:
    command = commands(mode, interrupt=spot.at(raising(MEMORY["of the device"]), times=9))
    assert command.run() == [0] * mode.n_processes
    assert_same_answer(references(spot.key), command)
    record = read_records(command.output_dir)[spot.key]
    assert (record["state"], record["faults"]) == ("failed", ["out_of_memory"] * 2)
    assert "memory ran out" in record["reason"]


@modes(WORKERS, nightly=[ONE, TWO])
def test_fault_a_loss_that_is_not_a_number_fails_the_trial_at_once(
    commands: Commands, references: References, spot: Spot, tmp_path: Path, mode: Mode
) -> None:
    command = commands(mode, interrupt=spot.at(raising(DIVERGED), times=9))
    assert command.run() == [0] * mode.n_processes
    assert_same_answer(references(spot.key), command)
    assert read_records(command.output_dir)[spot.key]["reason"] == str(DIVERGED)
    assert Ledger(tmp_path / "ledger").seeds.count(spot.seed) == 1
    assert faults_of(command.output_dir) == {}


@modes(ONE, WORKERS, TWO)
def test_fault_an_image_that_breaks_meanwhile_ends_the_search_which_goes_on_after_repair(
    commands: Commands, reference: Reference, spot: Spot, tmp_path: Path, mode: Mode
) -> None:
    repaired = tmp_path / "repaired"

    def read_images() -> None:
        if not repaired.exists():
            raise ImageError("Image 'scan_17.png' cannot be read: it is truncated. Restore it from its source.")

    command = commands(mode, interrupt=spot.at(read_images, times=99))
    assert command.run() == [2] * mode.n_processes
    assert "scan_17.png" in command.logs()
    before = read_records(command.output_dir)
    assert spot.key not in before
    repaired.touch()
    assert command.run() == [0] * mode.n_processes
    assert_same_answer(reference, command)
    assert faults_of(command.output_dir) == {}
    assert all(Ledger(tmp_path / "ledger").seeds.count(reference.seed(key)) == 1 for key in before)


@modes(WORKERS, TWO)
def test_fault_an_unexpected_error_is_tried_again_by_a_fresh_process(
    commands: Commands, reference: Reference, spot: Spot, mode: Mode
) -> None:
    command = commands(mode, interrupt=spot.at(raising(BUG)))
    codes = sorted(command.run())
    assert codes == ([0] if mode is WORKERS else [0, 1])  # around a server, the process that met it ends
    assert_same_answer(reference, command)
    assert faults_of(command.output_dir) == {spot.key: ("crashed",)}


@modes(WORKERS, nightly=[ONE, TWO])
def test_fault_a_device_that_fails_is_left_to_a_fresh_process(
    commands: Commands, reference: Reference, spot: Spot, mode: Mode
) -> None:
    error = RuntimeError("CUDA error: uncorrectable ECC error encountered")
    command = commands(mode, interrupt=spot.at(raising(error)))
    assert sorted(command.run()) == {ONE: [1], WORKERS: [0], TWO: [0, 1]}[mode]
    assert command.go_on() == 1
    assert_same_answer(reference, command)
    assert faults_of(command.output_dir) == ({} if mode is ONE else {spot.key: ("device_lost",)})


@modes(ONE, WORKERS, TWO, nightly=[SUPERVISED])
def test_fault_an_unexpected_error_that_comes_again_ends_the_search_which_goes_on_after_repair(
    commands: Commands, reference: Reference, spot: Spot, mode: Mode
) -> None:
    command = commands(mode, interrupt=spot.at(raising(BUG), times=1 if mode is ONE else 2))
    assert command.run() == [1] * mode.n_processes
    assert ("KeyError" if mode is ONE else "TrialCrashedError") in command.logs()
    assert spot.key not in read_records(command.output_dir)
    assert command.run() == [0] * mode.n_processes
    assert_same_answer(reference, command)
    assert faults_of(command.output_dir) == {}
