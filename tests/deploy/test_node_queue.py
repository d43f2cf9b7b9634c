from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from monai_fairtune.deploy.node import RemoteNode
from monai_fairtune.deploy.node.queue import Load, Part, StudyQueue
from monai_fairtune.deploy.node.spool import Spool
from monai_fairtune.exceptions import ConfigurationError

IDLE = 10.0


class Clock:
    """A clock that stands still until it is set."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The queue's clock."""
    return Clock()


@pytest.fixture
def queue(tmp_path: Path, clock: Clock) -> Iterator[StudyQueue]:
    """An empty queue."""
    queue = StudyQueue(tmp_path / "queue.db", IDLE, clock)
    yield queue
    queue.close()


def taken(queue: StudyQueue) -> Part:
    """Returns the part that is ready."""
    part = queue.take_ready()
    assert part is not None
    return part


def test_a_study_is_ready_when_no_image_came_for_the_idle_seconds(queue: StudyQueue, clock: Clock) -> None:
    queue.add("s", "a", 1)
    clock.now = 9.0
    queue.add("s", "b", 1)
    clock.now = 18.0
    assert queue.take_ready() is None
    clock.now = 19.0
    assert taken(queue).images == ("a", "b")


def test_an_image_that_comes_while_its_study_is_answered_opens_another_part(queue: StudyQueue, clock: Clock) -> None:
    queue.add("s", "a", 1)
    clock.now = IDLE
    first = taken(queue)
    queue.add("s", "b", 1)
    queue.move(first, "answered")
    clock.now = 2 * IDLE
    assert (taken(queue).number, queue.counts()) == (2, {"answered": 1, "ready": 1})


def test_an_attempt_that_never_ends_is_counted_and_taken_up_after_a_restart(
    queue: StudyQueue, clock: Clock, tmp_path: Path
) -> None:
    queue.add("s", "a", 1)
    clock.now = IDLE
    assert taken(queue).attempts == 1
    queue.close()
    with closing(StudyQueue(tmp_path / "queue.db", IDLE, clock)) as again:
        assert taken(again).attempts == 2


def test_waiting_starts_anew_with_the_process_whatever_the_clock_says_then(
    queue: StudyQueue, clock: Clock, tmp_path: Path
) -> None:
    clock.now = 1e9
    queue.add("s", "a", 1)
    queue.close()
    clock.now = 0.0  # the machine was started anew
    with closing(StudyQueue(tmp_path / "queue.db", IDLE, clock)) as again:
        assert again.take_ready() is None
        clock.now = IDLE
        assert taken(again).images == ("a",)


def test_a_part_that_is_put_off_waits(queue: StudyQueue, clock: Clock) -> None:
    queue.add("s", "a", 1)
    clock.now = IDLE
    queue.put_off(taken(queue), 5.0, 1, "why")
    assert queue.take_ready() is None
    clock.now += 5.0
    assert taken(queue).attempts == 2


def test_files_count_until_they_are_removed_and_images_are_known_until_they_are_forgotten(
    queue: StudyQueue, clock: Clock
) -> None:
    queue.add("s", "a", 7)
    clock.now = IDLE
    part = taken(queue)
    queue.move(part, "answered")
    assert queue.removable(0.0, 30.0) == []
    queue.move(part, "sent")
    assert queue.load() == Load(1, 7)
    assert queue.removable(1.0, 30.0) == []  # kept for a day
    assert [each.id for each in queue.removable(0.0, 30.0)] == [part.id]
    queue.note_removed(part)
    assert (queue.load(), queue.knows("a")) == (Load(0, 0), True)
    queue.forget(remember_days=0.0)
    assert not queue.knows("a")


def test_a_failed_study_keeps_its_files_until_it_is_no_longer_remembered(queue: StudyQueue, clock: Clock) -> None:
    queue.add("s", "a", 1)
    clock.now = IDLE
    part = taken(queue)
    queue.move(part, "failed", "why")
    assert queue.removable(0.0, 30.0) == []
    assert queue.removable(0.0, 0.0) == [Part(part.id, "s", 1, 0, ("a",))]
    queue.note_removed(part)
    assert not queue.knows("a")


def test_files_that_were_never_confirmed_are_removed_and_the_others_stay(queue: StudyQueue, tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    for image in ("a", "b"):
        spool.write_image(image, b"pixels")
    queue.add("s", "a", 6)
    assert spool.remove_strangers(queue) == 1
    assert (spool.image_path("a").exists(), spool.image_path("b").exists()) == (True, False)
    spool.close()


def test_the_spool_is_for_its_owner_alone(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    assert (tmp_path / "spool").stat().st_mode & 0o077 == 0
    spool.close()


@pytest.mark.parametrize("text", ["ARCHIVE", "ARCHIVE@host", "ARCHIVE@host:0", "ARCHIVE@host:65536", "A" * 17 + "@h:1"])
def test_what_names_no_node_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="names no DICOM node"):
        RemoteNode.parse(text)
