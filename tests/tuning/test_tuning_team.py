"""Processes that share each training: what they find is what one process finds, and an error of one is all's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from monai_fairtune.cohort import DefaultAugmentation
from monai_fairtune.exceptions import ConfigurationError, ProcessLostError
from monai_fairtune.tuning import Team
from monai_fairtune.tuning.accumulation import MicroBatches
from tests.tuning.small_tuner import MakeTuner, tuner_maker
from tests.tuning.team_worker import BATCH_SIZE, train

pytestmark = pytest.mark.skipif(not torch.distributed.is_available(), reason="torch was built without distributed")
_ROOT = Path(__file__).parents[2]
_BOUND = 200.0  # seconds, most of them for two imports of torch on a busy machine


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds a cohort with its decoded images, and a folder for each script."""
    place = tmp_path_factory.mktemp("team")
    tuner_maker(place)
    return place


def start(folder: Path, script: str, n_processes: int, harmed: int = -1) -> list[subprocess.Popen[bytes]]:
    place = folder / f"{script}-{harmed}"
    place.mkdir()
    processes = []
    for rank in range(n_processes):
        arguments = [str(place), str(rank), str(n_processes), script, str(harmed)]
        with (place / f"log-{rank}.txt").open("wb") as log:
            line = [sys.executable, "-m", "tests.tuning.team_worker", *arguments]
            environment = os.environ | {"OMP_NUM_THREADS": "1"}
            processes.append(subprocess.Popen(line, cwd=_ROOT, env=environment, stderr=log))
    return processes


def wait(processes: list[subprocess.Popen[bytes]]) -> list[int]:
    end = time.monotonic() + _BOUND
    try:
        return [process.wait(timeout=max(0.0, end - time.monotonic())) for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()


def logs(place: Path) -> str:
    return "\n".join(path.read_text() for path in sorted(place.glob("log-*.txt")))


def read(folder: Path, script: str, harmed: int, rank: int) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / f"{script}-{harmed}" / f"{script}-{rank}.json").read_text())
    return found


@pytest.fixture(scope="module")
def alone(folder: Path) -> dict[str, Any]:
    """What one process finds."""
    tuner = tuner_maker(folder)(batch_size=BATCH_SIZE, augmentation=DefaultAugmentation())
    return train(tuner, tuner.network)


@pytest.fixture(scope="module")
def together(folder: Path) -> dict[str, Any]:
    """What three processes find, the last of which fails in some of the trainings."""
    assert wait(start(folder, "compare", 3, harmed=2)) == [0, 0, 0], logs(folder / "compare-2")
    assert [read(folder, "compare", 2, rank) for rank in (1, 2)] == [{"followed": True}] * 2
    return read(folder, "compare", 2, 0)


@pytest.mark.parametrize("way", ["whole", "parts"])
def test_three_processes_train_and_predict_as_one_does_but_for_rounding(
    alone: dict[str, Any], together: dict[str, Any], way: str
) -> None:
    found = together[way]
    assert found["losses"] == pytest.approx(alone["losses"], abs=1e-5)
    for split in ("validation", "test"):
        assert np.abs(np.subtract(found[split], alone[split])).max() < 1e-4
    assert np.ptp(alone["test"]) > 1e-3


def test_fault_an_error_of_one_process_ends_the_training_in_all_and_reaches_the_leader_as_what_it_is(
    together: dict[str, Any],
) -> None:
    assert together["errors"] == {
        "memory": ["OutOfMemoryError", "out of memory"],
        "bug": ["RuntimeError", "KeyError: 'a bug'"],
        "divergence": ["TuningError", "Training diverged in epoch 1: the loss is nan. Lower the learning rate."],
    }
    assert together["again"] == together["whole"]


@pytest.mark.slow
def test_conformance_of_the_tuner_that_several_processes_share(folder: Path) -> None:
    assert wait(start(folder, "conform", 2)) == [0, 0], logs(folder / "conform--1")
    assert read(folder, "conform", -1, 0) == {"conforms": True}


@pytest.mark.slow
@pytest.mark.parametrize("harmed", [0, 1])
def test_fault_a_killed_process_ends_the_other_with_a_sentence(folder: Path, harmed: int) -> None:
    other = 1 - harmed
    codes = wait(start(folder, "lose", 2, harmed))
    assert (codes[harmed], codes[other]) == (-9, ProcessLostError.exit_code)
    assert "Another process of this training ended" in read(folder, "lose", harmed, other)["lost"]


@pytest.mark.slow
def test_fault_a_process_that_hangs_is_not_waited_for_longer_than_the_timeout(folder: Path) -> None:
    processes = start(folder, "stop", 2, harmed=1)
    try:
        assert wait(processes[:1]) == [ProcessLostError.exit_code]
    finally:
        processes[1].kill()
        processes[1].wait()
    assert "kept the others waiting" in read(folder, "stop", 1, 0)["lost"]


@pytest.mark.parametrize("n_processes", [1, 2, 3, 5])
@pytest.mark.parametrize("n_parts", [1, 2])
def test_the_processes_parts_are_the_batch_and_their_shares_add_up(
    make_tuner: MakeTuner, n_processes: int, n_parts: int
) -> None:
    split = make_tuner().splits["train"]
    whole = list(split.batches(BATCH_SIZE, shuffle=True, seed=2))
    seen = []
    for rank in range(n_processes):
        batches = split.batches(BATCH_SIZE, shuffle=True, seed=2)
        weights = torch.tensor([0.3, 1.7])
        parts = list(loader := MicroBatches(batches, n_parts, weights, rank=rank, n_processes=n_processes))
        assert len(parts) == len(loader)
        seen.append(parts)
    counted = [torch.cat([part["index"] for part in parts if part["share"] > 0]) for parts in seen]
    assert sorted(torch.cat(counted).tolist()) == sorted(torch.cat([batch["index"] for batch in whole]).tolist())
    shares = sum(float(part["share"]) for parts in seen for part in parts)
    assert shares == pytest.approx(len(whole) * n_parts)


def test_more_processes_than_images_in_a_batch_are_refused(make_tuner: MakeTuner) -> None:
    batches = make_tuner().splits["train"].batches(4, shuffle=True)
    with pytest.raises(ConfigurationError, match="accumulation_steps is 1 for batches of 4 images in 5 processes"):
        MicroBatches(batches, 1, torch.ones(2), n_processes=5)


def test_one_process_alone_is_a_team_that_tells_nobody() -> None:
    team = Team()
    with team.leading(), team.together():
        assert (team.total(2.0), team.decided(lambda: "so"), team.next_task("task")) == (2.0, "so", "task")
    with pytest.raises(KeyError), team.together():
        raise KeyError
