"""Trains a network under a mask with MONAI's engines."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from ignite.engine import Events
from monai.engines import SupervisedTrainer, Workflow
from monai.inferers import Inferer

from monai_fairtune.cohort import Batches, Cohort, HeldSplit, Resident
from monai_fairtune.exceptions import TuningError
from monai_fairtune.masks import FairTuneNetwork, Mask, load_delta, save_delta
from monai_fairtune.predictions import Predictions
from monai_fairtune.tuning.accumulation import MicroBatches, SharedLoss, ends_step
from monai_fairtune.tuning.blending import Blender
from monai_fairtune.tuning.compiled_blocks import compile_blocks
from monai_fairtune.tuning.cuda_graphs import Passes
from monai_fairtune.tuning.epoch_watch import EpochWatch
from monai_fairtune.tuning.evaluator import FairnessEvaluator
from monai_fairtune.tuning.optimization import n_steps, tuned_optimizer, warmup_cosine
from monai_fairtune.tuning.protocol import Budget, OnEpoch, TunedModel, TuningResult
from monai_fairtune.tuning.summed_gradients import SummedGradients
from monai_fairtune.tuning.team import Team
from monai_fairtune.tuning.tracking import Handler, HandlersFactory, TrainingHandlers
from monai_fairtune.tuning.tuned_tensors import TunedTensors
from monai_fairtune.tuning.tuning_data import TuningData

__all__ = ["SupervisedTuner"]

T = TypeVar("T")


class SupervisedTuner:
    """The ``Tuner`` over MONAI's ``SupervisedTrainer`` and the fairness-aware evaluator.

    The network, the images and the pretrained weights stay resident; every tuning starts from the pretrained state
    with a head drawn from its seed. Training minimises the class-weighted cross-entropy with AdamW, warm-up and a
    cosine schedule, in the network's precision. The host waits for the device every 50 iterations and between epochs.

    Accumulated gradients, and those of several processes, are those of the whole batch, except in a network with
    dropout or tuned BatchNorm layers, which draw and count for each micro-batch. After an error everything that the
    training held is released.

    Args:
        network: the pretrained network.
        cohort: labels, patients and subgroups.
        splits: ``train``, ``validation``, ``selection`` and ``test``, for this device.
        batch_size: images a training step, of all processes together.
        evaluation_batch_size: images a forward pass without gradients; halved whenever they do not fit into memory.
        head_learning_rate_factor: how much faster the head learns, as it starts from random weights.
        weight_decay: of AdamW, for matrices.
        warmup_share: share of the steps over which the learning rate rises.
        augmentation: random transform of whole batches on the device, or None.
        preprocessing: what was done to the images, to be kept with saved models.
        device: where the network runs.
        handlers: returns who listens to a training, given the budget's name; see ``mlflow_tracking``. Handlers that
            only read change no prediction.
        team: the processes that share each training and prediction, all of which call the same methods; by default
            this one alone. See ``DistributedTuner``.
        cuda_graphs: whether a GPU is given whole passes at once; see ``training_graphs``. Switch it off for a network
            that waits for the device, mixes the images of a batch in eval mode, or draws by itself what to compute.
            Neither trainings by micro-batches nor what several processes share are captured.
        compiled_blocks: whether the network's blocks run compiled; see ``compile_blocks``.

    Raises:
        ConfigurationError: if blocks are to be compiled and cannot be.
        MaskError: if they are, and the network has no blocks.
    """

    def __init__(
        self,
        network: FairTuneNetwork,
        cohort: Cohort,
        splits: Mapping[str, HeldSplit],
        *,
        batch_size: int = 32,
        evaluation_batch_size: int = 256,
        head_learning_rate_factor: float = 10.0,
        weight_decay: float = 0.01,
        warmup_share: float = 0.1,
        augmentation: torch.nn.Module | None = None,
        preprocessing: Mapping[str, Any] | None = None,
        device: str | torch.device = "cpu",
        handlers: HandlersFactory | None = None,
        team: Team | None = None,
        cuda_graphs: bool = True,
        compiled_blocks: bool = False,
    ) -> None:
        self.device = torch.device(device)
        self.network = network.to(self.device)
        if compiled_blocks:
            compile_blocks(self.network)
        self.cohort = cohort
        self.splits = splits
        self.batch_size = batch_size
        self.evaluation_batch_size = evaluation_batch_size
        self.head_learning_rate_factor = head_learning_rate_factor
        self.weight_decay = weight_decay
        self.warmup_share = warmup_share
        self.augmentation = augmentation
        self.preprocessing = dict(preprocessing or {})
        self.handlers = handlers
        self.team = team or Team()
        self.whole = TuningData.whole(cohort, splits)
        is_alone = self.device.type == "cuda" and self.team.n_processes == 1
        self.passes = Passes(self.network, are_captured=cuda_graphs and is_alone)

    def tune(
        self, mask: Mask, hyperparameters: Mapping[str, float], budget: Budget, *, seed: int, on_epoch: OnEpoch
    ) -> TuningResult:
        """See :meth:`Tuner.tune`."""
        start = time.perf_counter()
        self.network.apply_mask(mask)
        try:
            watch = self._run(hyperparameters["learning_rate"], budget, seed, on_epoch)
        except (torch.OutOfMemoryError, MemoryError) as error:
            # The frames that the error passed through hold activations and the optimizer, as long as it is held.
            error.__context__ = None
            raise error.with_traceback(None) from None
        finally:
            self._release()
        result = watch.result(time.perf_counter() - start)
        return replace(result, model=TunedTensors.own(result.model).on_host())

    def predict(self, model: TunedModel, split: str) -> Predictions:
        """See :meth:`Tuner.predict`."""
        self._restore(model)
        return self._predict(self.splits[split])

    def blend(self, model: TunedModel, masks: Sequence[Mask]) -> list[Predictions]:
        """See :meth:`BlendingTuner.blend`; each mask has a head of its own, fitted to its features by regression."""
        tuned, images = TunedTensors.own(model), self.whole.validation
        blender = Blender(self.network, tuned.mask.partition, tuned.delta)
        logits = self._in_batches_that_fit(lambda: blender.logits(masks, self.whole, self.evaluation_batch_size))
        index = images.index.cpu().numpy()
        return [self.cohort.predictions_of(index, one, images.name) for one in logits]

    def save(self, model: TunedModel, path: Path) -> None:
        """Writes the tuned tensors as safetensors, bound to the backbone, with preprocessing and classes."""
        self._restore(model)
        save_delta(path, self.network, preprocessing=self.preprocessing, class_names=self.cohort.class_names)

    def load(self, path: Path) -> TunedModel:
        """See :meth:`Tuner.load`."""
        load_delta(path, self.network)
        return TunedTensors.of(self.network).on_host()

    def _restore(self, model: TunedModel) -> None:
        tuned = TunedTensors.own(model)
        self.network.reset(0)
        self.network.apply_mask(tuned.mask)
        self.network.load_delta(tuned.delta)

    def _run(self, learning_rate: float, budget: Budget, seed: int, on_epoch: OnEpoch) -> EpochWatch:
        data = self._data(budget)
        batches = data.train.batches(self.batch_size, shuffle=True, seed=seed, augmentation=self.augmentation)
        handlers = TrainingHandlers() if self.handlers is None else self.handlers(budget.name)
        watch = EpochWatch(
            budget,
            on_epoch,
            predict_validation=lambda: self._predict(data.validation, handlers.evaluator),
            predict_train=lambda: self._predict(data.train),
            snapshot=lambda: TunedTensors.of(self.network),
            total=self.team.total,
            n_parts=len(batches) * self._n_parts(budget),
            device=self.device,
        )
        devices = [self.device] if self.device.type == "cuda" else []
        passes = self.passes.training(batches.sizes, adds_up=not self._is_whole(budget))
        finished = False
        try:
            with torch.random.fork_rng(devices=devices), passes as inferer:
                self.network.reset(seed)
                trainer = self._trainer(batches, data.class_weights, learning_rate, budget, inferer)
                watch.attach(trainer, handlers.trainer)
                torch.manual_seed(seed + self.team.rank)  # dropout differs from image to image
                _run(trainer)
            finished = True
        finally:
            handlers.close(finished)
        return watch

    def _release(self) -> None:
        """Drops the gradients and, after an error, what the failed training alone still holds."""
        self.network.zero_grad(set_to_none=True)
        if sys.exc_info()[0] is not None:
            self._collect()

    def _collect(self) -> None:
        """Frees what is held in cycles only, as engines and their handlers are, and captured predictions."""
        self.passes.drop_predictions()
        gc.collect()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def _trainer(
        self,
        batches: Batches,
        class_weights: torch.Tensor,
        learning_rate: float,
        budget: Budget,
        inferer: Inferer,
    ) -> SupervisedTrainer:
        optimizer = tuned_optimizer(
            self.network,
            learning_rate,
            head_factor=self.head_learning_rate_factor,
            weight_decay=self.weight_decay,
        )
        schedule = warmup_cosine(optimizer, n_steps(batches, budget.max_epochs), warmup_share=self.warmup_share)
        team, n_parts, is_whole = self.team, self._n_parts(budget), self._is_whole(budget)
        loss = torch.nn.CrossEntropyLoss(weight=class_weights)
        shared = SharedLoss(loss)
        trainer = SupervisedTrainer(
            self.device,
            budget.max_epochs,
            batches
            if is_whole
            else MicroBatches(batches, n_parts, class_weights, rank=team.rank, n_processes=team.n_processes),
            self.network,
            optimizer,
            loss if is_whole else shared,
            inferer=inferer,
            decollate=False,
            optim_set_to_none=is_whole,  # as graphs need it; SummedGradients keeps its own memory
            accumulation_steps=n_parts,
        )
        if not is_whole:
            shared.attach(trainer)
        if team.n_processes > 1:
            parameters = [parameter for _, parameter in self.network.tuned_parameters()]
            SummedGradients(team, parameters, list(self.network.buffers())).attach(trainer)
        trainer.add_event_handler(
            Events.ITERATION_COMPLETED, lambda engine: schedule.step() if ends_step(engine) else None
        )
        return trainer

    def _is_whole(self, budget: Budget) -> bool:
        """Returns whether a batch is one part of one process, so that its gradients are those of one pass."""
        return self._n_parts(budget) * self.team.n_processes == 1

    def _n_parts(self, budget: Budget) -> int:
        """Returns in how many parts a process takes its part of a batch: of at least one image each."""
        return min(budget.accumulation_steps, max(1, self.batch_size // self.team.n_processes))

    def _data(self, budget: Budget) -> TuningData:
        if budget.fold is None:
            return self.whole
        return TuningData.fold(self.cohort, self.splits, budget.fold, budget.n_folds)

    def _predict(self, images: Resident, handlers: Sequence[Handler] = ()) -> Predictions:
        return self._in_batches_that_fit(lambda: self._evaluate(images, handlers))

    def _in_batches_that_fit(self, predict: Callable[[], T]) -> T:
        """Predicts, in smaller batches from now on if memory runs out: more gradient steps would not help."""
        while True:
            try:
                return predict()
            except torch.OutOfMemoryError:
                if self.evaluation_batch_size == 1 or self.team.is_ending:
                    raise
            self.evaluation_batch_size //= 2
            self._collect()

    def _evaluate(self, images: Resident, handlers: Sequence[Handler]) -> Predictions:
        team = self.team
        loader: Iterable[Any] = images.batches(
            self.evaluation_batch_size, shuffle=False, rank=team.rank, world_size=team.n_processes
        )
        names: dict[str, Sequence[str]] = {name: group.names for name, group in self.cohort.subgroups.items()}
        inferer = self.passes.prediction(min(self.evaluation_batch_size, len(images)))
        evaluator = FairnessEvaluator(self.device, loader, self.network, names, key_val_metric=None, inferer=inferer)
        evaluator.add_event_handler(Events.EPOCH_COMPLETED, lambda _: team.total())  # before metrics gather the parts
        evaluator.subgroup_metrics.attach(evaluator, "auroc")
        for handler in handlers:
            handler.attach(evaluator)
        _run(evaluator)
        logits, index = evaluator.subgroup_metrics.logits()
        if index is None or not np.array_equal(index, np.sort(images.index.cpu().numpy())):
            raise TuningError(f"The evaluator lost images of {images.name}. Please report this.")
        return self.cohort.predictions_of(index, logits, images.name)


def _run(engine: Workflow) -> None:
    """Runs an engine and drops what it holds on a device: it is part of cycles, which Python collects some time."""
    try:
        engine.run()
    finally:
        engine.state.output = engine.state.batch = None
        if isinstance(engine, SupervisedTrainer):
            engine.optimizer.state.clear()
