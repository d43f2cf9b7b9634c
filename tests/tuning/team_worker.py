"""One process of ``test_tuning_team.py``: folder, rank, number of processes, the leader's script."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
from torch import distributed

from monai_fairtune.cohort import DefaultAugmentation
from monai_fairtune.exceptions import ProcessLostError
from monai_fairtune.testing.tuners import check_tuner, check_tuner_validates_by_fold
from monai_fairtune.tuning import Budget, DistributedTuner, EpochReport, SupervisedTuner, Team, Tuner, Verdict
from tests.tuning.small_tuner import tuner_maker

BATCH_SIZE = 13
"""Uneven parts for two and three processes; the last of the 80 training images are a batch of two."""


def train(tuner: Tuner, network: Any, accumulation_steps: int = 1, mask: str = "full") -> dict[str, Any]:
    """Trains twice over the images and returns losses and scores."""
    losses: list[float] = []

    def keep(report: EpochReport) -> Verdict:
        losses.append(report.loss)
        return Verdict(keep=True)

    budget = Budget(2, accumulation_steps=accumulation_steps)
    found = tuner.tune(network.anchors()[mask], {"learning_rate": 1e-3}, budget, seed=1, on_epoch=keep)
    test = tuner.predict(found.model, "test")
    return {"losses": losses, "validation": found.validation.scores.tolist(), "test": test.scores.tolist()}


def compare(tuner: DistributedTuner, network: Any, folder: Path) -> dict[str, Any]:
    """Trains in some ways, one of them after others failed."""
    whole, parts = train(tuner, network), train(tuner, network, accumulation_steps=2)
    errors = {kind: _error(tuner, network, kind) for kind in ("memory", "bug", "divergence", "memory")}
    return {"whole": whole, "parts": parts, "errors": errors, "again": train(tuner, network)}


def conform(tuner: DistributedTuner, network: Any, folder: Path) -> dict[str, Any]:
    """Runs the conformance suite."""
    space = network.partition("attention")
    check_tuner(tuner, space.mask(["blocks.2.attention"]), space.all_tuned(), folder)
    check_tuner_validates_by_fold(tuner, space.head_only(), 2)
    return {"conforms": True}


def lose(tuner: DistributedTuner, network: Any, folder: Path) -> dict[str, Any]:
    """Trains until a process is gone."""
    return train(tuner, network, mask="bias")


def _error(tuner: DistributedTuner, network: Any, kind: str) -> list[str]:
    mask = {"memory": "norm", "bug": "bias", "divergence": "attention"}[kind]
    try:
        train(tuner, network, mask=mask)
    except RuntimeError as error:
        return [type(error).__name__, str(error)]
    return []


def _harm(tuner: SupervisedTuner, script: str) -> None:
    """Makes this process fail in its third step of trainings that a mask tells apart."""
    network = tuner.network
    harms: dict[str, Callable[[], None]] = {}
    if script == "compare":
        harms = {"norm": _run_out, "bias": _find_bug, "attention": _diverge(tuner)}
    elif script in ("lose", "stop"):
        number = signal.SIGKILL if script == "lose" else signal.SIGSTOP
        harms = {"bias": lambda: os.kill(os.getpid(), number)}
    names = {mask.key: name for name, mask in network.anchors().items()}
    n_seen = 0

    def before(module: torch.nn.Module, _: Any) -> None:
        nonlocal n_seen
        n_seen = n_seen + 1 if module.training else 0
        name = names.get(network.mask.key)
        if n_seen == 3 and name in harms:
            n_seen = 0
            harms[name]()

    network.register_forward_pre_hook(before)


def _run_out() -> None:
    raise torch.OutOfMemoryError("out of memory")


def _find_bug() -> None:
    raise KeyError("a bug")


def _diverge(tuner: SupervisedTuner) -> Callable[[], None]:
    def spoil() -> None:
        with torch.no_grad():
            for _, parameter in tuner.network.tuned_parameters():
                parameter.fill_(torch.nan)

    return spoil


def main(folder: Path, rank: int, n_processes: int, script: str, harmed: int) -> None:
    """Leads or follows, and leaves what came of it."""
    store = f"file://{folder / script}.store"
    distributed.init_process_group("gloo", init_method=store, rank=rank, world_size=n_processes)
    torch.manual_seed(rank)  # what is drawn outside of a training has no part in it
    team = Team.join(timeout=timedelta(seconds=10 if script == "stop" else 120))
    tuner = tuner_maker(folder.parent)(batch_size=BATCH_SIZE, augmentation=DefaultAugmentation(), team=team)
    if rank == harmed:
        _harm(tuner, script)
    together = DistributedTuner(tuner, team)
    scripts = {"compare": compare, "conform": conform, "lose": lose, "stop": lose}
    try:
        if rank > 0:
            found: dict[str, Any] = {"followed": together.follow()}
        else:
            with team.leading():
                found = scripts[script](together, tuner.network, folder)
    except ProcessLostError as error:
        found = {"lost": str(error)}
    (folder / f"{script}-{rank}.json").write_text(json.dumps(found))
    if "lost" in found:
        sys.exit(ProcessLostError.exit_code)
    distributed.barrier()
    distributed.destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], int(sys.argv[5]))
