"""How fast a trial is, beside the protocol of the paper with the same masks, data, network, epochs and batches.

    python benchmarks/speed.py [--set-up demo|ham10000|vit-b-224] [--precision P] [--compiled-blocks] [--quick]
                               [--json]

Ours is ``SupervisedTuner`` as the bundle builds it: images decoded once, network and weights resident. The protocol
(``paper_protocol.py``) is measured in float32 and in mixed precision. Each of the three is a process of its own that
trains one epoch untimed first; they then take turns, mask by mask, so that other load meets all of them. What ours does
once (decoding, reading the weights, building network and tuner) is shared out over 50 trials and counted in. The
protocol decodes in as many worker processes as train head only fastest. Memory is the largest resident set of each
process; that of the protocol's workers is not counted. Processor seconds, workers' included, depend less on other load.

The ratio of a search is that of all masks together. Images a second are those of training epochs: capturing CUDA graphs
comes before them and counts in the seconds of a trial alone. The share of the matrix product's rate tells what training
makes of the device: operations of the network's own products, forward and backward as the mask needs them, by the
measured rate of one large product in the same precision.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch
from machine import describe, show
from paper_protocol import run_trial
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode
from trial_set_ups import (
    KeepBest,
    SetUp,
    TrainingClock,
    add_options,
    build_network,
    build_tuner,
    choose_masks,
    folder_of,
    prepare,
)

from monai_fairtune.masks import Mask
from monai_fairtune.tuning import Budget, SupervisedTuner, TrainingHandlers

N_TRIALS = 50
SIDES = ("ours", "protocol float32", "protocol bfloat16")

Row = dict[str, Any]


class Ours:
    """Our tuner, in a process of its own."""

    def __init__(self, set_up: SetUp, folder: Path, options: argparse.Namespace) -> None:
        self.set_up = set_up
        self.tuner, self.once = build_tuner(
            set_up, folder, options.device, options.precision, compiled_blocks=options.compiled_blocks
        )
        self.masks = choose_masks(self.tuner.network)
        if options.compiled_blocks:
            self.compile()

    def trial(self, mask: str, epochs: int, **_: object) -> Row:
        clock = TrainingClock()
        self.tuner.handlers = lambda _: TrainingHandlers(trainer=(clock,))
        rates, budget = {"learning_rate": self.set_up.learning_rate}, Budget(epochs)
        start = time.perf_counter()
        self.tuner.tune(self.masks[mask], rates, budget, seed=0, on_epoch=KeepBest(self.set_up))
        return {"seconds": time.perf_counter() - start, "training_seconds": clock.seconds}

    def compile(self) -> None:
        """Trains every mask for an epoch, after which there is a graph for each: a cost of once, told apart."""
        start = time.perf_counter()
        for mask in self.masks:
            self.trial(mask, epochs=1)
        for mask in self.masks:
            start += 2 * self.trial(mask, epochs=1)["seconds"]  # the first round took this long besides compiling
        self.once["compiling"] = time.perf_counter() - start

    def cost_once(self) -> Row:
        return self.once

    def arithmetic(self, mask: str) -> Row:
        """Returns operations an image, and operations a second of one large matrix product."""
        device = self.tuner.device
        dtype = getattr(torch, self.tuner.network.precision)
        operations = operations_per_image(self.tuner, self.masks[mask])
        return {"operations": operations, "rate": matrix_product_rate(device, dtype), "dtype": str(dtype)}


class Protocol:
    """The paper's protocol, in a process of its own."""

    def __init__(self, set_up: SetUp, device: str, precision: str) -> None:
        self.set_up, self.device, self.precision = set_up, device, precision

    def trial(self, epochs: int, tuned: frozenset[str], n_workers: int, **_: object) -> Row:
        set_up = SetUp(**{**vars(self.set_up), "epochs": epochs})
        trial = run_trial(set_up, tuned, precision=self.precision, device=self.device, n_workers=n_workers)
        return {"seconds": trial.seconds, "training_seconds": trial.training_seconds}


def operations_per_image(tuner: SupervisedTuner, mask: Mask) -> float:
    """Returns the floating point operations of a training step, for one image: those of matrix products."""
    network, n = tuner.network, 2
    network.apply_mask(mask)
    network.train()
    images = torch.rand(n, 3, network.image_size, network.image_size, device=tuner.device)
    # Attention as plain products: fused kernels count what they compute twice to save memory.
    eager = torch.compiler.set_stance("force_eager")
    with eager, FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        network(images).sum().backward()
    network.zero_grad(set_to_none=True)
    return counter.get_total_flops() / n


