"""Which trainings a search consists of: a function of what is finished, whoever trained it and when."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from monai_fairtune.masks import Mask
from monai_fairtune.search.candidates import Candidate, candidates
from monai_fairtune.search.floor import UtilityFloor
from monai_fairtune.search.goals import Goals
from monai_fairtune.search.halving import SuccessiveHalving
from monai_fairtune.search.job import Job
from monai_fairtune.search.methods import SearchMethod
from monai_fairtune.search.observing import observations
from monai_fairtune.search.proposing import propose_mask
from monai_fairtune.search.records import TrialRecord, TrialRecords, trial_key
from monai_fairtune.search.repeats import is_repeat_turn, most_promising
from monai_fairtune.search.screened import screened_masks, screening_anchor
from monai_fairtune.search.settings import SearchSettings
from monai_fairtune.search.space import SearchSpace
from monai_fairtune.search.training import find_mask
from monai_fairtune.search.warm_start import WarmMask

__all__ = ["Planner"]


@dataclass
class Planner:
    """Plans anchors, then masks taken over from earlier searches or from screening, then what the method proposes.

    Trial ``t`` is planned from the anchors and the trials below ``t - n_ahead``, all of which must be finished, and
    from no others. So the plan does not depend on how many workers there are, which one was faster, or how often the
    search was interrupted. Only ``timeout`` breaks this rule.

    Args:
        space: of masks and learning rates.
        method: proposes masks.
        goals: what is optimised.
        anchors: fixed methods, by name.
        settings: of the search.
        warm_masks: to be tried before any proposal, best first.
    """

    space: SearchSpace
    method: SearchMethod
    goals: Goals
    anchors: Mapping[str, Mask]
    settings: SearchSettings
    warm_masks: Sequence[WarmMask] = ()
    floor: UtilityFloor | None = None
    _jobs: dict[int, Job] = field(default_factory=dict)
    _end: int | None = None
    _started: float = field(default_factory=time.monotonic)

    @property
    def n_planned(self) -> int:
        """How many trials there will be: fewer than the budget once the search has come to an end."""
        return max(self.settings.n_trials, len(self.anchors)) if self._end is None else self._end

    def open_jobs(self, records: TrialRecords) -> list[Job]:
        """Returns the trials that can be trained now and are not finished, in order."""
        anchors = [self._anchor(number, name, mask) for number, (name, mask) in enumerate(self.anchors.items())]
        missing = [job for job in anchors if job.number not in records]
        if missing:
            return missing
        floor = self.set_floor(records)
        found = []
        for number in range(len(anchors), self.n_planned):
            if number in records:
                continue
            if not self._may_know(number, records):
                break
            job = self._plan(number, records, floor)
            if job is None:
                self._end = number
                break
            found.append(job)
        return found

    def take_over(self, job: Job) -> None:
        """Takes a trial that another process has planned as it is, the end of the search notwithstanding."""
        if job.kind in ("search", "repeat"):
            self._jobs.setdefault(job.number, job)

    def set_floor(self, records: TrialRecords) -> UtilityFloor:
        """Returns the utility floor, which the anchors set; all of them are finished."""
        if self.floor is None:
            self.floor = UtilityFloor(self.settings, [records[number] for number in range(len(self.anchors))])
        return self.floor

    def is_finished(self, records: TrialRecords) -> bool:
        """Says whether every trial of the search is there. True only once ``open_jobs`` was asked."""
        return self.floor is not None and all(number in records for number in range(self.n_planned))

    def _anchor(self, number: int, name: str, mask: Mask) -> Job:
        inside = self.space.partition.find_equal(mask)
        return Job(
            trial_key(number),
            "anchor",
            number,
            (inside or mask).to_dict(),
            self.settings.fixed_learning_rate,
            name,
            keeps_model=True,
            follows_train=name == "full",
            screens=name == self._screening_anchor,
        )

    @cached_property
    def _screening_anchor(self) -> str | None:
        return screening_anchor(self.anchors, self.space.partition) if self.settings.screening else None

    def _may_know(self, number: int, records: TrialRecords) -> bool:
        return all(earlier in records for earlier in range(len(self.anchors), number - self.settings.look_ahead()))

    def _known(self, number: int, records: TrialRecords) -> list[TrialRecord]:
        n_known = max(len(self.anchors), number - self.settings.look_ahead())
        return [record for record in records.all if record.number < n_known]

    def _plan(self, number: int, records: TrialRecords, floor: UtilityFloor) -> Job | None:
        if number not in self._jobs:
            known = self._known(number, records)
            if self._is_over(known, floor):
                return None
            job = self._propose(number, known, records, floor)
            if job is None:
                return None
            self._jobs[number] = job
        return self._jobs[number]

    def _is_over(self, known: Sequence[TrialRecord], floor: UtilityFloor) -> bool:
        settings = self.settings
        if settings.timeout is not None and time.monotonic() - self._started > settings.timeout:
            return True
        if settings.patience is None:
            return False
        feasible = candidates(known, floor.value, settings.max_trained_share)
        score = self.goals.first.score
        best = max(feasible, key=lambda one: (score(one.value), -one.first.number), default=None)
        last_gain = len(self.anchors) - 1 if best is None else max(best.first.number, len(self.anchors) - 1)
        return len(known) - 1 - last_gain >= settings.patience

    def _propose(
        self, number: int, known: Sequence[TrialRecord], records: TrialRecords, floor: UtilityFloor
    ) -> Job | None:
        settings = self.settings
        warm = self._warm(number, records)
        if warm is not None:
            return self._search_job(number, warm.mask, warm.learning_rate, known, floor, name=warm.name)
        again = self._again(number, known, records, floor)
        if again is not None:
            return self._repeat_job(number, again, records)
        new = propose_mask(
            self.method,
            self.space,
            observations(known, self.space, floor.value, settings.max_trained_share),
            self.goals.directions,
            seen={key for key, _ in (self._trained(earlier, records) for earlier in range(number))},
            number=number,
            settings=settings,
        )
        if new is None:
            return None
        more = {"notes": new.notes, "n_duplicates": new.n_duplicates}
        return self._search_job(number, new.mask, new.learning_rate, known, floor, **more)

    def _again(
        self, number: int, known: Sequence[TrialRecord], records: TrialRecords, floor: UtilityFloor
    ) -> Candidate | None:
        start = max(self.settings.n_startup_trials, len(self.anchors) + len(self._queue(records)))
        if self.settings.repeat_share == 0 or not is_repeat_turn(number - start, self.settings.repeat_share):
            return None
        return most_promising(candidates(known, floor.value, self.settings.max_trained_share), self.goals.first.score)

    def _search_job(
        self,
        number: int,
        mask: Mask,
        learning_rate: float,
        known: Sequence[TrialRecord],
        floor: UtilityFloor,
        **more: Any,
    ) -> Job:
        bars = {}
        if len(self.goals.names) == 1:  # a trial that is worse by one of several goals may be better by another
            halving = SuccessiveHalving(self.settings.reduction_factor, self.settings.max_epochs)
            rivals = [record for record in known if record.kind != "repeat"]
            bars = halving.bars(rivals, self.goals.first.score(1.0), floor.value, self.settings.n_folds)
        return Job(
            trial_key(number), "search", number, mask.to_dict(), learning_rate, bars=bars, floor=floor.value, **more
        )

    def _repeat_job(self, number: int, again: Candidate, records: TrialRecords) -> Job:
        first = again.first
        rate = first.hyperparameters["learning_rate"]
        earlier = [self._trained(one, records) for one in range(number)]
        return Job(
            trial_key(number),
            "repeat",
            number,
            first.mask,
            rate,
            first.name,
            replicate=sum(one == (first.mask_key, rate) for one in earlier),
        )

    def _trained(self, number: int, records: TrialRecords) -> tuple[str, float]:
        """The mask and the learning rate of a trial that is finished or planned."""
        if number in records:
            record = records[number]
            return record.mask_key, record.hyperparameters["learning_rate"]
        job = self._jobs[number]
        return find_mask(job, self.space.partition, self.anchors).key, job.learning_rate

    def _warm(self, number: int, records: TrialRecords) -> WarmMask | None:
        place, queue = number - len(self.anchors), self._queue(records)
        return queue[place] if place < len(queue) else None

    def _queue(self, records: TrialRecords) -> list[WarmMask]:
        """The masks that are tried before any proposal: those of earlier searches, then the best that were screened."""
        return [*self.warm_masks, *screened_masks(records, self.space.partition, self.warm_masks, self.settings)]
