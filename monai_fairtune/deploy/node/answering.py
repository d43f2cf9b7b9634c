"""Answering studies: one at a time, each attempt counted before it begins."""

from __future__ import annotations

import logging
import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Literal, TypeAlias

from monai_fairtune.deploy.classifier import ImageClassifier
from monai_fairtune.deploy.dicom import StudyAnswer
from monai_fairtune.deploy.dicom.structured_report import encode_report
from monai_fairtune.deploy.node.logs import log
from monai_fairtune.deploy.node.metrics import NodeMetrics
from monai_fairtune.deploy.node.queue import Part, StudyQueue
from monai_fairtune.deploy.node.settings import NodeSettings
from monai_fairtune.deploy.node.spool import Spool
from monai_fairtune.exceptions import RunError

__all__ = ["POLL_SECONDS", "Answerer", "StudyAnswerer", "back_off"]

POLL_SECONDS = 0.1
_LONGEST_PAUSE = 300.0
_FAULT_SECONDS = 10.0


StudyAnswerer: TypeAlias = Callable[[Sequence[Path], ImageClassifier], StudyAnswer]
"""Answers for the images of one study. Asked twice, it gives its report the same SOP Instance UID."""


def back_off(attempts: int) -> float:
    """Returns the seconds to wait after so many attempts: 1, 2, 4, ... up to 300."""
    return min(_LONGEST_PAUSE, 2.0 ** min(attempts - 1, 9))  # a power of thousands overflows


class Answerer:
    """Takes parts that are ready and leaves their reports in the spool.

    A part whose attempts end with the process, killed by what it holds, has failed in the end as one has whose attempts
    end with an error. Attempts that end by the machine, such as by a full disk, are not counted: the part waits.
    """

    def __init__(
        self,
        settings: NodeSettings,
        queue: StudyQueue,
        spool: Spool,
        metrics: NodeMetrics,
        classifier: ImageClassifier,
        answer: StudyAnswerer,
    ) -> None:
        self._limits = settings.limits
        self._queue, self._spool, self._metrics = queue, spool, metrics
        self._classifier, self._answer = classifier, answer
        self._latest = math.inf

    @property
    def is_overdue(self) -> bool:
        """Whether it has been at one study for longer than its images may take."""
        return time.monotonic() > self._latest

    def run(self, stop: Event) -> None:
        """Answers until ``stop``; the study under work is finished."""
        with ThreadPoolExecutor(1, thread_name_prefix="inference") as executor:
            while not stop.is_set():
                part = self._queue.take_ready()
                if part is None:
                    stop.wait(POLL_SECONDS)
                elif part.attempts > self._limits.n_attempts:
                    self._fail(part, "the process ended while it was answered")
                else:
                    self._work(part, executor)

    def _work(self, part: Part, executor: ThreadPoolExecutor) -> None:
        start = time.monotonic()
        self._latest = start + self._limits.image_seconds * len(part.images)
        # Whatever goes wrong with one study must not end the node: as a future's error it is a value.
        future = executor.submit(self._answer_part, part)
        error = future.exception()
        seconds, self._latest = time.monotonic() - start, math.inf
        self._metrics.inference.observe(seconds)
        if error is None:
            self._note(part, future.result(), round(seconds, 3))
        else:
            self._try_again(part, error)

    def _answer_part(self, part: Part) -> StudyAnswer:
        """Answers for a part; its report is on disk when this returns."""
        files = [self._spool.image_path(image) for image in part.images]
        for file in files:
            file.open("rb").close()  # one that is lost is no refusal of what the sender gave
        answer = self._answer(files, self._classifier)
        if answer.report is not None:
            self._spool.write_report(part, encode_report(answer.report))
        return answer

    def _note(self, part: Part, answer: StudyAnswer, seconds: float) -> None:
        refused = Counter(each.refusal.reason.value for each in answer.answers if each.refusal is not None)
        outcome: Literal["refused", "answered"] = "refused" if answer.report is None else "answered"
        self._queue.move(part, outcome, ", ".join(sorted(refused)) or None)
        self._metrics.studies.labels(outcome).inc()
        log(logging.INFO, f"study {outcome}", study=part.study, part=part.number, n_images=len(part.images),
            seconds=seconds, refused=refused)  # fmt: skip

    def _try_again(self, part: Part, error: BaseException) -> None:
        reason = type(error).__name__
        of_machine = isinstance(error, OSError | RunError) and not isinstance(error, FileNotFoundError)
        if part.attempts >= self._limits.n_attempts and not of_machine:
            self._fail(part, reason)
            return
        attempts = part.attempts - of_machine
        seconds = _FAULT_SECONDS if of_machine else back_off(attempts)
        self._queue.put_off(part, seconds, attempts, reason)
        log(logging.WARNING, "study not answered yet", study=part.study, part=part.number, attempts=attempts,
            reason=reason)  # fmt: skip

    def _fail(self, part: Part, reason: str) -> None:
        self._queue.move(part, "failed", reason)
        self._metrics.studies.labels("failed").inc()
        log(logging.ERROR, "study failed", study=part.study, part=part.number, reason=reason)
