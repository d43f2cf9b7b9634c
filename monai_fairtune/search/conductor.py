"""Puts the next jobs on the board and writes down what came of the last: the half of a search that plans."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from monai_fairtune.exceptions import TrialCrashedError
from monai_fairtune.search.board import Board, Entry
from monai_fairtune.search.candidates import candidates
from monai_fairtune.search.faults import POLICY
from monai_fairtune.search.observing import intermediate_values, violations
from monai_fairtune.search.records import TrialRecord, TrialRecords, stored_result
from monai_fairtune.search.search_plan import SearchPlan
from monai_fairtune.search.study import Study
from monai_fairtune.search.training import find_mask, training_seed

__all__ = ["Conductor"]


@dataclass
class Conductor:
    """Plans for whoever works. One process at a time may take a step; any process may take the next.

    Args:
        plan: what a search consists of.
        board: of jobs.
        study: records the finished trials.
        records: of finished trainings.
        show: called with the number of finished trainings, the open jobs and the best value of each objective, for
            people who watch.
    """

    plan: SearchPlan
    board: Board
    study: Study
    records: TrialRecords
    show: Callable[[int, list[Entry], Mapping[str, float]], None] = lambda n_finished, entries, best: None  # noqa: ARG005
    _put: set[str] = field(default_factory=set)

    def step(self) -> bool:
        """Takes in what is finished and puts what can be done next; says whether the search is finished.

        Raises:
            TrialCrashedError: if a job ended in an unexpected error too often.
            NoFeasibleTrialError: if the search found nothing that may win.
        """
        if self.is_over():
            return True
        with self.board.leading() as leads:
            if leads:
                self._take_in()
                self._write_study()
                self._put_next()
        return False

    def is_over(self) -> bool:
        """Says whether the final assessment is there."""
        found = self.board.results(self.records.keys)
        for key, result in found.items():
            if not key.startswith("final/"):
                record = TrialRecord.from_dict(result)
                has_file = (self.records.path(key) / "result.json").exists()  # else it was damaged, and moved aside
                (self.records.add if has_file else self.records.write)(key, record)
        return self.plan.final_key in found

    def close(self) -> None:
        """Adds the last trials to the study, once the search is finished."""
        with self.board.leading() as leads:
            if leads:
                self._record(self.board.entries())
                self.plan.planner.set_floor(self.records)
                self._write_study()

    def _take_in(self) -> None:
        entries = self.board.entries()
        self._put.update(entry.job.key for entry in entries)
        for entry in entries:
            self.plan.planner.take_over(entry.job)
            if entry.state == "stopped" or (entry.state == "given_up" and entry.job.kind == "final"):
                raise TrialCrashedError(
                    f"{entry.job.title} ended in an error {len(entry.faults)} times: {entry.reason}. The worker's log "
                    "in the folder 'logs' tells more. Nothing is lost: the same command goes on where it stopped."
                )
        self._record(entries)
        self.show(len(self.records.keys), entries, self._best())

    def _record(self, entries: Sequence[Entry]) -> None:
        """Records trainings that were given up, and tells the board of results that were read from disk."""
        for entry in (entry for entry in entries if entry.job.kind != "final"):
            record = self.records.find(entry.job.key)
            if record is None and entry.state == "given_up":
                self._give_up(entry)
            elif record is not None and entry.state != "given_up":
                self.board.adopt(entry.job.key, record.to_dict())

    def _best(self) -> dict[str, float]:
        """The best value of each objective among the feasible candidates."""
        planner = self.plan.planner
        if planner.floor is None:
            return {}
        feasible = candidates(self.records.all, planner.floor.value, planner.settings.max_trained_share)
        columns = zip(*(one.all_values for one in feasible), strict=True)
        chosen = {"maximize": max, "minimize": min}
        return {
            name: chosen[direction](values)
            for name, direction, values in zip(planner.goals.names, planner.goals.directions, columns, strict=False)
        }

    def _give_up(self, entry: Entry) -> None:
        """Records a failure, unless the last attempt wrote its result before it ended."""
        stored = stored_result(self.records.folder, entry.job.key)
        if stored is None:
            self.records.write(entry.job.key, self._failed(entry))
        else:
            self.records.add(entry.job.key, TrialRecord.from_dict(stored))

    def _failed(self, entry: Entry) -> TrialRecord:
        """The record of a training that was given up."""
        job, planner = entry.job, self.plan.planner
        mask = find_mask(job, planner.space.partition, planner.anchors)
        fault = entry.faults[-1]
        return TrialRecord.of(
            job,
            mask,
            training_seed(planner.settings.seed, mask, job),
            state="failed",
            reason=f"Given up after {len(entry.faults)} attempts: {POLICY[fault].meaning}.",
            attempts=len(entry.faults),
            faults=entry.faults,
        )

    def _write_study(self) -> None:
        """Adds what is finished to the study, in order, once the anchors have set the floor."""
        if self.plan.planner.floor is None:
            return
        if self.study.n_trials in self.records:
            self.study.refresh()  # another process may have added it
        while self.study.n_trials in self.records:
            self._add(self.records[self.study.n_trials], self.plan.floor.value)

    def _add(self, record: TrialRecord, floor: float) -> None:
        planner = self.plan.planner
        inside = record.mask["partition"] == planner.space.partition.name
        parameters = {**record.mask["components"], **record.hyperparameters} if inside else {}
        self.study.add(
            record.number,
            state=record.state,
            values=record.values,
            parameters=parameters,
            distributions=planner.space.distributions if inside else {},
            violations=violations(record, floor, planner.settings.max_trained_share),
            intermediate=intermediate_values(record),
            attributes={
                "kind": record.kind,
                "name": record.name,
                "replicate": record.replicate,
                "trained_share": record.trained_share,
                "overall_auroc": record.overall_auroc,
                "seconds": record.seconds,
                "attempts": record.attempts,
            },
        )

    def _put_next(self) -> None:
        new = [job for job in self.plan.open_jobs(self.records) if job.key not in self._put]
        if any(job.kind == "final" for job in new):
            # Counted before it is read: a read that was interrupted has been one.
            self.study.set_attribute("test_reads", (self.study.attribute("test_reads") or 0) + 1)
        self.board.put(new)
        self._put.update(job.key for job in new)
