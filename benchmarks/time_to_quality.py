"""What a mask costs that serves the worst-off subgroup as well as the one that the paper's protocol finds.

    python benchmarks/time_to_quality.py [--set-up demo|ham10000] [--store FOLDER] [--quick] [--json]

The protocol (arXiv 2310.05055) draws every trial from Optuna's TPE, trains it to its end and takes the mask with the
best validation value. Ours is ``search_masks`` with anchors, screening, early stopping and confirmation, over the
same masks and learning rates. Both train by ``SupervisedTuner``, so that costs can be counted in complete fine-
tunings, by passes of one image through the network: a training has three for each training image and epoch, and one
for each validation image and epoch. Ours has more: screened masks, the training split after each epoch of some
trainings, the confirmation with its selection split. Only the predictions for the report, which the protocol does not
have, are told apart.

Each answer is then trained again with fresh seeds that neither search saw, and its worst-group AUROC is taken on the
test split, which neither search chose by: the *confirmed* value. The protocol's answer is followed trial by trial, so
that the table tells after how many trainings it reached ours.

Both searches and all trainings are kept in ``--store``: the same command goes on where it was broken off.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import tempfile
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import torch
from machine import describe, show
from screening import set_up_of
from tqdm import tqdm
from trial_set_ups import KeepBest, SetUp, build_tuner

from monai_fairtune.masks import Mask, Partition
from monai_fairtune.objectives import WorstGroupAUROC
from monai_fairtune.predictions import write_json
from monai_fairtune.search import Experiment, SearchSettings, search_masks
from monai_fairtune.tuning import Budget, SupervisedTuner

LEARNING_RATES = (1e-5, 1e-3)
SPLITS = ("train", "validation", "selection", "test")
FRESH_SEEDS = (901, 902, 903)
OURS = {
    "n_trials": 14,
    "n_finalists": 2,
    "n_seeds": 1,
    "n_startup_trials": 10,
}


@dataclass
class Bench:
    """Cohort, network and masks of both searches, and where they are kept."""

    set_up: SetUp
    tuner: SupervisedTuner
    space: Partition
    folder: Path
    n_screened: int

    @classmethod
    def of(cls, name: str, folder: Path, device: str, n_screened: int) -> Bench:
        torch.set_num_threads(1)  # as in every process, since threads change rounding
        set_up = set_up_of(name, folder)
        tuner, _ = build_tuner(set_up, folder, device, "float32" if name == "demo" else "bfloat16")
        return cls(set_up, tuner, tuner.network.partition("attention"), folder, n_screened)

    def protocol(self, seed: int, n_trials: int) -> list[tuple[Mask, float, float]]:
        """Returns mask, learning rate and validation value of every trial."""
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        study = optuna.create_study(
            direction="maximize",
            study_name=f"protocol {seed}",
            storage=f"sqlite:///{self.folder / f'protocol-{seed}.db'}",
            load_if_exists=True,
        )
        names = self.space.searchable

        def objective(trial: optuna.Trial) -> float:
            mask = self.space.mask(name for name in names if trial.suggest_categorical(name, (False, True)))
            rate = trial.suggest_float("learning_rate", *LEARNING_RATES, log=True)
            return self.train(mask, rate, seed=1000 * seed + trial.number)[0]

        finished = (optuna.trial.TrialState.COMPLETE,)
        for number in tqdm(range(len(study.get_trials(states=finished)), n_trials), desc=f"protocol, seed {seed}"):
            study.sampler = optuna.samplers.TPESampler(seed=1000 * seed + number, n_startup_trials=10)
            study.optimize(objective, n_trials=1)
        found = []
        for trial in study.get_trials(states=finished)[:n_trials]:
            mask = self.space.mask(name for name in names if trial.params[name])
            found.append((mask, float(trial.params["learning_rate"]), float(trial.values[0])))
        return found

    def ours(self, seed: int) -> dict[str, Any]:
        """Returns the result of our search."""
        screening = {"screening": True, "n_screened": self.n_screened, "n_screened_trials": 4}
        settings = SearchSettings(
            max_epochs=self.set_up.epochs,
            seed=seed,
            learning_rates=LEARNING_RATES,
            **(screening if self.n_screened else {}),
            repeat_share=0.0,
            n_replicates=100,
            **OURS,
        )
        return search_masks(
            self.tuner,
            self.space,
            WorstGroupAUROC(tuple(self.set_up.cohort.subgroups)),
            anchors=self.tuner.network.anchors(),
            output_dir=self.folder / (f"ours-{seed}" if self.n_screened else f"ours-unscreened-{seed}"),
            settings=settings,
            experiment=Experiment(tuple(self.set_up.cohort.subgroups), cohort_hash=self.set_up.cohort.hash),
        )

    def train(self, mask: Mask, learning_rate: float, seed: int) -> tuple[float, object]:
        """Returns the best validation value and the model that has it."""
        keep = KeepBest(self.set_up)
        result = self.tuner.tune(
            mask, {"learning_rate": learning_rate}, Budget(self.set_up.epochs), seed=seed, on_epoch=keep
        )
        return keep.best, result.model

    def confirm(self, mask: Mask, learning_rate: float) -> float:
        """Returns the worst-group AUROC on unseen patients, the mean over fresh seeds."""
        path = self.folder / "confirmed" / f"{mask.key}-{learning_rate:.6e}.json"
        if not path.exists():
            objective = WorstGroupAUROC(tuple(self.set_up.cohort.subgroups))
            models = (self.train(mask, learning_rate, seed)[1] for seed in FRESH_SEEDS)
            values = [objective.evaluate(self.tuner.predict(model, "test")) for model in models]
            write_json(path, values)
        return float(np.mean(json.loads(path.read_text())))

    def cost(self, result: Mapping[str, Any]) -> tuple[float, float]:
        """Returns what our search cost, and its report besides, in complete fine-tunings."""
        n_train, n_validation, n_selection, n_test = map(self.set_up.n_images, SPLITS)
        an_epoch = 3 * n_train + n_validation
        passes = (result["screening"] or {"n_screened": 0})["n_screened"] * (n_train + n_validation)
        for trial in result["trials"]:
            n_epochs = self.set_up.epochs if trial["state"] == "failed" else trial["n_epochs"]
            passes += trial["attempts"] * n_epochs * (an_epoch + n_train * (trial["name"] == "full"))
        for _ in range(OURS["n_finalists"] * OURS["n_seeds"]):
            passes += self.set_up.epochs * (an_epoch + n_train) + n_selection
        report = (1 + len(result["anchors"])) * (n_train + n_validation + n_selection + n_test)
        whole = self.set_up.epochs * an_epoch
        return passes / whole, report / whole

    def compare(self, seed: int, n_trials: int) -> dict[str, Any]:
        """Returns both answers of one seed, and when the protocol reached ours."""
        result = self.ours(seed)
        mask = self._mask(result)
        ours = self.confirm(mask, result["hyperparameters"]["learning_rate"])
        trials, best, path = self.protocol(seed, n_trials), -1.0, []
        for number, (candidate, rate, value) in enumerate(trials, start=1):
            if value > best:
                best = value
                path.append((number, self.confirm(candidate, rate)))
        cost, report_cost = self.cost(result)
        reached = next((number for number, value in path if value >= ours), None)
        return {
            "seed": seed,
            "ours": ours,
            "ours_cost": cost,
            "report_cost": report_cost,
            "protocol": path[-1][1],
            "protocol_cost": n_trials,
            "protocol_reached_ours_after": reached,
            "method": result["method"],
        }

    def _mask(self, result: Mapping[str, Any]) -> Mask:
        if result["mask"]["partition"] == self.space.name:
            return Mask.from_dict(result["mask"], self.space)
        return self.tuner.network.anchors()[result["method"]]


def compare(name: str, folder: Path, device: str, n_screened: int, seed: int, n_trials: int) -> dict[str, Any]:
    """Runs both searches of one seed, in a process of its own."""
    return Bench.of(name, folder, device, n_screened).compare(seed, n_trials)


def interval(values: list[float]) -> tuple[float, float, float]:
    """Returns the mean and a 95 % interval from Student's t over seeds."""
    from scipy.stats import t

    mean = float(np.mean(values))
    if len(values) < 2:
        return mean, float("nan"), float("nan")
    half = float(t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values)))
    return mean, mean - half, mean + half


