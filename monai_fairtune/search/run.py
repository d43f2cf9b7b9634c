"""One search, as it was asked for: what it consists of, and the study that it belongs to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from sqlalchemy.engine import URL

from monai_fairtune.exceptions import StudyDriftError
from monai_fairtune.masks import Mask, Partition
from monai_fairtune.search.experiment import Experiment, fingerprint_hash
from monai_fairtune.search.final import FinalStage
from monai_fairtune.search.goals import Goals
from monai_fairtune.search.methods import method_by_name
from monai_fairtune.search.planner import Planner
from monai_fairtune.search.records import TrialRecords
from monai_fairtune.search.search_plan import SearchPlan
from monai_fairtune.search.settings import SearchSettings
from monai_fairtune.search.space import SearchSpace
from monai_fairtune.search.study import Study
from monai_fairtune.search.warm_start import WarmMask, warm_masks
from monai_fairtune.search.workers import JobRunner, StartWorker, default_n_threads
from monai_fairtune.tuning import Tuner

__all__ = ["Run", "RunOptions"]

_LAYOUT = 2


@dataclass(frozen=True)
class RunOptions:
    """Where a search runs, see ``search_masks``: of this, ``n_workers`` sets the ``n_ahead`` of a study that begins."""

    url: URL
    study: str
    n_workers: int
    device_type: str
    start_worker: StartWorker | None
    progress: bool
    lease_seconds: float
    n_threads: int | None


@dataclass
class Run:
    """One search, as ``search_masks`` was asked for it.

    Args:
        asked: settings, whose ``n_ahead`` may be left to the study.
    """

    tuner: Callable[[], Tuner]
    partition: Partition
    goals: Goals
    anchors: Mapping[str, Mask]
    output_dir: Path
    asked: SearchSettings
    experiment: Experiment
    warm_start: tuple[Path, ...]
    options: RunOptions

    @cached_property
    def records(self) -> TrialRecords:
        """The finished trainings."""
        return TrialRecords(self.output_dir / "trials")

    @cached_property
    def warm(self) -> list[WarmMask]:
        """Masks of earlier searches that no anchor tries anyway, each once."""
        settings = self.asked
        tried = {equal.key for mask in self.anchors.values() if (equal := self.partition.find_equal(mask)) is not None}
        limit = 1.0 if settings.max_trained_share is None else settings.max_trained_share
        found = []
        for one in (
            mask for path in self.warm_start for mask in warm_masks(path, self.partition, settings.learning_rates)
        ):
            if one.mask.key not in tried and one.mask.trained_share <= limit:
                tried.add(one.mask.key)
                found.append(one)
        return found

    @cached_property
    def fingerprint(self) -> dict[str, object]:
        """What may not change within this study."""
        found = self.experiment.fingerprint(self.settings, self.goals.first, self.partition.name)
        warm = [[one.mask.key, one.learning_rate] for one in self.warm]
        return {
            **found,
            "objectives": list(self.goals.names),
            "directions": list(self.goals.directions),
            "warm_start": warm,
            "layout": _LAYOUT,
        }

    @cached_property
    def study(self) -> Study:
        """The Optuna study, tied to this configuration."""
        self._opened.pin(self.fingerprint)
        self._opened.set_attribute("budget", list(self.asked.budget))
        return self._opened

    @cached_property
    def _opened(self) -> Study:
        """The Optuna study, which may be tied to another configuration."""
        return Study(self.options.url, self.options.study, self.goals.directions)

    @cached_property
    def n_ahead(self) -> int:
        """Trials that may be under way, as the study was begun: more or fewer make other trials."""
        if self.asked.n_ahead is not None:
            return self.asked.n_ahead
        pinned = self._opened.pinned("n_ahead")
        if pinned is not None:
            return int(pinned)
        return int(self._opened.keep("n_ahead", self.asked.look_ahead(self.options.n_workers)))

    @cached_property
    def settings(self) -> SearchSettings:
        """What was asked for, with what the study was begun with."""
        return replace(self.asked, n_ahead=self.n_ahead)

    def plan(self) -> SearchPlan:
        """Returns a plan of the search.

        Raises:
            ConfigurationError: if the method cannot search this space.
        """
        settings = self.settings
        space = SearchSpace(self.partition, settings.learning_rates)
        method = method_by_name(settings.method, settings.n_startup_trials, settings.population_size, settings.seed)
        method.check(space, self.goals.directions)
        planner = Planner(space, method, self.goals, self.anchors, settings, self.warm)
        return SearchPlan(planner, lambda: self.study.attribute("test_reads") or 0)

    @cached_property
    def n_threads(self) -> int:
        """Threads of a training on processors, as the study was begun: more or fewer change the last digits."""
        options = self.options
        wanted = options.n_threads or max(1, default_n_threads() // options.n_workers)
        stored = int(self.study.keep("n_threads", wanted))
        if options.n_threads not in (None, stored):
            raise StudyDriftError(
                f"The study was begun with n_threads {stored} and it is now {options.n_threads}, which changes the "
                "last digits of values. Choose another output_dir, or leave n_threads out."
            )
        return stored

    def runner(self, n_threads: int) -> JobRunner:
        """Returns what does the jobs."""
        final = FinalStage(self.plan(), self.experiment, self.output_dir, fingerprint_hash(self.fingerprint))
        return JobRunner(
            self.tuner,
            self.partition,
            self.anchors,
            self.goals,
            self.settings,
            self.output_dir / "trials",
            final.assess,
            n_threads,
        )

    @property
    def is_finished(self) -> bool:
        """Whether the result of this very budget is there."""
        finished = self.study.attribute("finished")
        return finished == list(self.settings.budget) and (self.output_dir / "result.json").exists()

    def finish(self) -> None:
        """Notes that the result of this budget is there."""
        self.study.set_attribute("finished", list(self.settings.budget))
