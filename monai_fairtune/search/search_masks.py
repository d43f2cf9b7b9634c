"""The main job: find what to tune, confirm it, and say what it achieves."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from monai_fairtune.exceptions import NoFeasibleTrialError, StudyLockedError
from monai_fairtune.masks import Mask, Partition
from monai_fairtune.metrics import Resampling
from monai_fairtune.objectives import Objective
from monai_fairtune.search.assessment import AssessedModel, assess_splits
from monai_fairtune.search.confirmation import Confirmation
from monai_fairtune.search.driver import Driver, UtilityFloor
from monai_fairtune.search.experiment import Experiment, fingerprint_hash
from monai_fairtune.search.files import read_json, write_json
from monai_fairtune.search.progress import Progress
from monai_fairtune.search.records import TrialRecord, TrialRecords
from monai_fairtune.search.result import FOUND_MASK, SearchOutcome
from monai_fairtune.search.settings import SearchSettings
from monai_fairtune.search.study import SearchSpace, Study
from monai_fairtune.subgroups import reporting_minimum
from monai_fairtune.tuning import TunedModel, Tuner

__all__ = ["search_masks"]


def search_masks(
    tuner: Tuner,
    partition: Partition,
    objective: Objective,
    *,
    anchors: Mapping[str, Mask],
    output_dir: Path,
    settings: SearchSettings | None = None,
    experiment: Experiment | None = None,
    storage: str | Path | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Searches the masks of a partition, confirms the best and writes what was found.

    Anchors are trained first; then Optuna's TPE proposes masks and learning rates; the best feasible ones are
    retrained with fresh seeds and compared on the selection split; the test split is read once. Interrupted at any
    point, the same call goes on where it was and ends with the same answer. Called again after it has finished, it
    returns the stored result and reads nothing.

    Args:
        tuner: trains under a mask.
        partition: whose searchable components are the bits of a mask.
        objective: what to optimise on validation.
        anchors: fixed methods to compare with, by name; the first trials of the study.
        output_dir: receives the files of the contract.
        settings: budget, seed, learning rates, utility floor.
        experiment: facts about cohort and network for the result and the study's fingerprint.
        storage: a SQLite path or a database URL; by default ``study.db`` in ``output_dir``.
        progress: whether to show a progress bar on standard error.

    Returns:
        The content of ``result.json``.

    Raises:
        StudyLockedError: if another process is at this study.
        StudyDriftError: if the study in ``output_dir`` was made with another configuration.
        NoFeasibleTrialError: if no trial reaches the utility floor.
    """
    settings = settings or SearchSettings()
    experiment = experiment or Experiment(objective.attributes)
    output_dir.mkdir(parents=True, exist_ok=True)
    with _owned(output_dir):
        study = Study(
            storage or output_dir / "study.db", "monai-fairtune", objective.direction, settings.n_startup_trials
        )
        fingerprint = experiment.fingerprint(settings, objective, partition.name)
        study.pin(fingerprint)
        budget = [settings.n_trials, settings.n_finalists, settings.n_seeds, settings.n_replicates]
        if study.attribute("finished") == budget and (output_dir / "result.json").exists():
            return _stored(output_dir)
        run = _Run(tuner, partition, objective, anchors, output_dir, settings, experiment, study)
        n_trainings = settings.n_trials + settings.n_finalists * settings.n_seeds
        with Progress(n_trainings, shown=progress) as bar:
            run.execute(bar, fingerprint_hash(fingerprint))
        study.set_attribute("finished", budget)
        return _stored(output_dir)


def _stored(output_dir: Path) -> dict[str, Any]:
    return dict(read_json(output_dir / "result.json"))