def print_table(found: Mapping[str, Any]) -> None:
    print(f"\n{found['set_up']}\n")
    print("confirmed worst-group AUROC (cost in complete fine-tunings)")
    print(f"{'seed':>5}{'cost ratio':>12}{'ours':>16}{'protocol':>16}  protocol reached ours after")
    for row in found["rows"]:
        print(
            f"{row['seed']:5}{row['ours_cost'] / row['protocol_cost']:12.2f}"
            f"{row['ours']:9.4f} ({row['ours_cost']:4.1f}){row['protocol']:9.4f} ({row['protocol_cost']:4.0f})"
            f"  {row['protocol_reached_ours_after'] or 'not within these trials'}; ours is {row['method']}"
        )
    report = found["rows"][0]["report_cost"]
    print(f"\npredictions for our report, not counted: {report:.1f} more")
    mean, low, high = found["difference"]
    print(f"ours minus protocol: {mean:+.4f} (95 % interval over seeds {low:+.4f} to {high:+.4f})")
    print(f"for comparison, all attentions tuned at the middle learning rate, no search: {found['attention']:.4f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set-up", choices=("ham10000", "demo"), default="demo")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--store", type=Path, help="keeps searches and trainings; default: a folder that is deleted")
    parser.add_argument("--trials", type=int, help="of the protocol; default: 200")
    parser.add_argument("--screened", type=int, default=48, help="masks that ours screens; 0: ours without screening")
    parser.add_argument("--seeds", type=int, default=3, help="searches of each kind")
    parser.add_argument("--n-workers", type=int, default=2, help="processes, of one thread each")
    parser.add_argument("--quick", action="store_true", help="one seed, 20 trials of the protocol")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    n_trials = options.trials or (20 if options.quick else 200)
    seeds = range(1, 2 if options.quick else options.seeds + 1)
    with tempfile.TemporaryDirectory() as name:
        folder = (options.store or Path(name)) / options.set_up
        folder.mkdir(parents=True, exist_ok=True)
        arguments = (options.set_up, folder, options.device, options.screened)
        bench = Bench.of(*arguments)  # decodes the images before the processes share them
        with ProcessPoolExecutor(options.n_workers, multiprocessing.get_context("spawn")) as pool:
            parts = [pool.submit(compare, *arguments, seed, n_trials) for seed in seeds]
            rows = [part.result() for part in parts]
        attention = bench.confirm(bench.space.all_tuned(), float(np.sqrt(np.prod(LEARNING_RATES))))
    found = {
        "set_up": bench.set_up.describe(),
        "rows": rows,
        "difference": interval([row["ours"] - row["protocol"] for row in rows]),
        "attention": attention,
    }
    about = describe("optuna", "torch", "timm")
    show(about, found, print_table, as_json=options.json)


if __name__ == "__main__":
    main()