def matrix_product_rate(device: torch.device, dtype: torch.dtype) -> float:
    """Returns the operations a second of the fastest of some products of two large matrices."""
    n, n_products = (8192, 10) if device.type == "cuda" else (2048, 1)
    left, right = (torch.randn(n, n, device=device, dtype=dtype) for _ in range(2))
    fastest = float("inf")
    for _ in range(6):
        start = time.perf_counter()
        for _ in range(n_products):
            product = left @ right
        float(product[0, 0])  # waits for the device
        fastest = min(fastest, time.perf_counter() - start)
    return 2 * n**3 * n_products / fastest


def serve(connection: Connection, side: str, folder: Path, options: argparse.Namespace) -> None:
    """Builds one side and answers its calls, each a method's name and arguments, until there is None."""
    set_up = prepare(options.set_up, folder, quick=options.quick, n_train=options.n_train)
    _, _, precision = side.partition(" ")
    on_cuda = torch.device(options.device).type == "cuda"
    runner = Protocol(set_up, options.device, precision) if precision else Ours(set_up, folder, options)
    while (call := connection.recv()) is not None:
        method, arguments = call
        if on_cuda:
            torch.cuda.reset_peak_memory_stats()
        processor = sum(os.times()[:4])  # of this process and of workers that have ended
        found = getattr(runner, method)(**arguments)
        found["processor_seconds"] = sum(os.times()[:4]) - processor
        on_device = torch.cuda.max_memory_allocated() / 2**30 if on_cuda else None
        connection.send({**found, "peak_gib": resident_gib(), "device_gib": on_device})


