"""How often a model in use raises a false alarm within a year, and how soon a true change is noticed.

    python benchmarks/in_use.py [--quick] [--json] [--n-years N]

A year has twelve windows after the reference. Patients of two subgroups are drawn from normal distributions of scores;
each has two images that share a label and most of their noise. From the fourth window on something changes, or nothing.
Our rule stands beside three that are easily thought of: each window by itself under the same bound (no cumulative sum),
alarms where a 95 % interval of the window lies apart from that of the reference, and single tests at 5 %.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from machine import describe, show
from numpy.typing import NDArray
from scipy.stats import norm

from monai_fairtune.metrics import (
    Deviation,
    Images,
    Surveillance,
    auroc_deviation,
    score_deviation,
    share_deviation,
)

WINDOWS, CHANGE, PREVALENCE = 12, 3, 0.3
RULE = Surveillance(horizon=WINDOWS, n_draws=50_000)
RULES = ("ours", "window alone", "intervals apart", "single tests")
FROM, MEN = 0.86, 0.5
CHANGES = {
    "nothing": {},
    "nothing, case mix": {},
    "men's AUROC falls to 0.76": {"men": 0.76},
    "men's AUROC falls to 0.80": {"men": 0.80},
    "all fall to 0.80": {"men": 0.80, "women": 0.80},
    "men 50 % to 65 %": {"share": 0.65},
    "scores shift by 0.3 SD": {"shift": 0.3},
}
CASE_MIX = ("nothing, case mix", "men 50 % to 65 %", "scores shift by 0.3 SD")
SIZES = ((150, 450), (150, 2000), (600, 2000))


@dataclass(frozen=True)
class Setting:
    """One row of the table."""

    change: str
    n_patients: int
    n_reference: int

    @property
    def family(self) -> str:
        return "case mix" if self.change in CASE_MIX else "performance"


@dataclass(frozen=True, eq=False)
class Drawn:
    """The images of a window, and who is a man."""

    images: Images
    is_man: NDArray[np.bool_]

    def take(self, member: NDArray[np.bool_]) -> Images:
        return Images(self.images.scores[member], self.images.patients[member], self.images.labels[member])

    @property
    def cells(self) -> dict[str, Images]:
        return {"all": self.images, "men": self.take(self.is_man), "women": self.take(~self.is_man)}


def draw(rng: np.random.Generator, n: int, change: Mapping[str, float]) -> Drawn:
    """Draws a window of ``n`` patients."""
    man = rng.random(n) < change.get("share", MEN)
    ill = rng.random(n) < PREVALENCE
    aurocs = np.where(man, change.get("men", FROM), change.get("women", FROM))
    noise = np.sqrt(0.7) * np.repeat(rng.normal(size=n), 2) + np.sqrt(0.3) * rng.normal(size=2 * n)
    scores = np.repeat(ill * np.sqrt(2) * norm.ppf(aurocs), 2) + noise + change.get("shift", 0.0)
    return Drawn(Images(scores, np.repeat(np.arange(n), 2), np.repeat(ill, 2).astype(np.int64)), np.repeat(man, 2))


Found = dict[str, list[Deviation | None]]


def year(setting: Setting, seed: int) -> dict[str, int | None]:
    """Returns, for each rule, the first window with an alarm of the setting's family."""
    rng = np.random.default_rng(seed)
    reference = draw(rng, setting.n_reference, {})
    windows = [draw(rng, setting.n_patients, CHANGES[setting.change] if k >= CHANGE else {}) for k in range(WINDOWS)]
    found = (case_mix if setting.family == "case mix" else performance)(windows, reference)
    judged = RULE.judge(found, "either" if setting.family == "case mix" else "lower")
    sides = 2 if setting.family == "case mix" else 1
    alone = norm.isf(RULE.alpha / RULE.horizon / len(found) / sides)
    alarms = {name: [False] * WINDOWS for name in RULES}
    for name, row in found.items():
        for k, each in enumerate(row):
            judgement = judged[name][k]
            if each is None or judgement is None:
                continue
            out = abs(each.z) if sides == 2 else -each.z
            apart = 1.96 * (each.shared**0.5 + (1 - each.shared) ** 0.5)
            for rule, alarm in zip(RULES, (judgement.is_alarm, out > alone, out > apart, out > 1.645), strict=True):
                alarms[rule][k] |= bool(alarm)
    return {rule: row.index(True) if any(row) else None for rule, row in alarms.items()}


