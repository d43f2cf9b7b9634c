"""How often 95 % intervals hold the truth, and how often the gap test raises a false alarm.

    python benchmarks/coverage.py [--quick] [--json] [--n-sets N]

Patients are drawn from two normal distributions of scores; the AUROC, the rates at the threshold and thus every gap are
known exactly. Images of one patient share a label and most of their noise (intraclass correlation 0.7). Our intervals
stand beside the percentile bootstrap of the same replicates. Tables on which a subgroup has fewer than ten images of a
class are left out, as a report would leave out its AUROC; the numbers are those of the others. A star says that in most
tables the report has a caution beside the number.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

import numpy as np
from machine import describe
from numpy.typing import NDArray
from scipy.stats import norm

from monai_fairtune.metrics import Resampling, Threshold, assess
from monai_fairtune.metrics.bootstrap import bootstrap
from monai_fairtune.metrics.cell import Cells
from monai_fairtune.metrics.resampling import patient_strata
from monai_fairtune.predictions import Predictions
from monai_fairtune.subgroups import Subgroups

THRESHOLD = 0.8
CORRELATION = 0.7
PREVALENCE = 0.4
SHIFTS = {"2 equal": (1.5, 1.5), "2 apart": (1.0, 1.8), "4 equal": (1.5,) * 4, "4 apart": (1.0, 1.4, 1.6, 1.8)}
SIZES = {2: (60, 300, 1000), 4: (120, 300, 1000)}
MEASURES = ("auroc", "worst_group_auroc", "auroc_gap", "equalized_odds_difference")


@dataclass(frozen=True)
class Setting:
    """One row of the table."""

    subgroups: str
    n_patients: int
    n_images: int

    @property
    def shifts(self) -> NDArray[np.float64]:
        return np.array(SHIFTS[self.subgroups])

    @property
    def truth(self) -> dict[str, float]:
        auroc = norm.cdf(self.shifts / np.sqrt(2))
        tpr = norm.sf(THRESHOLD - self.shifts)
        return {
            "auroc": float(auroc[0]),
            "worst_group_auroc": float(auroc.min()),
            "auroc_gap": float(np.ptp(auroc)),
            "equalized_odds_difference": float(np.ptp(tpr)),
        }


def draw(setting: Setting, seed: int) -> Predictions:
    """Draws one test set."""
    # The replicates of a seed begin with the stream of (seed, 0), which is that of the bare seed: take another one.
    rng = np.random.default_rng((seed, 1))
    n, m = setting.n_patients, setting.n_images
    codes = np.arange(n) % len(setting.shifts)
    ill = rng.random(n) < PREVALENCE
    shared = np.repeat(rng.normal(size=n), m)
    noise = np.sqrt(CORRELATION) * shared + np.sqrt(1 - CORRELATION) * rng.normal(size=n * m)
    scores = np.repeat(setting.shifts[codes] * ill, m) + noise
    names = tuple("abcd"[: len(setting.shifts)])
    return Predictions(
        np.repeat(ill, m).astype(int),
        scores - THRESHOLD,
        kind="logit",
        subgroups={"g": Subgroups("g", names, np.repeat(codes, m))},
        patient_ids=np.repeat(np.arange(n), m),
    )


Limits = tuple[float, float, float, float, bool]
"""Ours, the percentile bootstrap's, and whether the report has a caution."""


@dataclass(frozen=True)
class Result:
    """One test set: the limits of every measure, and the p-value of the gap."""

    limits: dict[str, Limits]
    p_value: float


def measure(setting: Setting, n_replicates: int, seed: int) -> Result | None:
    """Returns what one test set gives, or None where a subgroup has too few images or no interval."""
    predictions = draw(setting, seed)
    resampling = Resampling(n_replicates, n_replicates, seed, n_threads=1)
    found = assess(predictions, Threshold(0.5, "given", "fixed"), resampling=resampling).attributes["g"]
    gap = found.auroc_gap
    if gap.value is None:
        return None
    ours = {name: found.comparisons[name] for name in MEASURES[1:]} | {"auroc": found.subgroups["a"].values["auroc"]}
    theirs = percentiles(predictions, resampling)
    limits = {
        name: (value.low, value.high, *theirs[name], "caution" in value.extra)
        for name, value in ours.items()
        if value.low is not None and value.high is not None
    }
    return Result(limits, float(str(gap.extra["p_value"]))) if len(limits) == len(ours) else None


