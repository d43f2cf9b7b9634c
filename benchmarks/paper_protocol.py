"""The protocol of the FairTune paper (arXiv 2310.05055) as a plain PyTorch loop, to compare with.

    python benchmarks/paper_protocol.py [--set-up demo] [--trials 3] [--quick] [--json]

Written from the paper's description and from nobody's code. Every trial builds its datasets, loads the pretrained
weights from their file, decodes the images from their files in every epoch (a DataLoader with worker processes that
live as long as the trial), transforms them by torchvision, tunes what the mask says, validates after every epoch, keeps
the best one, and tells the pruner once, at the end. Network, loss, optimizer, schedule, steps and objective are those
of ``SupervisedTuner``. Where a choice was open, the faster usual one was taken: pinned memory, copies that do not
block, inference mode, nothing read from the device within an epoch, and only tuned tensors kept of the best epoch.
Mixed precision is bfloat16 autocast on every device, which needs no gradient scaler.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from machine import describe
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2
from trial_set_ups import ATTRIBUTE, SetUp, add_options, folder_of, prepare

from monai_fairtune.cohort import Cohort
from monai_fairtune.cohort.decoding import decode_image
from monai_fairtune.masks import FairTuneNetwork
from monai_fairtune.masks.backbone import build_backbone
from monai_fairtune.masks.head import head_parameter_names, initialise_head
from monai_fairtune.masks.weights import fit_weights, read_weights
from monai_fairtune.objectives import WorstGroupAUROC
from monai_fairtune.predictions import Predictions
from monai_fairtune.tuning import balanced_class_weights, warmup_cosine

Mark = Callable[[str], None]
"""Is told of each part of a trial that has just ended, to measure it."""

EVALUATION_BATCH = 128
HEAD_FACTOR, WEIGHT_DECAY = 10.0, 0.01


@dataclass(frozen=True)
class Trial:
    """What a trial of the protocol found, and what it cost.

    Args:
        validation: of the best epoch, every image of the validation split; ``probabilities`` are in the cohort's order.
        tuned: the tuned tensors of that epoch.
        best_epoch: from 1.
        value: the objective then.
        seconds: of the whole trial.
        training_seconds: of the passes over the training images.
    """

    validation: Predictions
    tuned: Mapping[str, Tensor]
    best_epoch: int
    value: float
    seconds: float
    training_seconds: float


def run_trial(
    set_up: SetUp,
    tuned: Collection[str],
    *,
    seed: int = 0,
    learning_rate: float | None = None,
    precision: str = "float32",
    device: str = "cpu",
    n_workers: int = 0,
    report: Callable[[float], None] | None = None,
    mark: Mark = lambda part: None,  # noqa: ARG005
) -> Trial:
    """Trains once from the pretrained weights.

    Args:
        set_up: cohort, network and budget.
        tuned: names of the parameters to tune, those of the head included, as ``Mask.parameter_names`` gives them.
        seed: of the head, the order of the images and the transforms.
        learning_rate: of the tuned components; by default the set-up's.
        precision: ``float32``, or ``bfloat16`` for autocast.
        device: where the network runs.
        n_workers: processes that decode, for each of the two loaders; 0 decodes in this process.
        report: told the objective's best value, once, when the trial is over.
        mark: told of the parts of the trial.
    """
    start, training_seconds = time.perf_counter(), 0.0
    torch.manual_seed(seed)
    network = load_network(set_up, tuned, seed).to(device)
    train, validation = (_loader(set_up, network, split, n_workers, device) for split in ("train", "validation"))
    optimizer = _optimizer(network, set_up.learning_rate if learning_rate is None else learning_rate)
    schedule = warmup_cosine(optimizer, set_up.epochs * len(train))
    labels = set_up.cohort.labels[set_up.cohort.indices("train")]
    criterion = nn.CrossEntropyLoss(weight=balanced_class_weights(labels)).to(device)
    objective = WorstGroupAUROC(tuple(set_up.cohort.subgroups))
    best: Trial | None = None
    mark("start")
    for epoch in range(1, set_up.epochs + 1):
        begun = time.perf_counter()
        _train(network, train, criterion, optimizer, schedule, precision, mark)
        training_seconds += time.perf_counter() - begun
        predictions = _predict(set_up, network, validation, precision, mark)
        mark("validation rest")
        value = objective.evaluate(predictions)
        mark("objective")
        if best is None or value > best.value:
            kept = {name: weight.detach().clone() for name, weight in network.named_parameters() if name in tuned}
            best = Trial(predictions, kept, epoch, value, 0.0, 0.0)
        mark("snapshot")
    assert best is not None, "a trial has at least one epoch"  # noqa: S101
    if report is not None:
        report(best.value)
    return replace(best, seconds=time.perf_counter() - start, training_seconds=training_seconds)


def load_network(set_up: SetUp, tuned: Collection[str], seed: int) -> nn.Module:
    """Returns the pretrained network with a new head; only what is ``tuned`` has gradients."""
    network = build_backbone(set_up.backbone, n_classes=2, image_size=set_up.image_size, n_channels=3, arguments={})
    fit_weights(network, read_weights(set_up.weights), head_parameter_names(network), str(set_up.weights))
    initialise_head(network, seed)
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(name in tuned)
    return network


class Pictures(Dataset[tuple[Tensor, int]]):
    """Image files with their labels, decoded whenever they are asked for."""

    def __init__(self, cohort: Cohort, split: str, transform: Callable[[Image.Image], Tensor]) -> None:
        rows = cohort.indices(split)
        self.paths, self.labels = [cohort.images[row] for row in rows], cohort.labels[rows].tolist()
        self.transform = transform

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, number: int) -> tuple[Tensor, int]:
        return self.transform(_read(self.paths[number])), self.labels[number]


def _read(path: Path) -> Image.Image:
    if path.suffix == ".dcm":  # Pillow cannot read it
        return Image.fromarray(np.uint8(decode_image(path)[0] * 255)).convert("RGB")
    with Image.open(path) as image:
        return image.convert("RGB")


def _loader(set_up: SetUp, network: Any, split: str, n_workers: int, device: str) -> DataLoader[tuple[Tensor, int]]:
    is_train, size = split == "train", set_up.image_size
    varied = [
        v2.RandomHorizontalFlip(),
        v2.RandomAffine(15, (0.05, 0.05), (0.9, 1.1), interpolation=v2.InterpolationMode.BILINEAR),
        v2.ColorJitter(brightness=0.1, contrast=0.1),
    ]
    transform = v2.Compose(
        [
            v2.Resize((size, size)),
            *(varied if is_train and set_up.augments else []),
            v2.PILToTensor(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(network.pretrained_cfg["mean"], network.pretrained_cfg["std"]),
        ]
    )
    return DataLoader(
        Pictures(set_up.cohort, split, transform),
        set_up.batch_size if is_train else EVALUATION_BATCH,
        shuffle=is_train,
        num_workers=n_workers,
        multiprocessing_context="fork" if n_workers else None,  # others start a new interpreter for every worker
        persistent_workers=n_workers > 0,
        pin_memory=torch.device(device).type == "cuda",
    )


def _optimizer(network: nn.Module, learning_rate: float) -> torch.optim.AdamW:
    head, groups = head_parameter_names(network), []
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            rate = learning_rate * (HEAD_FACTOR if name in head else 1.0)
            decay = WEIGHT_DECAY if parameter.ndim > 1 else 0.0
            groups.append((rate, decay, parameter))
    kinds = sorted({(rate, decay) for rate, decay, _ in groups})
    return torch.optim.AdamW(
        [
            {"params": [weight for *of, weight in groups if of == [rate, decay]], "lr": rate, "weight_decay": decay}
            for rate, decay in kinds
        ]
    )


def _train(
    network: nn.Module,
    loader: DataLoader[tuple[Tensor, int]],
    criterion: nn.Module,
    optimizer: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    precision: str,
    mark: Mark,
) -> None:
    device = next(network.parameters()).device
    network.train()
    for images, labels in loader:
        mark("batches")
        optimizer.zero_grad(set_to_none=True)
        with _precision(device, precision):
            logits = network(images.to(device, non_blocking=True))
            loss = criterion(logits, labels.to(device, non_blocking=True))
        mark("forward")
        loss.backward()
        mark("backward")
        optimizer.step()
        schedule.step()
        mark("optimizer")
    if device.type == "cuda":  # else the clock would stop before the device does
        torch.cuda.synchronize(device)


@torch.inference_mode()
def _predict(
    set_up: SetUp, network: nn.Module, loader: DataLoader[tuple[Tensor, int]], precision: str, mark: Mark
) -> Predictions:
    device = next(network.parameters()).device
    network.eval()
    logits = []
    with _precision(device, precision):
        for images, _ in loader:
            mark("validation batches")
            logits.append(network(images.to(device, non_blocking=True)))
            mark("validation forward")
    return set_up.cohort.predictions("validation", torch.cat(logits).float().cpu().numpy())


def _precision(device: torch.device, precision: str) -> torch.autocast:
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser)
    parser.add_argument("--trials", type=int, default=3, help="trials of each precision, with all attentions tuned")
    parser.add_argument("--workers", type=int, default=1, help="processes that decode")
    options = parser.parse_args()
    about = describe("torch", "torchvision", "timm") | {"threads": torch.get_num_threads()}
    rows = []
    with folder_of(options) as folder:
        set_up = prepare(options.set_up, folder, quick=options.quick, n_train=options.n_train)
        network = FairTuneNetwork(set_up.backbone, set_up.weights, image_size=set_up.image_size)
        tuned = network.partition("attention").all_tuned().parameter_names
        for precision in ("float32", "bfloat16"):
            for seed in range(options.trials):
                trial = run_trial(
                    set_up, tuned, seed=seed, precision=precision, device=options.device, n_workers=options.workers
                )
                rate = set_up.epochs * set_up.n_images("train") / trial.training_seconds
                row = {"precision": precision, "seed": seed, "images_per_second": rate, "seconds": trial.seconds}
                rows.append(row | {"best_epoch": trial.best_epoch, ATTRIBUTE: trial.value})
    if options.json:
        print(json.dumps({**about, "set_up": set_up.describe(), "trials": rows}))
        return
    print(*(f"{name}: {value}" for name, value in about.items()), sep="\n")
    print(f"\n{set_up.describe()}\nprecision   seed  images/s  seconds  best epoch  worst-group AUROC")
    for row in rows:
        print(
            f"{row['precision']:11}{row['seed']:5}{row['images_per_second']:10.1f}{row['seconds']:9.2f}{row['best_epoch']:12}{row[ATTRIBUTE]:19.3f}"
        )


if __name__ == "__main__":
    main()