def performance(windows: list[Drawn], reference: Drawn) -> Found:
    """Returns how the AUROCs of all and of both subgroups deviate."""
    return {
        name: [auroc_deviation(window.cells[name], before, 10) for window in windows]
        for name, before in reference.cells.items()
    }


def case_mix(windows: list[Drawn], reference: Drawn) -> Found:
    """Returns how the share of men, and everybody's prevalence and scores, deviate."""
    before, owners = reference.cells, reference.images.patients
    found: Found = {"share": [share_deviation(w.is_man, w.images.patients, reference.is_man, owners) for w in windows]}
    for name, images in before.items():
        cells = [window.cells[name] for window in windows]
        found[f"score {name}"] = [score_deviation(cell, images, 10) for cell in cells]
        found[f"prevalence {name}"] = [
            share_deviation(cell.labels == 1, cell.patients, images.labels == 1, images.patients) for cell in cells
        ]
    return found


def summarise(setting: Setting, firsts: list[dict[str, int | None]]) -> dict[str, object]:
    """Returns false alarms, power and delay of each rule."""
    row: dict[str, object] = {
        "change": setting.change,
        "family": setting.family,
        "patients": setting.n_patients,
        "reference": setting.n_reference,
        "n_years": len(firsts),
    }
    last = WINDOWS if not CHANGES[setting.change] else CHANGE
    for rule in RULES:
        first = [found[rule] for found in firsts]
        false = [k is not None and k < last for k in first]
        delays = [k - CHANGE + 1 for k in first if k is not None and k >= CHANGE]
        n_true = len(first) - sum(false)
        row[rule] = {
            "false_alarms": 100 * float(np.mean(false)),
            "power": None if not CHANGES[setting.change] else 100 * len(delays) / max(n_true, 1),
            "delay": float(np.median(delays)) if delays and CHANGES[setting.change] else None,
        }
    return row


def print_table(found: Mapping[str, Any]) -> None:
    print(
        "\nPercent of years with an alarm; after a change: percent that notice it, in so many windows (median), of "
        "years without an alarm before it"
    )
    print(f"{'change':26}{'patients':>9}{'reference':>10}" + "".join(f"{rule:>18}" for rule in RULES))
    for row in found["rows"]:
        cells = "".join(f"{told(row[rule]):>18}" for rule in RULES)
        print(f"{row['change']:26}{row['patients']:9}{row['reference']:10}{cells}")
    print(f"{found['seconds']:.0f} s")


def told(cell: Mapping[str, Any]) -> str:
    if cell["power"] is None:
        return f"{cell['false_alarms']:.1f} false"
    return f"{cell['power']:.0f} in " + ("-" if cell["delay"] is None else f"{cell['delay']:g}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer years: within 10 minutes")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--n-years", type=int, help="a setting (default 1000; quick: 60)")
    options = parser.parse_args()
    n_years = options.n_years or (60 if options.quick else 1000)
    settings = [Setting(change, n, reference) for change in CHANGES for n, reference in SIZES]
    start = time.perf_counter()
    with ProcessPoolExecutor() as pool:
        table = [
            summarise(setting, list(pool.map(partial(year, setting), range(n_years), chunksize=10)))
            for setting in settings
        ]
    found = {"alpha": RULE.alpha, "horizon": RULE.horizon, "rows": table, "seconds": time.perf_counter() - start}
    show(describe("numpy", "scipy"), found, print_table, as_json=options.json)


if __name__ == "__main__":
    main()
