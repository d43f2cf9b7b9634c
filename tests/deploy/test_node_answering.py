from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Event

import pytest
from pydicom import Dataset

from monai_fairtune.deploy import ImageClassifier
from monai_fairtune.deploy.dicom import StudyAnswer
from monai_fairtune.deploy.node import NodeLimits, NodeSettings, RemoteNode, StudyAnswerer
from monai_fairtune.deploy.node.answering import Answerer, back_off
from monai_fairtune.deploy.node.metrics import NodeMetrics
from monai_fairtune.deploy.node.queue import StudyQueue
from monai_fairtune.deploy.node.spool import Spool
from monai_fairtune.exceptions import DiskFullError
from monai_fairtune.testing.classifiers import BrightnessClassifier
from tests.deploy.clock import Clock
from tests.deploy.dicom_files import write_image
from tests.deploy.nodes import answer_briefly


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    """An empty one."""
    spool = Spool(tmp_path / "spool")
    yield spool
    spool.close()


@pytest.fixture
def queue(spool: Spool, tmp_path: Path, clock: Clock) -> Iterator[StudyQueue]:
    """A queue with one study that is ready."""
    queue = StudyQueue(spool.queue_path, 0.0, clock)
    spool.write_image("a", write_image(tmp_path / "a.dcm", study="1.2.1").read_bytes())
    queue.add("s", "a", 1)
    yield queue
    queue.close()


class Once(Event):
    """Lets a loop go round once."""

    n_asked = 0

    def is_set(self) -> bool:
        """Says no the first time."""
        self.n_asked += 1
        return self.n_asked > 1


def answerer_for(queue: StudyQueue, spool: Spool, answer: StudyAnswerer) -> Answerer:
    """Returns who tries once to answer a study and allows each image a tenth of a second."""
    limits = NodeLimits(n_attempts=1, image_seconds=0.1)
    settings = NodeSettings(spool.queue_path, RemoteNode("A", "h", 1), limits=limits)
    return Answerer(settings, queue, spool, NodeMetrics(queue), BrightnessClassifier(), answer)


def work(queue: StudyQueue, spool: Spool, answer: StudyAnswerer) -> dict[str, int]:
    """Tries to answer; returns the number of parts by state."""
    answerer_for(queue, spool, answer).run(Once())
    return queue.counts()


def disk_full(_: Sequence[Path], __: ImageClassifier) -> StudyAnswer:
    raise DiskFullError


def wrong(_: Sequence[Path], __: ImageClassifier) -> StudyAnswer:
    raise ZeroDivisionError


def unwritable(_: Sequence[Path], __: ImageClassifier) -> StudyAnswer:
    return StudyAnswer(Dataset(), ())


def test_a_report_that_cannot_be_encoded_fails_its_study_and_not_the_node(queue: StudyQueue, spool: Spool) -> None:
    assert work(queue, spool, unwritable) == {"failed": 1}


def test_what_the_machine_lacks_is_no_attempt_of_the_study(queue: StudyQueue, spool: Spool, clock: Clock) -> None:
    for _ in range(3):
        assert work(queue, spool, disk_full) == {"ready": 1}
        clock.now += 60
    assert work(queue, spool, wrong) == {"failed": 1}


def test_a_report_waits_for_room_on_the_disk(queue: StudyQueue, spool: Spool, clock: Clock) -> None:
    reports = spool.report_path("s", 1).parent
    reports.rmdir()
    reports.write_bytes(b"")  # no file can be made in it, not even by root
    assert work(queue, spool, answer_briefly) == {"ready": 1}
    reports.unlink()
    clock.now += 60
    assert work(queue, spool, answer_briefly) == {"answered": 1}


def test_a_study_whose_image_is_lost_has_failed_and_is_not_refused(queue: StudyQueue, spool: Spool) -> None:
    spool.image_path("a").unlink()
    assert work(queue, spool, lambda files, classifier: StudyAnswer(None, ())) == {"failed": 1}


@pytest.mark.parametrize(("n_images", "is_overdue"), [(1, True), (100, False)])
def test_a_study_is_overdue_by_the_number_of_its_images(
    queue: StudyQueue, spool: Spool, n_images: int, is_overdue: bool
) -> None:
    for number in range(1, n_images):
        queue.add("s", f"a{number}", 1)
        spool.write_image(f"a{number}", b"")
    found: list[bool] = []

    def answer(_: Sequence[Path], __: ImageClassifier) -> StudyAnswer:
        time.sleep(0.3)
        found.append(answerer.is_overdue)
        return StudyAnswer(None, ())

    answerer = answerer_for(queue, spool, answer)
    answerer.run(Once())
    assert (found, answerer.is_overdue) == ([is_overdue], False)


@pytest.mark.parametrize("attempts", [1, 10, 1025, 10**6])
def test_a_pause_lasts_at_most_five_minutes(attempts: int) -> None:
    assert back_off(attempts) == min(300.0, 2.0 ** min(attempts - 1, 20))
