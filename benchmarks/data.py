"""What it costs to look a cohort of 225,000 images over: the table alone, and the search for images that look alike.

    python benchmarks/data.py [--quick] [--json]

A manifest as long as CheXpert's, with three attributes and two acquisition columns, is checked by
`monai-fairtune check --no-images` in a process of its own, with and without a cohort card. Then near-duplicates among
as many 256-bit hashes, a thousand of which are changed copies: once of random hashes, and once of hashes that crowd, as
those of images of one kind do (300 prototypes of which 15 % of the bits differ). "ratio" is the time that comparing
every two would take, from a sample, over ours. Memory is the largest of the process, imports included.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from machine import describe, show
from numpy.typing import NDArray

from monai_fairtune.cohort.quality.hamming import close_pairs
from monai_fairtune.cohort.quality.near_duplicates import MAX_DISTANCE, N_BITS

N_COPIES = 1000
N_SAMPLED = 100  # rows that are compared with all others, for the time of comparing every two


def write_manifest(folder: Path, n: int) -> Path:
    """Writes a manifest of ``n`` images of n / 3.5 patients; the images do not exist."""
    rng = np.random.default_rng(0)
    patient = np.sort(rng.integers(int(n / 3.5), size=n))
    of_patient = {
        "sex": rng.choice(["Female", "Male", ""], size=n, p=[0.45, 0.5, 0.05]),
        "age": rng.integers(18, 95, size=n),
        "race": rng.choice(["Asian", "Black", "White", "Other"], size=n),
        "site": rng.choice([f"site {k}" for k in range(12)], size=n),
    }
    table = pd.DataFrame({name: values[patient] for name, values in of_patient.items()})
    table["scanner"] = rng.choice([f"scanner {k}" for k in range(30)], size=n)
    table.insert(0, "patient_id", patient)
    table.insert(0, "label", (rng.random(n) < 0.1).astype(int))
    table.insert(0, "image", [f"images/{row // 1000:03}/{row:06}.png" for row in range(n)])
    table.to_csv(folder / "manifest.csv", index=False)
    return folder / "manifest.csv"


def check(manifest: Path, *more: str) -> dict[str, float]:
    """Runs the command; returns its seconds and its largest memory in GiB."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "monai_fairtune", "check", str(manifest), "--no-images", "--attribute"]
    process = subprocess.Popen(
        [*command, "sex", "age:40,60", "race", *more],
        stdout=subprocess.DEVNULL,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"The command ended with {process.returncode}.")
    return {
        "seconds": time.perf_counter() - start,
        "processor_seconds": used.ru_utime + used.ru_stime,
        "gib": used.ru_maxrss / 2**20,
    }


def random_hashes(n: int, *, crowded: bool) -> NDArray[np.uint8]:
    """Returns hashes, the last thousand of which are others with ten bits changed."""
    rng = np.random.default_rng(0)
    bits = rng.random((n, N_BITS)) < 0.5
    if crowded:
        bits = (rng.random((300, N_BITS)) < 0.5)[rng.integers(300, size=n)] ^ (rng.random((n, N_BITS)) < 0.15)
    bits[-N_COPIES:] = bits[:N_COPIES]
    bits[-N_COPIES:, :10] ^= True
    return np.packbits(bits, axis=1)


def search(n: int, crowded: bool) -> dict[str, float]:
    """Searches in this process, and compares a few hashes with all others."""
    hashes = np.unique(random_hashes(n, crowded=crowded), axis=0)
    before = time.perf_counter(), time.process_time()
    pairs, _ = close_pairs(hashes, MAX_DISTANCE)
    seconds, processor_seconds = time.perf_counter() - before[0], time.process_time() - before[1]
    words = hashes.view(np.uint64)
    start = time.process_time()
    for row in range(N_SAMPLED):
        _ = np.flatnonzero(np.bitwise_count(words ^ words[row]).sum(axis=1) <= MAX_DISTANCE)
    every_two = (time.process_time() - start) / N_SAMPLED * len(words) / 2
    return {
        "ratio": every_two / processor_seconds,
        "seconds": seconds,
        "processor_seconds": processor_seconds,
        "gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
        "share_found": len(pairs) / N_COPIES,
    }


def measure(n: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        manifest = write_manifest(Path(name), n)
        acquisition = ("--acquisition", "site", "scanner")
        steps = {
            "check --no-images": check(manifest),
            "with a card, and acquisition": check(manifest, *acquisition, "--output-dir", str(Path(name) / "card")),
        }
    for crowded in (False, True):
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
            steps["alike, crowded hashes" if crowded else "alike, random hashes"] = pool.submit(
                search, n, crowded
            ).result()
    return {"n": n, "max_distance": MAX_DISTANCE, "n_bits": N_BITS, "steps": steps}


def print_table(found: Mapping[str, Any]) -> None:
    print(f"\n{found['n']} images; alike: at most {found['max_distance']} of {found['n_bits']} bits differ\n")
    print(f"{'':30}{'ratio':>8}{'seconds':>10}{'processor':>11}{'GiB':>8}{'found, %':>10}")
    for label, step in found["steps"].items():
        ratio = f"{step['ratio']:.0f}" if "ratio" in step else ""
        share = f"{100 * step['share_found']:.1f}" if "share_found" in step else ""
        numbers = f"{step['seconds']:10.1f}{step['processor_seconds']:11.1f}{step['gib']:8.2f}"
        print(f"{label:30}{ratio:>8}{numbers}{share:>10}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="20,000 images instead of 225,000")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    about = describe("numpy", "scipy", "pandas", "scikit-learn")
    show(about, measure(20_000 if options.quick else 225_000), print_table, as_json=options.json)


if __name__ == "__main__":
    main()
