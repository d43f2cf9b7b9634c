"""A long search of a tiny Vision Transformer in which one training in ten meets a fault from outside.

    python benchmarks/soak.py [--quick] [--json]

The real command runs with two worker processes, twice with one seed. In the first run, for one finished training in
ten, a worker process that is at a training is killed, asked to stop, or stopped for a while, or the driver is killed
meanwhile and the command given again. The second run is left alone. At the end both answers are compared, trial by
trial.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import optuna
from machine import describe

from monai_fairtune.cohort import write_synthetic_cohort
from monai_fairtune.masks import TINY_VIT_WEIGHTS
from monai_fairtune.search.workers.starting import WORKER_VARIABLE

SHARE = 0.1
FAULTS = ("kill worker", "stop worker", "pause worker", "kill driver")
SAME = ("mask", "hyperparameters", "validation", "selection", "test", "n_trials", "noise")


def command(manifest: Path, output: Path, n_trials: int) -> list[str]:
    """The command line of a search."""
    options = {
        "manifest": manifest,
        "attribute": "age:60",
        "split_fractions": "[0.35,0.4,0.25]",
        "train_fraction": 0.2,
        "backbone": "monai_fairtune.masks.tiny_vit",
        "weights": TINY_VIT_WEIGHTS,
        "image_size": 16,
        "search_space": "norm1 / attention / norm2 / mlp",
        "augmentation": "false",
        "max_epochs": 1,
        "n_trials": n_trials,
        "n_finalists": 1,
        "n_seeds": 1,
        "n_replicates": 100,
        "n_workers": 2,
        "n_threads": 1,
        "report": "false",
        "output_dir": output,
        "cache_dir": output.parent / "cache",
    }
    line = [sys.executable, "-m", "monai_fairtune", "search"]
    return line + [text for name, value in options.items() for text in (f"--{name}", str(value))]


def start(line: list[str], log: Path) -> subprocess.Popen[bytes]:
    """Starts a search."""
    with log.open("ab") as file:
        return subprocess.Popen(line, stdout=file, stderr=file, env=os.environ | {"HF_HUB_OFFLINE": "1"})


def workers_of(pid: int) -> dict[str, int]:
    """The worker processes of a driver that are alive, by name."""
    found = {}
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        with suppress(FileNotFoundError, ProcessLookupError):
            variables = dict(
                text.split("=", 1) for text in Path(f"/proc/{child}/environ").read_text().split("\0") if text
            )
            if WORKER_VARIABLE in variables:
                found[json.loads(variables[WORKER_VARIABLE])["name"]] = int(child)
    return found


def at_work(process: subprocess.Popen[bytes], output: Path) -> list[int]:
    """The worker processes that are at a training."""
    board = output / "board.db"
    if not board.exists():
        return []
    with (
        suppress(sqlite3.OperationalError, FileNotFoundError, ProcessLookupError),
        closing(sqlite3.connect(board)) as connection,
    ):
        rows = connection.execute("SELECT worker FROM fairtune_jobs WHERE state = 'leased' ORDER BY worker").fetchall()
        workers = workers_of(process.pid)
        return [workers[name] for (name,) in rows if name in workers]
    return []


def n_finished(output: Path) -> int:
    """How many trainings are finished."""
    return len(list((output / "trials").rglob("result.json")))


def harm(process: subprocess.Popen[bytes], output: Path, rng: random.Random) -> str | None:
    """Causes a fault; returns its kind, None where nobody is at a training."""
    workers = at_work(process, output)
    if not workers:
        return None
    kind, worker = rng.choice(FAULTS), rng.choice(workers)
    time.sleep(rng.uniform(0.0, 0.3))
    with suppress(ProcessLookupError):
        if kind == "kill driver":
            process.kill()
        elif kind == "pause worker":
            os.kill(worker, signal.SIGSTOP)
            time.sleep(3.0)
            os.kill(worker, signal.SIGCONT)
        else:
            os.kill(worker, signal.SIGKILL if kind == "kill worker" else signal.SIGTERM)
    return kind


def storm(line: list[str], output: Path, log: Path, seed: int) -> Counter[str]:
    """Runs a search to its end through faults; returns how many there were of each kind."""
    rng, faults, seen, due = random.Random(seed), Counter[str](), 0, 0  # noqa: S311 - no secret
    process = start(line, log)
    while True:
        code = process.poll()
        if code == 0:
            return faults
        if code is not None:
            if code not in (-signal.SIGKILL, 75):
                raise SystemExit(f"the search ended with {code}: see {log}\n{log.read_text()[-2000:]}")
            process = start(line, log)
        now = n_finished(output)
        due += sum(rng.random() < SHARE for _ in range(now - seen))
        kind = harm(process, output, rng) if due else None
        if kind:
            faults[kind] += 1
            due -= 1
        seen = now
        time.sleep(0.05)


def differences(one: Path, other: Path) -> list[str]:
    """What differs between two answers."""
    left, right = (json.loads((folder / "result.json").read_text()) for folder in (one, other))
    found = [key for key in SAME if left[key] != right[key]]
    trials = [[(t["number"], t["kind"], t["state"], t["value"]) for t in result["trials"]] for result in (left, right)]
    found += ["trials"] if trials[0] != trials[1] else []
    study = optuna.load_study(study_name="monai-fairtune", storage=f"sqlite:///{one / 'study.db'}")
    states = [trial.state.name for trial in study.trials]
    found += ["Optuna's study"] if len(states) != len(trials[0]) or "RUNNING" in states else []
    return found


def run(n_trials: int) -> dict[str, Any]:
    """Runs both searches."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_synthetic_cohort(folder / "cohort", seed=0)
        lines = {
            kind: command(folder / "cohort" / "manifest.csv", folder / kind, n_trials) for kind in ("faults", "alone")
        }
        times = [time.perf_counter()]
        faults = storm(lines["faults"], folder / "faults", folder / "faults.log", seed=1)
        times.append(time.perf_counter())
        subprocess.run(lines["alone"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        times.append(time.perf_counter())
        result = json.loads((folder / "faults" / "result.json").read_text())
        return {
            "trials": len(result["trials"]),
            "faults": dict(faults),
            "attempts_again": result["faults"],
            "different": differences(folder / "faults", folder / "alone"),
            "seconds_with_faults": times[1] - times[0],
            "seconds_alone": times[2] - times[1],
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="40 trials instead of 200")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    about, found = describe("optuna", "torch"), run(40 if options.quick else 200)
    if options.json:
        print(json.dumps({**about, **found}))
    else:
        print(*(f"{name}: {value}" for name, value in {**about, **found}.items()), sep="\n")
        print(f"\nsame answer as without faults: {'no' if found['different'] else 'yes'}")
    sys.exit(bool(found["different"]))


if __name__ == "__main__":
    main()