def percentiles(predictions: Predictions, resampling: Resampling) -> dict[str, tuple[float, float]]:
    """Returns the quantiles of the replicates that ``assess`` used."""
    cells = Cells(predictions, Threshold(0.5, "given", "fixed"), 10)
    group = predictions.subgroups["g"]
    taken = [cells.members(member, name) for name, member in group.items()]
    strata = patient_strata(cells.everyone().patients, group.codes)
    drawn = bootstrap(taken, strata, resampling)
    auroc, tpr, fpr = (np.stack([cell[name] for cell in drawn], axis=1) for name in ("auroc", "tpr", "fpr"))
    values = {
        "auroc": auroc[:, 0],
        "worst_group_auroc": auroc.min(axis=1),
        "auroc_gap": np.ptp(auroc, axis=1),
        "equalized_odds_difference": np.maximum(np.ptp(tpr, axis=1), np.ptp(fpr, axis=1)),
    }
    return {name: tuple(np.nanquantile(of, [0.025, 0.975])) for name, of in values.items()}  # type: ignore[misc]


def summarise(setting: Setting, results: list[Result | None]) -> dict[str, object]:
    """Returns the coverage of one setting, in percent."""
    found = [result for result in results if result is not None]
    row: dict[str, object] = {
        "subgroups": setting.subgroups,
        "patients": setting.n_patients,
        "images": setting.n_images,
        "n_sets": len(found),
    }
    for name in MEASURES:
        limits, truth = np.array([result.limits[name] for result in found]), setting.truth[name]
        row[name] = 100 * float(np.mean((limits[:, 0] <= truth) & (truth <= limits[:, 1])))
        row[f"{name}_percentile"] = 100 * float(np.mean((limits[:, 2] <= truth) & (truth <= limits[:, 3])))
        row[f"{name}_cautioned"] = 100 * float(limits[:, 4].mean())
    equal = setting.truth["auroc_gap"] == 0
    alarms = 100 * float(np.mean([result.p_value <= 0.05 for result in found]))
    return row | {"false_alarms": alarms if equal else None, "power": None if equal else alarms}


def rows(settings: list[Setting], n_sets: int, n_replicates: int) -> Iterator[dict[str, object]]:
    """Yields the table's rows, both processors at work."""
    with ProcessPoolExecutor() as pool:
        for setting in settings:
            yield summarise(
                setting, list(pool.map(partial(measure, setting, n_replicates), range(n_sets), chunksize=10))
            )


def print_row(row: dict[str, Any]) -> None:
    shares = "".join(
        f"{row[name]:7.1f} ({row[f'{name}_percentile']:5.1f}){'*' if row[f'{name}_cautioned'] > 50 else ' '}"
        for name in MEASURES
    )
    test = f"{row['false_alarms']:5.1f} false" if row["power"] is None else f"{row['power']:5.1f} power"
    print(f"{row['subgroups']:9}{row['patients']:9}{row['images']:7}{row['n_sets']:7}{shares}{test}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer settings and tables: within 10 minutes")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--n-sets", type=int, help="tables a setting (default 1000; quick: 300)")
    options = parser.parse_args()
    n_sets, n_replicates = options.n_sets or (300 if options.quick else 1000), 300
    settings = [
        Setting(subgroups, n, m)
        for subgroups in SHIFTS
        for n, m in product(SIZES[len(SHIFTS[subgroups])], (1, 5))
        if n < 1000 or not options.quick
    ]
    start, about = time.perf_counter(), describe("numpy", "scipy")
    if not options.json:
        print(*(f"{name}: {value}" for name, value in about.items()), sep="\n")
        print(
            f"\nShare of {n_sets} tables whose 95 % interval holds the truth, in percent: ours (percentile bootstrap)"
        )
        print(
            "subgroups patients images tables          AUROC     worst group             gap  equalized odds   gap test"
        )
    table = []
    for row in rows(settings, n_sets, n_replicates):
        table.append(row)
        if not options.json:
            print_row(row)
    seconds = time.perf_counter() - start
    if options.json:
        print(json.dumps({**about, "n_replicates": n_replicates, "seconds": seconds, "rows": table}))
    else:
        print(f"\n{seconds:.0f} s with {n_replicates} replicates and permutations a table")


if __name__ == "__main__":
    sys.exit(main())
