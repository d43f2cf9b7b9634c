"""Without a fault, every mode finds the same: what the other tests of this folder rest on."""

from __future__ import annotations

from tests.search.faults.answers import Reference, assert_same_answer, faults_of
from tests.search.faults.commands import EIGHT, ONE, SUPERVISED, TWO, WORKERS, Mode, modes
from tests.search.faults.conftest import Commands
from tests.search.faults.injections import Ledger


@modes(ONE, WORKERS, TWO, EIGHT, nightly=[SUPERVISED])
def test_fault_none_every_mode_finds_the_same(commands: Commands, reference: Reference, mode: Mode) -> None:
    command = commands(mode)
    assert command.run() == [0] * mode.n_processes
    assert_same_answer(reference, command)
    assert faults_of(command.output_dir) == {}
    assert sorted(Ledger(command.folder / "ledger").seeds) == sorted(one["seed"] for one in reference.records.values())
