"""How long an audit takes, beside fairlearn's bootstrap doing part of the same work.

    python benchmarks/audit.py [--quick] [--json]

A table of predictions with three attributes (2, 4 and 5 subgroups) is written as CSV, and `monai-fairtune audit` reads
it in a process of its own: all measures of all subgroups with 2,000 replicates, tests, curves, plots and reports.
fairlearn's MetricFrame computes the AUROC alone, of one attribute, with a few replicates; so does ours, for the ratio.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from fairlearn.metrics import MetricFrame
from machine import describe
from sklearn.metrics import roc_auc_score

from monai_fairtune.metrics.replicates import Ranking
from monai_fairtune.metrics.resampling import PatientWeights, Resampling, patient_strata

N_REPLICATES = 2000
SUBGROUPS = {"sex": 2, "site": 4, "race": 5}


def write_table(path: Path, n: int) -> pd.DataFrame:
    """Writes predictions of ``n`` patients, one image each."""
    rng = np.random.default_rng(0)
    label = (rng.random(n) < 0.3).astype(int)
    groups = {name: rng.integers(size, size=n) for name, size in SUBGROUPS.items()}
    logit = rng.normal(1.5 * label - 1.0 + 0.1 * groups["race"] * label, 1.0)
    table = pd.DataFrame({"patient_id": np.arange(n), "label": label, "score": 1 / (1 + np.exp(-logit))})
    for name, codes in groups.items():
        table[name] = np.array([f"{name} {letter}" for letter in "abcde"])[codes]
    table.to_csv(path, index=False)
    return table


def audit(path: Path, output: Path) -> dict[str, float]:
    """Runs the command; returns its seconds and its largest memory in GiB."""
    start = time.perf_counter()
    subprocess.run(
        [
            *(sys.executable, "-m", "monai_fairtune", "audit", str(path), "--label", "label", "--score", "score"),
            *("--attribute", *SUBGROUPS, "--patient", "patient_id", "--threshold", "0.5"),
            *("--replicates", str(N_REPLICATES), "--output-dir", str(output)),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "peak_gib": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20}


def fairlearn_seconds(table: pd.DataFrame, n_boot: int) -> float:
    """Returns the seconds of one replicate of one AUROC over five subgroups, as fairlearn computes it."""

    def run(n: int | None) -> float:
        given = {} if n is None else {"n_boot": n, "ci_quantiles": [0.025, 0.975], "random_state": 0}
        start = time.perf_counter()
        MetricFrame(
            metrics=roc_auc_score,
            y_true=table["label"],
            y_pred=table["score"],
            sensitive_features=table["race"],
            **given,
        )
        return time.perf_counter() - start

    return (run(n_boot) - run(None)) / n_boot


def our_seconds(table: pd.DataFrame, n_replicates: int) -> float:
    """Returns the seconds of one replicate of the same, sorting included."""
    start = time.perf_counter()
    codes = table["race"].astype("category").cat.codes.to_numpy().astype(np.int64)
    patients = np.arange(len(table))
    drawn = PatientWeights(patient_strata(patients, codes), Resampling(n_replicates))
    labels, scores = table["label"].to_numpy(), table["score"].to_numpy()
    rankings = [
        Ranking.of(labels[codes == k], scores[codes == k], drawn.position[patients[codes == k]]) for k in range(5)
    ]
    drawn.map(lambda weights: np.stack([ranking.auroc_and_sensitivity(weights, 90) for ranking in rankings], axis=1))
    return (time.perf_counter() - start) / n_replicates


def measure(n: int, folder: Path) -> dict[str, Any]:
    table = write_table(folder / "predictions.csv", n)
    theirs = fairlearn_seconds(table, 5 if n <= 100_000 else 2)
    ours = our_seconds(table, N_REPLICATES if n <= 100_000 else 200)
    return {
        "n": n,
        "ratio_per_metric": theirs / ours,
        "fairlearn_seconds_per_replicate": theirs,
        "our_seconds_per_replicate": ours,
        "audit": audit(folder / "predictions.csv", folder / f"audit-{n}"),
        "fairlearn_hours_for_one_metric": theirs * N_REPLICATES / 3600,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="without the table of 1,000,000")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    about = describe("numpy", "pandas", "fairlearn", "scikit-learn")
    with tempfile.TemporaryDirectory() as folder:
        sizes = (10_000, 100_000) if options.quick else (10_000, 100_000, 1_000_000)
        rows = [measure(n, Path(folder)) for n in sizes]
    if options.json:
        print(json.dumps({**about, "rows": rows}))
        return
    print(*(f"{name}: {value}" for name, value in about.items()), sep="\n")
    print(f"\none AUROC over five subgroups, a replicate               whole audit, {N_REPLICATES} replicates")
    print("   images   ratio   fairlearn s      ours s            seconds   GiB")
    for row in rows:
        print(
            f"{row['n']:9}{row['ratio_per_metric']:8.0f}{row['fairlearn_seconds_per_replicate']:14.3f}"
            f"{row['our_seconds_per_replicate']:12.6f}{row['audit']['seconds']:19.1f}{row['audit']['peak_gib']:6.2f}"
        )


if __name__ == "__main__":
    main()