class _Run:
    """The four stages over one open study."""

    def __init__(
        self,
        tuner: Tuner,
        partition: Partition,
        objective: Objective,
        anchors: Mapping[str, Mask],
        output_dir: Path,
        settings: SearchSettings,
        experiment: Experiment,
        study: Study,
    ) -> None:
        self.tuner, self.partition, self.objective, self.anchors = tuner, partition, objective, anchors
        self.output_dir, self.settings, self.experiment, self.study = output_dir, settings, experiment, study
        self.records = TrialRecords(output_dir / "trials")
        self.min_per_class = reporting_minimum(experiment.eligibility.get("min_per_class"))
        self.resampling = Resampling(settings.n_replicates, settings.n_replicates, settings.seed)

    def execute(self, bar: Progress, config_hash: str) -> None:
        space = SearchSpace(self.partition, self.settings.learning_rates)
        driver = Driver(self.tuner, space, self.objective, self.anchors, self.settings, self.study, self.records, bar)
        floor = driver.run()
        finalists = self._finalists(driver, floor)
        confirmation = Confirmation(
            self.tuner, self.objective, self.settings, self.output_dir / "trials" / "confirmation", bar
        )
        confirmed = confirmation.run(finalists, floor.value)
        chosen = confirmation.chosen_model(confirmed[0])
        bar.start("assessing the final model and the anchors on every split")
        test_reads = (self.study.attribute("test_reads") or 0) + 1
        self.study.set_attribute("test_reads", test_reads)
        model = self.tuner.load(chosen.model_path)
        final = self._assess(model, confirmed[0].trial.name or FOUND_MASK, "final")
        anchors = {record.number: self._assess_anchor(record) for record in self._trained_anchors()}
        outcome = SearchOutcome(
            experiment=self.experiment,
            settings=self.settings,
            objective=self.objective,
            search_space=self.partition.name,
            sampler=self.study.sampler_description,
            floor=floor,
            records=self.records.all,
            finalists=confirmed,
            chosen=chosen,
            reports=final.reports,
            anchor_reports={number: anchor.reports for number, anchor in anchors.items()},
            comparisons={
                anchor.name: final.compared_with(anchor, self.min_per_class, self.resampling)
                for anchor in anchors.values()
            },
            test_reads=test_reads,
            config_hash=config_hash,
        )
        result = outcome.to_dict()
        self.tuner.save(model, self.output_dir / "model.safetensors")
        write_json(self.output_dir / "mask.json", result["mask"])
        write_json(self.output_dir / "report.json", result["test"])
        write_json(self.output_dir / "result.json", result)

    def _finalists(self, driver: Driver, floor: UtilityFloor) -> list[tuple[TrialRecord, Mask]]:
        ranked = driver.ranked(floor)[: self.settings.n_finalists]
        if not ranked:
            best = max((record.overall_auroc or 0.0 for record in self.records.complete), default=0.0)
            raise NoFeasibleTrialError(
                f"No trial reaches the utility floor {floor.value:.3f}; the best overall validation AUROC is "
                f"{best:.3f}. Lower utility_floor, or allow more epochs or trials."
            )
        return [(record, self._mask(record)) for record in ranked]

    def _mask(self, record: TrialRecord) -> Mask:
        if record.mask["partition"] == self.partition.name:
            return Mask.from_dict(record.mask, self.partition)
        return self.anchors[str(record.name)]

    def _trained_anchors(self) -> list[TrialRecord]:
        return [record for record in self.records.complete if record.kind == "anchor"]

    def _assess_anchor(self, record: TrialRecord) -> AssessedModel:
        model = self.tuner.load(self.records.path(record.number) / "model.safetensors")
        plain = re.sub(r"[^A-Za-z0-9_.]+", "-", str(record.name)).strip("-.")
        return self._assess(model, str(record.name), f"anchor-{record.number}-{plain}")

    def _assess(self, model: TunedModel, name: str, folder: str) -> AssessedModel:
        return assess_splits(
            self.tuner,
            model,
            name=name,
            min_per_class=self.min_per_class,
            resampling=self.resampling,
            keep=self.output_dir / "predictions" / folder,
        )


@contextmanager
def _owned(output_dir: Path) -> Iterator[None]:
    lock = FileLock(output_dir / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise StudyLockedError(
            "Another process is at the study in this output_dir. Wait for it to end, or choose another output_dir."
        ) from error
    try:
        yield
    finally:
        lock.release()
