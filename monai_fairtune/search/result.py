"""The result file: everything that reports, comparisons and readers rely on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from typing import Any

from monai_fairtune.predictions import Predictions
from monai_fairtune.search.candidates import candidates
from monai_fairtune.search.confirmation import Finalist, Retraining
from monai_fairtune.search.experiment import Experiment, versions
from monai_fairtune.search.floor import UtilityFloor
from monai_fairtune.search.goals import Goals
from monai_fairtune.search.honesty import describe_faults, describe_front, describe_noise, describe_optimism
from monai_fairtune.search.records import TrialRecord, TrialRecords
from monai_fairtune.search.screened import describe_screening
from monai_fairtune.search.settings import SearchSettings

__all__ = ["FOUND_MASK", "SearchOutcome"]

FOUND_MASK = "found mask"
"""The name of the answer when it is not one of the anchors."""


@dataclass(frozen=True)
class SearchOutcome:
    """What the stages produced, before it is written down.

    Args:
        experiment: cohort, network and training.
        settings: of the search.
        goals: of the search.
        search_space: the partition's name.
        sampler: its description.
        floor: the utility floor.
        records: every training.
        finalists: the chosen one first.
        chosen: the retraining whose model is delivered.
        test: what that model says about the test split.
        reports: of the delivered model, by split.
        anchor_reports: by trial number, by split.
        comparisons: anchor's name to the delivered model's paired comparison with it on the test split.
        test_reads: how often the test split was read in this study.
        config_hash: of the study's fingerprint.
    """

    experiment: Experiment
    settings: SearchSettings
    goals: Goals
    search_space: str
    sampler: str
    floor: UtilityFloor
    records: TrialRecords
    finalists: Sequence[Finalist]
    chosen: Retraining
    test: Predictions
    reports: Mapping[str, Any]
    anchor_reports: Mapping[int, Mapping[str, Any]]
    comparisons: Mapping[str, Mapping[str, Any]]
    test_reads: int
    config_hash: str

    def to_dict(self) -> dict[str, Any]:
        """Returns the content of ``result.json``: plain JSON, nothing about single patients."""
        winner = self.finalists[0].trial
        limit = self.settings.max_trained_share
        feasible = candidates(self.records.all, self.floor.value, limit)
        noise = describe_noise(feasible, self.finalists, self.goals)
        return {
            "schema": 1,
            "study": self._study(),
            "attribute": self.experiment.attributes[0],
            "attributes": list(self.experiment.attributes),
            "objective": self.goals.first.name,
            "objective_direction": self.goals.first.direction,
            "objective_note": self.goals.first.note,
            "objectives": [
                {"name": name, "direction": direction}
                for name, direction in zip(self.goals.names, self.goals.directions, strict=True)
            ],
            "network": dict(self.experiment.network),
            "method": winner.name if winner.kind == "anchor" else FOUND_MASK,
            "mask": dict(winner.mask),
            "trained_share": winner.trained_share,
            "hyperparameters": dict(winner.hyperparameters),
            "anchors": [self._anchor(record) for record in self.records.all if record.number in self.anchor_reports],
            "finalists": [self._finalist(finalist) for finalist in self.finalists],
            "trials": [self._trial(record) for record in self.records.all],
            "screening": describe_screening(self.records),
            "noise": noise,
            "optimism": describe_optimism(self.finalists[0], self.chosen, self.goals, self.test, noise["estimate"]),
            "pareto_front": describe_front(feasible, self.goals),
            "faults": describe_faults(self.records),
            "epochs": list(self.chosen.record.epochs),
            **self.reports,
            "comparisons": dict(self.comparisons),
            "test_reads": self.test_reads,
            "n_trials": self._n_trials(),
            "eligibility": dict(self.experiment.eligibility),
            "cohort": dict(self.experiment.cohort),
            "preprocessing": dict(self.experiment.preprocessing),
            "training": dict(self.experiment.training),
            "seconds": self._seconds(),
            "versions": versions(),
            "cohort_hash": self.experiment.cohort_hash,
            "config_hash": self.config_hash,
            "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        }

    def _study(self) -> dict[str, Any]:
        return {
            **asdict(self.settings),
            "search_space": self.search_space,
            "sampler": self.sampler,
            "utility_floor": {"value": self.floor.value, "rule": self.floor.rule},
            "storage": "study.db",
        }

    def _anchor(self, record: TrialRecord) -> dict[str, Any]:
        return {
            "name": record.name,
            "trial": record.number,
            "mask": dict(record.mask),
            "trained_share": record.trained_share,
            "hyperparameters": dict(record.hyperparameters),
            "seed": record.seed,
            "value": record.value,
            "epochs": list(record.epochs),
            "seconds": record.seconds,
            **self.anchor_reports[record.number],
        }

    def _finalist(self, finalist: Finalist) -> dict[str, Any]:
        trial = finalist.trial
        return {
            "trial": trial.number,
            "name": trial.name or f"trial {trial.number}",
            "mask": dict(trial.mask),
            "hyperparameters": dict(trial.hyperparameters),
            "trained_share": trial.trained_share,
            "value": finalist.candidate.value,
            "values": list(finalist.candidate.values),
            "selection_values": [again.value for again in finalist.retrainings],
            "selection_value": finalist.selection_value,
            "selection_overall_auroc": finalist.selection_overall_auroc,
            "chosen": finalist is self.finalists[0],
        }

    def _trial(self, record: TrialRecord) -> dict[str, Any]:
        components = record.mask["components"] if record.mask["partition"] == self.search_space else None
        limit = self.settings.max_trained_share
        reaches = record.overall_auroc is not None and record.overall_auroc >= self.floor.value
        feasible = reaches and (limit is None or record.trained_share <= limit)
        return {
            "number": record.number,
            "name": record.name,
            "kind": record.kind,
            "state": record.state,
            "value": record.value,
            "values": list(record.values),
            "overall_auroc": record.overall_auroc,
            "replicate": record.replicate,
            "mask_key": record.mask_key,
            "attempts": record.attempts,
            "feasible": feasible if record.state == "complete" else None,
            "components": components,
            "learning_rate": record.hyperparameters["learning_rate"],
            "trained_share": record.trained_share,
            "n_epochs": record.n_epochs,
            "seconds": record.seconds,
            "reason": record.reason,
        }

    def _n_trials(self) -> dict[str, int]:
        states = [record.state for record in self.records.all]
        return {
            **{state: states.count(state) for state in ("complete", "pruned", "failed")},
            "duplicate": sum(record.n_duplicates for record in self.records.all),
        }

    def _seconds(self) -> float:
        confirmations = [again.record for finalist in self.finalists for again in finalist.retrainings]
        return sum(record.seconds for record in [*self.records.all, *confirmations])
