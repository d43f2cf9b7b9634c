"""Does the jobs of a search with a tuner that stays in memory from job to job."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from monai_fairtune.masks import Mask, Partition
from monai_fairtune.search.board import Lease
from monai_fairtune.search.goals import Goals
from monai_fairtune.search.job import Job
from monai_fairtune.search.screened import check_can_blend
from monai_fairtune.search.settings import SearchSettings
from monai_fairtune.search.training import Training, find_mask
from monai_fairtune.tuning import Tuner

__all__ = ["JobRunner"]


@dataclass
class JobRunner:
    """Trains what a lease says, or makes the final assessment.

    Args:
        make_tuner: called once, when the first job comes: network and images then stay where they are.
        partition: of the search space.
        anchors: fixed methods, by name.
        goals: what is optimised.
        settings: of the search.
        folder: holds a folder for each job.
        assess: makes the final assessment, given the tuner, its job and how often that was tried.
        n_threads: of PyTorch on processors while a job is done.
    """

    make_tuner: Callable[[], Tuner]
    partition: Partition
    anchors: Mapping[str, Mask]
    goals: Goals
    settings: SearchSettings
    folder: Path
    assess: Callable[[Tuner, Job, int], Mapping[str, Any]]
    n_threads: int
    _tuner: Tuner | None = field(default=None, init=False)

    def __call__(self, lease: Lease, on_progress: Callable[[Mapping[str, Any]], None]) -> Mapping[str, Any]:
        """Returns the job's result as plain JSON."""
        previous = torch.get_num_threads()
        torch.set_num_threads(self.n_threads)
        try:
            return self._do(lease, on_progress)
        finally:
            torch.set_num_threads(previous)

    def _do(self, lease: Lease, on_progress: Callable[[Mapping[str, Any]], None]) -> Mapping[str, Any]:
        if self._tuner is None:
            self._tuner = self.make_tuner()
            if self.settings.screening:
                check_can_blend(self._tuner)
            on_progress({})
        if lease.job.kind == "final":
            return self.assess(self._tuner, lease.job, lease.attempt)
        mask = find_mask(lease.job, self.partition, self.anchors)
        training = Training(self._tuner, self.goals, self.settings, mask, lease, on_progress)
        return training.run(self.folder / lease.job.key).to_dict()
