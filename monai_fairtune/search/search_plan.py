"""The whole search as jobs: trials, then retrainings of the finalists, then the final assessment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from monai_fairtune.masks import Mask
from monai_fairtune.search.candidates import Candidate
from monai_fairtune.search.finalists import confirmation_jobs, rank_candidates
from monai_fairtune.search.floor import UtilityFloor
from monai_fairtune.search.job import Job
from monai_fairtune.search.planner import Planner
from monai_fairtune.search.records import TrialRecord, TrialRecords

__all__ = ["SearchPlan"]


@dataclass
class SearchPlan:
    """Says what can be done now, from what is finished.

    Args:
        planner: of the trials.
        test_reads: returns how often the test split has been read.
    """

    planner: Planner
    test_reads: Callable[[], int]

    def open_jobs(self, records: TrialRecords) -> list[Job]:
        """Returns the jobs that can be done now, in order; the last one is the final assessment, alone."""
        trials = self.planner.open_jobs(records)
        if trials or not self.planner.is_finished(records):
            return trials
        again = confirmation_jobs(
            {one.first.number: (one, mask) for one, mask in self.finalists(records)}, self.planner.settings
        )
        missing = [job for job in again if job.key not in records.keys]
        return missing or [Job(self.final_key, "final", test_reads=self.test_reads())]

    def finalists(self, records: TrialRecords) -> list[tuple[Candidate, Mask]]:
        """Returns the best candidates with their masks.

        Raises:
            NoFeasibleTrialError: if no trial is feasible.
        """
        planner = self.planner
        ranked = rank_candidates(records, self.floor, planner.settings, planner.goals)
        return [(one, self._mask(one.first)) for one in ranked[: planner.settings.n_finalists]]

    @property
    def final_key(self) -> str:
        """The key of the final assessment, which a larger budget makes anew."""
        return "final/" + "-".join(str(number) for number in self.planner.settings.budget)

    @property
    def floor(self) -> UtilityFloor:
        """The utility floor, once the anchors are trained."""
        if self.planner.floor is None:
            raise RuntimeError("The anchors are not trained.")
        return self.planner.floor

    def _mask(self, record: TrialRecord) -> Mask:
        partition = self.planner.space.partition
        if record.mask["partition"] == partition.name:
            return Mask.from_dict(record.mask, partition)
        return self.planner.anchors[str(record.name)]
