from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from threading import Event, Thread

import pytest
from pydicom import Dataset

from monai_fairtune.deploy.node import NodeLimits
from monai_fairtune.deploy.node.metrics import NodeMetrics
from monai_fairtune.deploy.node.queue import StudyQueue
from monai_fairtune.deploy.node.sender import Sender
from monai_fairtune.deploy.node.spool import Spool
from monai_fairtune.testing.classifiers import BrightnessClassifier
from tests.deploy.dicom_files import write_image
from tests.deploy.nodes import Archive, answer_briefly, settings_for
from tests.servers.processes import wait_until

SUCCESS, FAULT, NO_ROOM, MISMATCH, CANNOT_UNDERSTAND = 0x0000, 0x0110, 0xA700, 0xA900, 0xC000


class Outbox:
    """A queue and a spool of reports, and the sender that empties them."""

    def __init__(self, folder: Path, archive: Archive) -> None:
        self._folder = folder
        self.spool = Spool(folder / "spool")
        self.queue = StudyQueue(self.spool.queue_path, 0.0)
        settings = settings_for(folder, archive, limits=NodeLimits(n_attempts=2))
        self._sender = Sender(settings, self.queue, self.spool, NodeMetrics(self.queue))

    def put(self, study: str) -> Path:
        """Adds a report; returns its file."""
        self.queue.add(study, study, 1)
        part = self.queue.take_ready()
        assert part is not None
        report = answer_briefly(
            [write_image(self._folder / f"{study}.dcm", study=study)], BrightnessClassifier()
        ).report
        assert isinstance(report, Dataset)
        stream = BytesIO()
        report.save_as(stream, enforce_file_format=True)
        self.spool.write_report(part, stream.getvalue())
        self.queue.move(part, "answered")
        return self.spool.report_path(study, part.number)

    @contextmanager
    def sending(self) -> Iterator[Callable[[str, int], None]]:
        """Sends; yields what waits until so many parts are in a state."""
        stop = Event()
        thread = Thread(target=self._sender.run, args=[stop])
        thread.start()

        def wait_for(state: str, n: int) -> None:
            def is_so() -> bool:
                assert thread.is_alive()
                return self.queue.counts().get(state, 0) == n

            wait_until(is_so, f"{n} parts are {state}", 20)

        try:
            yield wait_for
        finally:
            stop.set()
            thread.join(30)

    def close(self) -> None:
        """Closes the files."""
        self.queue.close()
        self.spool.close()


@pytest.fixture
def outbox(tmp_path: Path, archive: Archive) -> Iterator[Outbox]:
    """An empty one, two attempts a report."""
    outbox = Outbox(tmp_path, archive)
    yield outbox
    outbox.close()


@pytest.mark.parametrize("status", [NO_ROOM, FAULT])
def test_no_report_fails_however_long_an_archive_is_full(outbox: Outbox, archive: Archive, status: int) -> None:
    archive.status = status
    outbox.put("1.2.1")
    with outbox.sending() as wait_for:
        wait_until(lambda: archive.n_refused == 2, "it was tried as often as a report may be refused", 20)
        archive.status = SUCCESS
        wait_for("sent", 1)


@pytest.mark.parametrize("status", [MISMATCH, CANNOT_UNDERSTAND])
def test_a_report_that_an_archive_does_not_want_has_failed(outbox: Outbox, archive: Archive, status: int) -> None:
    archive.status = status
    outbox.put("1.2.1")
    with outbox.sending() as wait_for:
        wait_for("failed", 1)
    assert archive.n_refused == 2


def test_a_report_over_which_an_archive_has_a_fault_does_not_hold_up_the_others(
    outbox: Outbox, archive: Archive
) -> None:
    archive.status_of["1.2.1"] = FAULT
    for study in ("1.2.1", "1.2.2", "1.2.3"):
        outbox.put(study)
    with outbox.sending() as wait_for:
        wait_for("sent", 2)
    assert (archive.n_of("1.2.2"), archive.n_of("1.2.3")) == (1, 1)


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"DICM")])
def test_a_report_that_is_lost_is_made_again_and_the_others_go(
    outbox: Outbox, archive: Archive, damage: Callable[[Path], None]
) -> None:
    damage(outbox.put("1.2.1"))
    outbox.put("1.2.2")
    with outbox.sending() as wait_for:
        wait_for("sent", 1)
        wait_for("ready", 1)
    assert archive.n_of("1.2.2") == 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # pynetdicom, sending meanwhile
def test_a_receiver_that_aborts_is_tried_again(outbox: Outbox, archive: Archive) -> None:
    archive.aborts = 1
    for study in ("1.2.1", "1.2.2"):
        outbox.put(study)
    with outbox.sending() as wait_for:
        wait_for("sent", 2)
    assert archive.aborts == 0
