"""The commands on recognisable patients and hostile names, watched: what they write, say, run and call."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.bundle.bundle_runs import QUICK, TINY
from tests.security.canaries import Canary
from tests.security.patients import hostile_sites, write_patients

__all__ = ["WATCHED", "Work", "run", "run_all"]

# Every logger speaks and every call to the network fails and is noted, also in workers, which run the same line again.
WATCHED = """
import logging, sys
from pathlib import Path
from monai_fairtune.cli import main

def watch(event, details):
    if event == "socket.getaddrinfo" or (event == "socket.connect" and not isinstance(details[1], (str, bytes))):
        with Path(__file__).with_name("calls.txt").open("a") as file:
            file.write(f"{event} {details[1:]}\\n")
        raise OSError("no network")

if __name__ == "__main__":
    sys.addaudithook(watch)
    logging.basicConfig(level=logging.DEBUG)
    sys.exit(main())
"""


@dataclass(frozen=True)
class Work:
    """What came of it.

    Args:
        out: the folder of all outputs.
        said: all that was printed and logged.
        calls: attempts to reach a network, one a line.
        canary: planted in names of subgroups.
    """

    out: Path
    said: str
    calls: str
    canary: Canary


def run(folder: Path, *arguments: object, program: str = WATCHED) -> str:
    """Runs a command at the level of debugging, without a network, and returns all that it says."""
    script = folder / "watched.py"
    script.write_text(program)
    line = [sys.executable, str(script), *map(str, arguments)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "0"}
    done = subprocess.run(line, cwd=folder, env=environment, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def run_all(folder: Path) -> Work:
    """Runs check, search, audit and compare."""
    canary = Canary(folder / "executed")
    sites = hostile_sites(canary)
    manifest, table, out = (
        write_patients(folder / "cohort", sites),
        _write_table(folder / "t.csv", sites),
        folder / "out",
    )
    options = {"manifest": manifest, "attribute": '["sex", "site"]', "output_dir": out / "search", "n_workers": 2}
    options |= {"n_threads": 1, "log_trials": "tensorboard", "n_channels": 1} | TINY | QUICK
    search = [text for name, value in options.items() for text in (f"--{name}", value)]
    asked = ["--label", "label", "--score", "score", "--attribute", "sex", "site", "--patient", "patient_id"]
    asked += ["--sample", "image", "--threshold", "0.5", "--replicates", "100"]
    said = [
        run(
            folder,
            "check",
            manifest,
            "--attribute",
            "sex",
            "site",
            "--min-per-class",
            "5",
            "--output-dir",
            out / "check",
        ),
        run(folder, "search", *search),
        run(folder, "audit", table, *asked, "--output-dir", out / "audit_1"),
        run(folder, "audit", table, *asked, "--output-dir", out / "audit_2"),
        run(folder, "compare", out / "audit_1", out / "audit_2", "--replicates", "100"),
    ]
    calls = folder / "calls.txt"
    return Work(out, "\n".join(said), calls.read_text() if calls.exists() else "", canary)


def _write_table(path: Path, sites: tuple[str, str]) -> Path:
    rng = np.random.default_rng(0)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["image", "patient_id", "label", "score", "sex", "site"])
        for n in range(160):
            groups = ("female", "male")[n // 2 % 2], sites[n // 4 % 2]
            writer.writerow([f"ZQFOLDER{n}/ZQFILE.png", f"ZQPATIENT-{n}", n % 2, rng.uniform(), *groups])
    return path
