"""Two processes, thirteen samples: what they say together is what one says alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

_SCRIPT = Path(__file__).parent / "distributed_worker.py"


def _run(folder: Path, world_size: int, variant: str) -> list[dict[str, Any]]:
    processes = [
        subprocess.Popen(
            [sys.executable, str(_SCRIPT), str(folder), str(rank), str(world_size), variant],
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(world_size)
    ]
    for process in processes:
        _, errors = process.communicate(timeout=240)
        assert process.returncode == 0, errors
    return [json.loads((folder / f"{variant}-{rank}.json").read_text()) for rank in range(world_size)]


pytestmark = pytest.mark.skipif(not torch.distributed.is_available(), reason="torch was built without distributed")


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What one process says of all thirteen samples."""
    return _run(tmp_path_factory.mktemp("alone"), 1, "alone")[0]


def test_uneven_shares_of_two_processes_give_exactly_what_one_process_gives(
    alone: dict[str, Any], tmp_path: Path
) -> None:
    together = _run(tmp_path, 2, "uneven")
    assert [report["n_local"] for report in together] == [7, 6]
    for report in together:
        assert report["metrics"] == alone["metrics"]
        assert report["logits"] == alone["logits"]
        assert report["audit"] == alone["audit"]
        assert report["best"] == alone["best"]
    assert alone["audit"]["n_patients"] == 7
    assert {"auroc_sex_female", "auroc_sex_male"} <= set(alone["metrics"])


def test_a_subgroup_that_one_process_never_sees_stays_itself(alone: dict[str, Any], tmp_path: Path) -> None:
    for report in _run(tmp_path, 2, "separated"):
        assert report["metrics"] == alone["metrics"]
        assert report["logits"] == alone["logits"]
