"""The first stages of a search: the anchors, then the masks that TPE proposes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from monai_fairtune.exceptions import NoFeasibleTrialError
from monai_fairtune.masks import Mask
from monai_fairtune.objectives import Objective
from monai_fairtune.search.epochs import EpochJudge
from monai_fairtune.search.halving import SuccessiveHalving, rank, ranks_at
from monai_fairtune.search.progress import Progress
from monai_fairtune.search.records import TrialRecord, TrialRecords
from monai_fairtune.search.seeds import derive_seed
from monai_fairtune.search.settings import SearchSettings
from monai_fairtune.search.study import SearchSpace, Study
from monai_fairtune.search.training import Training
from monai_fairtune.tuning import Tuner

__all__ = ["Driver", "UtilityFloor"]

_MOST_DUPLICATES = 20


class UtilityFloor:
    """The lowest overall validation AUROC that a mask may have, and the rule that set it."""

    def __init__(self, settings: SearchSettings, anchors: list[TrialRecord]) -> None:
        if settings.utility_floor is not None:
            self.value, self.rule = settings.utility_floor, "as configured"
            return
        best = max((record for record in anchors if record.overall_auroc is not None), key=_utility, default=None)
        if best is None:
            raise NoFeasibleTrialError(
                f"All {len(anchors)} anchors diverged, so no mask can be compared. Lower the learning rates."
            )
        self.value = _utility(best) - settings.utility_margin
        self.rule = f"overall validation AUROC of the best anchor ({best.name}) minus {settings.utility_margin:g}"


class Driver:
    """Owns the study: runs anchors and searched trials one after another, and survives being killed at any point.

    A training counts once its record is on disk. On start, trials that were begun and have a record are told; those
    without one are failed and asked again, with the same answer.
    """

    def __init__(
        self,
        tuner: Tuner,
        space: SearchSpace,
        objective: Objective,
        anchors: Mapping[str, Mask],
        settings: SearchSettings,
        study: Study,
        records: TrialRecords,
        progress: Progress,
    ) -> None:
        self.tuner, self.space, self.objective, self.anchors = tuner, space, objective, anchors
        self.settings, self.study, self.records, self.progress = settings, study, records, progress
        self.halving = SuccessiveHalving(settings.reduction_factor, settings.max_epochs)
        self._deadline = time.monotonic() + (settings.timeout or float("inf"))

    def run(self) -> UtilityFloor:
        """Runs what is missing of the anchors and of the search.

        Returns:
            The utility floor, which the anchors set.
        """
        self._recover()
        self.progress.done(len(self.records))
        for name, mask in self.anchors.items():
            if self.records.anchor(name) is None:
                self._train_anchor(name, mask)
        anchors = [record for record in self.records.all if record.kind == "anchor"]
        floor = UtilityFloor(self.settings, anchors)
        for number in self.study.running:
            self._tell(self.records[number], floor)
        self._show_best(floor)
        while len(self.records) < self.settings.n_trials and time.monotonic() < self._deadline:
            if not self._train_next(floor):
                break
        return floor

    def feasible(self, record: TrialRecord, floor: UtilityFloor) -> bool:
        """Says whether a trial ran to its end with a utility that reaches the floor."""
        return record.state == "complete" and _utility(record) >= floor.value

    def ranked(self, floor: UtilityFloor) -> list[TrialRecord]:
        """Returns the feasible trials, the best by the objective first, the earlier one where they tie."""
        feasible = [record for record in self.records.all if self.feasible(record, floor)]
        return sorted(feasible, key=lambda record: (-self.objective.score(_value(record)), record.number))

    def _recover(self) -> None:
        for number in self.study.running:
            if number not in self.records:
                self.study.drop(number)

    def _train_anchor(self, name: str, mask: Mask) -> None:
        rate = self.settings.fixed_learning_rate
        inside = self.space.partition.find_equal(mask)
        if inside is None:
            number = self.study.begin(None, {}, name)
        else:
            number = self.study.begin(self.space, self.space.parameters(inside, rate), name)
        judge = EpochJudge(self.objective, self.settings.utility_margin, on_value=self._on_value(number))
        training = Training(number, "anchor", inside or mask, rate, name, assess_train=name == "full")
        self._train(training, judge, save=self.records.path(number) / "model.safetensors")

    def _train_next(self, floor: UtilityFloor) -> bool:
        proposal = self._propose()
        if proposal is None:
            return False
        mask, rate, n_duplicates = proposal
        number = self.study.begin(self.space, self.space.parameters(mask, rate), None)
        finished = self.records.all
        sign = self.objective.score(1.0)

        def stops(epoch: int, value: float, utility: float) -> bool:
            others = ranks_at(epoch, finished, sign, floor.value)
            return self.halving.stops(epoch, rank(sign * value, utility, floor.value), others)

        judge = EpochJudge(self.objective, self.settings.utility_margin, stops, self._on_value(number))
        self._train(Training(number, "search", mask, rate, n_duplicates=n_duplicates), judge)
        self._tell(self.records[number], floor)
        self._show_best(floor)
        return True

    def _propose(self) -> tuple[Mask, float, int] | None:
        """Returns a mask that was not trained before, a learning rate, and how many proposals repeated a mask.

        None when every mask was trained.
        """
        partition = self.space.partition
        seen = {record.mask_key for record in self.records.all if record.mask["partition"] == partition.name}
        if len(seen) >= self.space.n_masks:
            return None
        turn = len(self.records)
        for attempt in range(_MOST_DUPLICATES):
            parameters = self.study.propose(self.space, derive_seed(self.settings.seed, "sampler", turn, attempt))
            mask, rate = self.space.mask(parameters), float(parameters["learning_rate"])
            if mask.key not in seen:
                return mask, rate, attempt
        rng = np.random.default_rng(derive_seed(self.settings.seed, "neighbour", turn))
        while mask.key in seen:  # flip bits, away from the mask that TPE insists on
            bits = list(mask.bits)
            position = int(rng.integers(len(bits)))
            bits[position] = not bits[position]
            mask = partition.mask_from_bits(bits)
        return mask, rate, _MOST_DUPLICATES

    def _train(self, training: Training, judge: EpochJudge, save: Path | None = None) -> None:
        self.progress.start(f"anchor {training.name}" if training.kind == "anchor" else f"trial {training.number}")
        settings = self.settings
        self.records.add(
            training.run(self.tuner, judge, max_epochs=settings.max_epochs, study_seed=settings.seed, save=save)
        )
        self.progress.done()

    def _tell(self, record: TrialRecord, floor: UtilityFloor) -> None:
        violation = 0.0 if record.overall_auroc is None else floor.value - record.overall_auroc
        summary = {
            "kind": record.kind,
            "trained_share": record.trained_share,
            "overall_auroc": record.overall_auroc,
            "seconds": record.seconds,
        }
        self.study.tell(record.number, record.state, record.value, violation, summary)

    def _on_value(self, number: int) -> Callable[[int, float], None]:
        def on_value(epoch: int, value: float) -> None:
            self.study.report(number, epoch, value)
            self.progress.epoch(epoch, self.settings.max_epochs, value)

        return on_value

    def _show_best(self, floor: UtilityFloor) -> None:
        ranked = self.ranked(floor)
        if ranked:
            self.progress.best(_value(ranked[0]))


def _utility(record: TrialRecord) -> float:
    return float("-inf") if record.overall_auroc is None else record.overall_auroc


def _value(record: TrialRecord) -> float:
    return float("nan") if record.value is None else record.value
