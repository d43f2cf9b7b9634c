"""The last stage: what the delivered model and the anchors reach on every split, the test split included."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monai_fairtune.metrics import Resampling
from monai_fairtune.search.assessment import AssessedModel, assess_splits
from monai_fairtune.search.confirmation import chosen_model, confirmed
from monai_fairtune.search.experiment import Experiment
from monai_fairtune.search.files import write_json
from monai_fairtune.search.job import Job
from monai_fairtune.search.records import TrialRecord, TrialRecords, trial_key
from monai_fairtune.search.result import FOUND_MASK, SearchOutcome
from monai_fairtune.search.search_plan import SearchPlan
from monai_fairtune.search.training import MODEL_FILE
from monai_fairtune.subgroups import reporting_minimum
from monai_fairtune.tuning import TunedModel, Tuner

__all__ = ["FinalStage"]


@dataclass
class FinalStage:
    """Chooses the answer, assesses it beside the anchors, and writes the files of the contract.

    Args:
        plan: of the search.
        experiment: facts for the result.
        output_dir: receives the files.
        config_hash: of the study's fingerprint.
    """

    plan: SearchPlan
    experiment: Experiment
    output_dir: Path
    config_hash: str

    def __post_init__(self) -> None:
        settings = self.plan.planner.settings
        self.min_per_class = reporting_minimum(self.experiment.eligibility.get("min_per_class"))
        self.resampling = Resampling(settings.n_replicates, settings.n_replicates, settings.seed)

    def assess(self, tuner: Tuner, job: Job, attempt: int) -> dict[str, Any]:
        """Writes ``result.json`` and its companions; returns how often the test split has been read.

        Args:
            tuner: loads models and predicts.
            job: knows how often the test split had been read before.
            attempt: of this job; each one reads the test split.
        """
        plan, planner = self.plan, self.plan.planner
        records = TrialRecords(self.output_dir / "trials")
        objective, floor = planner.goals.first, planner.set_floor(records)
        finalists = confirmed(plan.finalists(records), records, planner.settings, objective, floor.value)
        chosen = chosen_model(finalists[0], objective)
        test_reads = job.test_reads + attempt
        model = tuner.load(chosen.model_path)
        trial = finalists[0].trial
        final = self._assess(tuner, model, str(trial.name) if trial.kind == "anchor" else FOUND_MASK, "final")
        anchors = {
            record.number: self._assess_anchor(tuner, records, record)
            for record in records.complete
            if record.kind == "anchor"
        }
        result = SearchOutcome(
            experiment=self.experiment,
            settings=planner.settings,
            goals=planner.goals,
            search_space=planner.space.partition.name,
            sampler=planner.method.description,
            floor=floor,
            records=records,
            finalists=finalists,
            chosen=chosen,
            test=final.test,
            reports=final.reports,
            anchor_reports={number: anchor.reports for number, anchor in anchors.items()},
            comparisons={
                anchor.name: final.compared_with(anchor, self.min_per_class, self.resampling)
                for anchor in anchors.values()
            },
            test_reads=test_reads,
            config_hash=self.config_hash,
        ).to_dict()
        tuner.save(model, self.output_dir / "model.safetensors")
        write_json(self.output_dir / "mask.json", result["mask"])
        write_json(self.output_dir / "report.json", result["test"])
        write_json(self.output_dir / "result.json", result)
        return {"test_reads": test_reads}

    def _assess_anchor(self, tuner: Tuner, records: TrialRecords, record: TrialRecord) -> AssessedModel:
        model = tuner.load(records.path(trial_key(record.number)) / MODEL_FILE)
        plain = re.sub(r"[^A-Za-z0-9_.]+", "-", str(record.name)).strip("-.")
        return self._assess(tuner, model, str(record.name), f"anchor-{record.number}-{plain}")

    def _assess(self, tuner: Tuner, model: TunedModel, name: str, folder: str) -> AssessedModel:
        return assess_splits(
            tuner,
            model,
            name=name,
            min_per_class=self.min_per_class,
            resampling=self.resampling,
            keep=self.output_dir / "predictions" / folder,
        )
