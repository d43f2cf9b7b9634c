"""What shortcuts save in a step that is made without them.

    python benchmarks/shortcuts.py [--set-up demo|ham10000|vit-b-224] [--device D] [--quick] [--json]

``compiled``: every block is compiled by itself (``torch.compile``). A block's graph depends on which of its own
components are tuned and on whether its input needs a gradient, so that a few graphs serve every mask, and a new mask
compiles nothing. ``graphs`` counts those of training steps, all masks together; ``compile`` is what they cost once in a
process.

``captured``: the step's passes are CUDA graphs (``training_graphs``), ``both``: those of compiled blocks. On CUDA only,
and without ``capturing``, which each trial does once for each size of batch: it is told in plain steps.

``prefix``: values that the frozen blocks below the lowest tuned one give are kept from the first epoch on. Validation
could always start there, training only without augmentation. What remains is measured by starting at that block, with
the prefix's values at hand, so that reading them costs nothing: an upper bound of what reuse would gain.

Each figure is the time of the plain step over the time with the shortcut, measured in turns on the same batch; above 1
the shortcut is faster. Time is that of processors where the network computes on them.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from machine import describe, show
from monai.inferers import Inferer
from torch import Tensor
from torch.nn.functional import cross_entropy
from trial_set_ups import SetUp, add_options, build_network, folder_of, prepare

from monai_fairtune.bundle import precision as usual_precision
from monai_fairtune.bundle import torch_device
from monai_fairtune.masks import FairTuneNetwork, Mask, Partition, Stages
from monai_fairtune.tuning import compile_blocks, component_blocks, training_graphs, tuned_optimizer


def masks_of(space: Partition) -> dict[str, Mask]:
    """Masks by how many of the early blocks they leave frozen."""
    names = space.searchable
    return {
        "attention": space.all_tuned(),
        "every second block": space.mask(names[1::2]),
        "last half": space.mask(names[len(names) // 2 :]),
        "last quarter": space.mask(names[-len(names) // 4 :]),
        "head only": space.head_only(),
    }


class Steps:
    """Training steps and forward passes of one mask, whole or from the lowest tuned block on."""

    def __init__(self, network: FairTuneNetwork, mask: Mask, images: Tensor, labels: Tensor) -> None:
        self.network, self.images, self.labels = network, images, labels
        network.reset(0)
        network.apply_mask(mask)
        network.train()
        self.optimizer = tuned_optimizer(network, 1e-4)
        self.stages = Stages.of(network.backbone)
        tuned = {
            path for part, path in component_blocks(self.stages, mask.partition).items() if part.name in mask.tuned
        }
        paths = list(self.stages.blocks)
        self.lowest = min((paths.index(path) for path in tuned), default=len(paths))
        self.blocks = [self.stages.blocks[path] for path in paths[self.lowest :]]
        with torch.no_grad(), network.autocast():
            values = self.stages.start(network.normalise(images))
            for path in paths[: self.lowest]:
                values = self.stages.blocks[path](values)
        self.values = values

    def train(self) -> None:
        self._learn(self.network(self.images))

    def train_by(self, passes: Inferer) -> None:
        self._learn(passes(self.images, self.network))

    def train_from_lowest(self) -> None:
        self._learn(self._from_lowest())

    def predict(self) -> None:
        with torch.no_grad():
            self.network(self.images)

    def predict_from_lowest(self) -> None:
        with torch.no_grad():
            self._from_lowest()

    def _from_lowest(self) -> Tensor:
        with self.network.autocast():
            values = self.values
            for block in self.blocks:
                values = block(values)
            logits: Tensor = self.network.backbone.get_classifier()(self.stages.finish(values))  # type: ignore[operator]
        return logits.float()

    def _learn(self, logits: Tensor) -> None:
        cross_entropy(logits, self.labels).backward()
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)


class Clock:
    """Seconds of the processors, or of the device."""

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def __call__(self, work: Callable[[], None], n_times: int) -> float:
        self._wait()
        now = time.perf_counter if self.device.type == "cuda" else time.process_time
        start = now()
        for _ in range(n_times):
            work()
        self._wait()
        return (now() - start) / n_times

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def ratio(self, plain: Callable[[], None], short: Callable[[], None], n_rounds: int) -> float:
        """Returns plain over short, both measured in turns, after one of each untimed."""
        plain()
        short()
        times = [(self(plain, 3), self(short, 3)) for _ in range(n_rounds)]
        return sum(one for one, _ in times) / sum(other for _, other in times)


def measure(set_up: SetUp, options: argparse.Namespace) -> dict[str, Any]:
    """Returns ratios by mask, and what compiling cost."""
    device, n_rounds = torch_device(options.device), 2 if options.quick else 6
    precision = usual_precision(options.precision, device)
    clock, generator = Clock(device), torch.Generator().manual_seed(0)
    shape = (set_up.batch_size, 3, set_up.image_size, set_up.image_size)
    images = torch.rand(shape, generator=generator).to(device)
    labels = torch.randint(0, 2, shape[:1], generator=generator).to(device)
    plain, compiled = (build_network(set_up, precision).to(device) for _ in range(2))
    compile_blocks(compiled)
    rows, compile_seconds, graphs = [], 0.0, 0
    for name, mask in masks_of(plain.partition("attention")).items():
        steps = Steps(plain, mask, images, labels)
        fast = Steps(compiled, masks_of(compiled.partition("attention"))[name], images, labels)
        n_before = n_graphs()
        first = clock(fast.train, 1)
        graphs += n_graphs() - n_before
        compile_seconds += first - clock(fast.train, 1)
        steps.train()
        rows.append(
            {
                "mask": name,
                "frozen_blocks": steps.lowest,
                "compiled": clock.ratio(steps.train, fast.train, n_rounds),
                **({} if device.type != "cuda" else captured(clock, steps, fast, n_rounds)),
                "prefix_training": clock.ratio(steps.train, steps.train_from_lowest, n_rounds),
                "prefix_validation": clock.ratio(steps.predict, steps.predict_from_lowest, n_rounds),
                "seconds_a_step": clock(steps.train, 3),
            }
        )
    return {"precision": precision, "rows": rows, "graphs": graphs, "compile_seconds": compile_seconds}


def n_graphs() -> int:
    """Returns how many graphs this process has compiled."""
    return int(torch._dynamo.utils.counters["stats"]["unique_graphs"])  # type: ignore[no-untyped-call]


def captured(clock: Clock, plain: Steps, compiled: Steps, n_rounds: int) -> dict[str, float]:
    """Returns ratios of the plain step over captured ones, and how many plain steps the capturing takes."""
    ratios, a_step = {}, clock(plain.train, 3)
    for name, steps in {"captured": plain, "both": compiled}.items():
        start = time.perf_counter()
        with training_graphs(steps.network, [len(steps.images)]) as passes:
            ratios.setdefault("capturing", (time.perf_counter() - start) / a_step)
            ratios[name] = clock.ratio(plain.train, partial(steps.train_by, passes), n_rounds)
    return ratios


def print_table(found: Mapping[str, Any]) -> None:
    print(f"\n{found['set_up']}; {found['precision']}\n")
    columns = {
        name: title
        for name, title in {
            "compiled": "compiled",
            "captured": "captured",
            "both": "both",
            "capturing": "capturing",
            "prefix_training": "prefix, training",
            "prefix_validation": "prefix, validation",
        }.items()
        if name in found["rows"][0]
    }
    print(f"{'times as fast':22}{''.join(f'{title:>20}' for title in columns.values())}{'plain step':>13}")
    for row in found["rows"]:
        ratios = "".join(f"{row[name]:20.2f}" for name in columns)
        print(f"{row['mask']:22}{ratios}{1000 * row['seconds_a_step']:10.1f} ms")
    print(f"\n{found['graphs']} graphs serve all masks; compiling took {found['compile_seconds']:.1f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser)
    parser.add_argument("--precision", help="float32 or bfloat16; default: what the bundle chooses for the device")
    options = parser.parse_args()
    about = describe("torch", "timm") | {"threads": torch.get_num_threads()}
    with folder_of(options) as folder:
        set_up = prepare(options.set_up, folder, quick=True, n_train=options.n_train)
        found = {"set_up": f"{set_up.title} at {set_up.image_size} px, batches of {set_up.batch_size}"}
        found |= measure(set_up, options)
    show(about, found, print_table, as_json=options.json)


if __name__ == "__main__":
    main()
