"""Where the time of a trial goes: of the paper's protocol, and of ours.

    python benchmarks/profile_trial.py [--set-up demo|ham10000|vit-b-224] [--precision P] [--quick] [--json]

Plain clocks at the events of the engines, through the handlers that any tracker uses: every moment between the start of
``SupervisedTuner.tune`` and its end falls to exactly one part, so that parts add up to the trial. On CUDA each event
waits for the device, which makes the trial slower than it is and the parts right. A first trial of each is not counted.

``batches`` gathers images and turns them to float32; ``augmentation`` is theirs; ``engine`` is everything else between
steps: MONAI's and Ignite's loop, the learning rate's schedule, the loss's sum, the check for NaN; ``start`` brings the
pretrained weights back, applies the mask, captures CUDA graphs and builds optimizer and engine. Decoding happens once a
search and saving only for some trials: both are told beside the trial, not in it.

The protocol (``paper_protocol.py``, in float32) reads its weights in ``start``; in ``batches`` it decodes, transforms
and collates, or waits for the processes that do.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from ignite.engine import Engine, Events
from machine import describe, show
from monai.engines.utils import IterationEvents
from paper_protocol import run_trial
from trial_set_ups import KeepBest, SetUp, add_options, build_tuner, choose_masks, folder_of, prepare

from monai_fairtune.masks import Mask
from monai_fairtune.tuning import Budget, EpochReport, SupervisedTuner, TrainingHandlers, TunedModel, Verdict

PARTS = (
    *("start", "batches", "augmentation", "forward", "backward", "optimizer", "engine"),
    *("validation batches", "validation forward", "validation rest", "objective", "snapshot", "end"),
)


class Stopwatch:
    """Gives the time since the last mark to a part; in the end every moment belongs to one."""

    def __init__(self, device: torch.device) -> None:
        self.device, self.seconds = device, defaultdict[str, float](float)
        self._last = time.perf_counter()

    def mark(self, part: str) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        now = time.perf_counter()
        self.seconds[part] += now - self._last
        self._last = now

    def listen(self, engine: Engine, parts: dict[Any, str]) -> None:
        for event, part in parts.items():
            engine.add_event_handler(event, partial(self.mark, part))


class TrainerMarks:
    """Marks what a trainer does, by what has just ended."""

    def __init__(self, watch: Stopwatch) -> None:
        self.watch = watch

    def attach(self, engine: Engine) -> None:
        self.watch.listen(
            engine,
            {
                Events.STARTED: "start",
                Events.GET_BATCH_STARTED: "engine",
                Events.GET_BATCH_COMPLETED: "batches",
                Events.ITERATION_STARTED: "engine",
                IterationEvents.LOSS_COMPLETED: "forward",
                IterationEvents.BACKWARD_COMPLETED: "backward",
                IterationEvents.MODEL_COMPLETED: "optimizer",
                Events.EPOCH_COMPLETED: "engine",
                Events.COMPLETED: "snapshot",
            },
        )
        engine.add_event_handler(Events.EPOCH_STARTED, self._start)

    def _start(self, engine: Engine) -> None:
        # Between one epoch's answer and the next epoch, the model is kept or not.
        self.watch.mark("snapshot" if engine.state.epoch > 1 else "engine")


class EvaluatorMarks:
    """Likewise for the evaluator of the validation images."""

    def __init__(self, watch: Stopwatch) -> None:
        self.watch = watch

    def attach(self, engine: Engine) -> None:
        self.watch.listen(
            engine,
            {
                Events.STARTED: "validation rest",
                Events.GET_BATCH_STARTED: "validation rest",
                Events.GET_BATCH_COMPLETED: "validation batches",
                Events.ITERATION_STARTED: "validation rest",
                IterationEvents.FORWARD_COMPLETED: "validation forward",
                Events.COMPLETED: "validation rest",
            },
        )


def profile(tuner: SupervisedTuner, set_up: SetUp, mask: Mask) -> tuple[dict[str, float], TunedModel]:
    """Returns seconds by part of one trial, and its model."""
    watch, keep = Stopwatch(tuner.device), KeepBest(set_up)
    hooks = []
    if tuner.augmentation is not None:
        hooks = [
            tuner.augmentation.register_forward_pre_hook(lambda *_: watch.mark("batches")),
            tuner.augmentation.register_forward_hook(lambda *_: watch.mark("augmentation")),
        ]

    def on_epoch(report: EpochReport) -> Verdict:
        watch.mark("validation rest")
        verdict = keep(report)
        watch.mark("objective")
        return verdict

    tuner.handlers = lambda _: TrainingHandlers((TrainerMarks(watch),), (EvaluatorMarks(watch),))
    rates, budget = {"learning_rate": set_up.learning_rate}, Budget(set_up.epochs)
    try:
        watch.mark("start")
        result = tuner.tune(mask, rates, budget, seed=0, on_epoch=on_epoch)
        watch.mark("end")
    finally:
        for hook in hooks:
            hook.remove()
    return {part: watch.seconds[part] for part in PARTS}, result.model


def profile_protocol(set_up: SetUp, mask: Mask, device: torch.device) -> dict[str, float]:
    """Returns seconds by part of one trial of the protocol."""
    watch = Stopwatch(device)
    n_workers = 8 if device.type == "cuda" else 0
    run_trial(set_up, mask.parameter_names, device=str(device), n_workers=n_workers, mark=watch.mark)
    watch.mark("end")
    return {part: watch.seconds[part] for part in PARTS}


def measure(set_up: SetUp, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    tuner, once = build_tuner(set_up, folder, options.device, options.precision)
    masks = choose_masks(tuner.network)
    profile(tuner, set_up, masks["full"])
    profile_protocol(set_up, masks["head only"], tuner.device)
    rows = []
    for name, mask in masks.items():
        seconds, model = profile(tuner, set_up, mask)
        start = time.perf_counter()
        tuner.save(model, folder / "model.safetensors")
        saving = time.perf_counter() - start
        protocol = profile_protocol(set_up, mask, tuner.device)
        rows.append({"mask": name, "ours": seconds, "protocol": protocol, "saving_seconds": saving})
    return {"masks": rows, "decoding_seconds": once["decoding"]}


def print_table(result: Mapping[str, Any]) -> None:
    rows = result["masks"]
    print(f"\n{result['set_up']}; precision: {result['precision']}")
    for side in ("protocol", "ours"):
        totals = [sum(row[side].values()) for row in rows]
        print(f"\n{side + ', %':19}" + "".join(f"{row['mask']:>13}" for row in rows))
        for part in PARTS:
            shares = (row[side][part] / total for row, total in zip(rows, totals, strict=True))
            print(f"{part:19}" + "".join(f"{100 * share:13.2f}" for share in shares))
        print(f"{'seconds':19}" + "".join(f"{total:13.3f}" for total in totals))
    print(f"{'saving, seconds':19}" + "".join(f"{row['saving_seconds']:13.3f}" for row in rows))
    print(f"\nDecoding, once a search: {result['decoding_seconds']:.2f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser)
    parser.add_argument("--precision", help="of ours; default: what the bundle chooses for the device")
    options = parser.parse_args()
    about = describe("torch", "timm", "monai", "pytorch-ignite") | {"threads": torch.get_num_threads()}
    with folder_of(options) as folder:
        set_up = prepare(options.set_up, folder, quick=options.quick, n_train=options.n_train)
        result = {
            "set_up": set_up.describe(),
            "precision": options.precision or "default",
            **measure(set_up, folder, options),
        }
    show(about, result, print_table, as_json=options.json)


if __name__ == "__main__":
    main()