def resident_gib() -> float:
    """Returns the largest resident set of this process; what a process inherits from its parent is not in it."""
    status = Path("/proc/self/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 2**20


class Side:
    """One side's process, called from this one."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def __call__(self, method: str, **arguments: Any) -> Row:
        self.connection.send((method, arguments))
        found: Row = self.connection.recv()
        return found


@contextmanager
def started(side: str, folder: Path, options: argparse.Namespace) -> Iterator[Side]:
    # A new interpreter: a forked one would start with this one's memory and could not use CUDA.
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=serve, args=(there, side, folder, options))
    process.start()
    there.close()  # a process that dies is then noticed
    try:
        yield Side(here)
        here.send(None)
        process.join(60)
    finally:
        process.terminate()


def fastest_workers(protocol: Side, tuned: frozenset[str], epochs: int) -> tuple[int, dict[int, float]]:
    """Returns with how many processes a trial of head only is fastest, and the seconds of each that was tried."""
    n_cores = len(os.sched_getaffinity(0))
    tried = (0, 1, n_cores) if n_cores <= 4 else (n_cores // 4, n_cores // 2, n_cores)
    seconds = {n: protocol("trial", mask="", epochs=epochs, tuned=tuned, n_workers=n)["seconds"] for n in tried}
    return min(seconds, key=lambda n: seconds[n]), seconds


def measure(set_up: SetUp, folder: Path, options: argparse.Namespace) -> Row:
    masks = choose_masks(build_network(set_up))
    tuned = {name: mask.parameter_names for name, mask in masks.items()}
    found: dict[str, dict[str, Row]] = {name: {} for name in masks}
    with ExitStack() as stack:
        sides = {name: stack.enter_context(started(name, folder, options)) for name in SIDES}
        for side in sides.values():
            side("trial", mask="full", epochs=1, tuned=tuned["full"], n_workers=1)
        n_workers, tried = fastest_workers(sides["protocol float32"], tuned["head only"], set_up.epochs)
        arithmetic = {}
        for mask, rows in found.items():
            for name, side in sides.items():
                job = {"mask": mask, "tuned": tuned[mask], "epochs": set_up.epochs, "n_workers": n_workers}
                rows[name] = side("trial", **job)
                print(f"{mask}, {name}: {rows[name]['seconds']:.1f} s", file=sys.stderr)
            arithmetic[mask] = sides["ours"]("arithmetic", mask=mask)
        once = sides["ours"]("cost_once")
    product = max(arithmetic.values(), key=lambda measured: measured["rate"])
    seconds_once = {name: once[name] for name in ("decoding", "network_and_tuner", "compiling") if name in once}
    result = summarise(set_up, found, sum(seconds_once.values()))
    for row in result["masks"]:
        row["trained_share"] = masks[row["mask"]].trained_share
        rate = arithmetic[row["mask"]]["operations"] * row["images_per_second"]["ours"]
        row["share_of_matrix_product_rate"] = rate / product["rate"]
    return {
        **result,
        "once_seconds": seconds_once,
        "processor_seconds_all_masks": {
            name: sum(rows[name]["processor_seconds"] for rows in found.values()) for name in SIDES
        },
        "peak_gib": {name: found["full"][name]["peak_gib"] for name in SIDES},
        "workers": n_workers,
        "workers_tried_seconds": tried,
        "matrix_product": {"dtype": product["dtype"], "operations_per_second": product["rate"]},
    }


def summarise(set_up: SetUp, found: dict[str, dict[str, Row]], once: float) -> Row:
    """Returns the ratios, in which a trial of ours bears its share of what is done once."""
    n_trained, share = set_up.epochs * set_up.n_images("train"), once / N_TRIALS

    def ratios(seconds: dict[str, float], n: int) -> dict[str, float]:
        return {name: seconds[name] / (seconds["ours"] + n * share) for name in SIDES[1:]}

    masks, total = [], dict.fromkeys(SIDES, 0.0)
    for mask, rows in found.items():
        seconds = {name: row["seconds"] for name, row in rows.items()}
        total = {name: total[name] + seconds[name] for name in SIDES}
        masks.append(
            {
                "mask": mask,
                "ratio": ratios(seconds, 1),
                "seconds": seconds,
                "images_per_second": {name: n_trained / row["training_seconds"] for name, row in rows.items()},
            }
        )
        if rows["ours"]["device_gib"] is not None:
            masks[-1]["device_gib"] = {name: row["device_gib"] for name, row in rows.items()}
    of_all = ratios(total, len(found))
    return {
        "ratio_seconds_per_trial": of_all["protocol float32"],
        "ratio_seconds_per_trial_bfloat16": of_all["protocol bfloat16"],
        "once_seconds_per_trial": share,
        "seconds_all_masks": total,
        "masks": masks,
    }


def print_table(result: Mapping[str, Any]) -> None:
    print(f"\n{result['set_up']}; ours in {result['matrix_product']['dtype']}")
    ratio = (result["ratio_seconds_per_trial"], result["ratio_seconds_per_trial_bfloat16"])
    print("\n              protocol / ours         seconds a trial       training images a second     share of")
    print("mask         float32 bfloat16   ours  float32 bfloat16   ours  float32 bfloat16   product, %  tuned, %")
    for row in result["masks"]:
        print(
            f"{row['mask']:12}{numbers(row['ratio'], 9, 2)} {numbers(row['seconds'], 8, 2)}"
            f"{numbers(row['images_per_second'], 8, 1)}"
            f"{100 * row['share_of_matrix_product_rate']:12.1f}{100 * row['trained_share']:10.2f}"
        )
    print(f"{'all':12}{ratio[0]:9.2f}{ratio[1]:9.2f} {numbers(result['seconds_all_masks'], 8, 2)}")
    print("\n" + " " * 32 + "ours  float32 bfloat16")
    print(f"{'processor seconds, all':27}{numbers(result['processor_seconds_all_masks'], 9, 1)}")
    print(f"{'largest memory, GiB':27}{numbers(result['peak_gib'], 9, 2)}")
    for row in (row for row in result["masks"] if "device_gib" in row):
        print(f"{'of CUDA, ' + row['mask']:27}{numbers(row['device_gib'], 9, 2)}")
    product, tried = result["matrix_product"], result["workers_tried_seconds"]
    print(
        f"\nOurs, once: {', '.join(f'{name} {seconds:.2f} s' for name, seconds in result['once_seconds'].items())}; "
        f"{result['once_seconds_per_trial']:.3f} s a trial of {N_TRIALS}."
        f"\nProcesses in which the protocol decodes: {result['workers']} (head only: "
        f"{', '.join(f'{n} in {seconds:.1f} s' for n, seconds in tried.items())}).\n"
        f"A matrix product in {product['dtype']}: {product['operations_per_second'] / 1e12:.3f} TFLOP/s."
    )


def numbers(values: dict[str, float], width: int, digits: int) -> str:
    return "".join(f"{value:{width}.{digits}f}" for value in values.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser)
    parser.add_argument("--precision", help="of ours; default: what the bundle chooses for the device")
    parser.add_argument("--compiled-blocks", action="store_true", help="ours trains with compiled blocks")
    options = parser.parse_args()
    about = describe("torch", "torchvision", "timm", "monai") | {"threads": torch.get_num_threads()}
    if options.device.startswith("cuda"):
        about["device"] = torch.cuda.get_device_name(options.device)
    with folder_of(options) as folder:
        set_up = prepare(options.set_up, folder, quick=options.quick, n_train=options.n_train)
        result = {"set_up": set_up.describe()} | measure(set_up, folder, options)
    show(about, result, print_table, as_json=options.json)


if __name__ == "__main__":
    main()
