from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from monai_fairtune.deploy.node import RemoteNode
from monai_fairtune.deploy.node.own_time import DAY
from monai_fairtune.deploy.node.queue import Load, Part, State, StudyQueue
from monai_fairtune.deploy.node.spool import Spool
from monai_fairtune.exceptions import ConfigurationError
from tests.deploy.clock import Clock

IDLE = 10.0


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


def done(queue: StudyQueue, state: State) -> Part:
    """Returns the part that is ready, done."""
    part = taken(queue)
    queue.move(part, "answered")
    queue.move(part, state, "why")
    return part


def removed(queue: StudyQueue, keep_days: float, remember_days: float) -> list[int]:
    """Returns the parts that are removed now."""
    parts: list[Part] = []
    queue.tidy(keep_days, remember_days, parts.append)
    return [part.id for part in parts]


def test_files_count_until_they_are_removed_and_images_are_known_until_they_are_forgotten(
    queue: StudyQueue, clock: Clock
) -> None:
    queue.add("s", "a", 7)
    clock.now = IDLE
    part = taken(queue)
    queue.move(part, "answered")
    assert removed(queue, 0.0, 30.0) == []
    queue.move(part, "sent")
    assert queue.load() == Load(1, 7)
    assert removed(queue, 1.0, 30.0) == []  # kept for a day
    assert removed(queue, 0.0, 30.0) == [part.id]
    assert (queue.load(), queue.knows("a")) == (Load(0, 0), True)
    assert removed(queue, 0.0, 0.0) == []
    assert not queue.knows("a")


def test_a_failed_study_keeps_its_files_until_it_is_no_longer_remembered(queue: StudyQueue, clock: Clock) -> None:
    queue.add("s", "a", 1)
    clock.now = IDLE
    part = done(queue, "failed")
    assert removed(queue, 0.0, 30.0) == []
    assert removed(queue, 0.0, 0.0) == [part.id]
    assert not queue.knows("a")


@pytest.mark.parametrize("state", ["refused", "failed"])
def test_an_image_without_an_answer_may_come_again_mended_and_its_study_with_it(
    queue: StudyQueue, clock: Clock, state: State
) -> None:
    queue.add("s", "a", 1)
    queue.add("s", "b", 1)
    clock.now = IDLE
    done(queue, state)
    assert not queue.knows("a")
    assert removed(queue, 0.0, 0.0) == []
    assert queue.load() == Load(1, 1)
    queue.add("s", "a", 5)
    assert (queue.load(), queue.take_ready()) == (Load(2, 6), None)
    clock.now = 2 * IDLE
    assert set(taken(queue).images) == {"a", "b"}


def test_a_refused_study_is_forgotten_with_its_files(queue: StudyQueue, clock: Clock) -> None:
    queue.add("s", "a", 1)
    clock.now = IDLE
    done(queue, "refused")
    removed(queue, 0.0, 30.0)
    assert (queue.knows("a"), queue.counts()) == (False, {})


def test_files_that_cannot_be_removed_are_still_counted(queue: StudyQueue, clock: Clock) -> None:
    def broken(_: Part) -> None:
        raise PermissionError

    queue.add("s", "a", 1)
    clock.now = IDLE
    part = done(queue, "sent")
    with pytest.raises(PermissionError):
        queue.tidy(0.0, 30.0, broken)
    assert queue.load() == Load(1, 1)
    assert removed(queue, 0.0, 30.0) == [part.id]


def test_no_image_comes_again_while_its_file_is_removed(queue: StudyQueue, clock: Clock) -> None:
    queue.add("s", "a", 1)
    clock.now = IDLE
    done(queue, "failed")
    asked: list[Future[bool]] = []
    with ThreadPoolExecutor(1) as executor:

        def remove(_: Part) -> None:
            asked.append(executor.submit(queue.knows, "a"))
            with pytest.raises(TimeoutError):
                asked[0].result(0.2)

        queue.tidy(0.0, 0.0, remove)
        assert (asked[0].result(), queue.counts()) == (False, {})


def test_another_model_tries_what_has_failed_and_answers_again_what_comes_again(
    queue: StudyQueue, clock: Clock
) -> None:
    queue.use_model("first")
    for study, state in (("s", "sent"), ("f", "failed")):
        queue.add(study, study, 1)
        clock.now += IDLE
        done(queue, state)  # type: ignore[arg-type]
    queue.use_model("first")
    assert queue.counts() == {"sent": 1, "failed": 1}
    queue.use_model("second")
    assert queue.counts() == {"ready": 1}
    assert (taken(queue).images, queue.knows("s"), queue.load()) == (("f",), False, Load(1, 1))


def test_a_spool_under_another_key_is_refused(queue: StudyQueue) -> None:
    queue.use_key("first")
    queue.use_key("first")
    with pytest.raises(ConfigurationError, match="another pseudonym key"):
        queue.use_key("second")


@pytest.mark.parametrize("jump", [-400.0, 400.0])
def test_a_date_that_jumps_forgets_nothing_and_keeps_nothing_for_ever(
    tmp_path: Path, queue: StudyQueue, clock: Clock, jump: float
) -> None:
    queue.add("s", "a", 1)
    clock.now = IDLE
    done(queue, "failed")
    queue.close()
    date = Clock()
    for _ in range(2):
        with closing(StudyQueue(tmp_path / "queue.db", IDLE, clock, date)) as again:
            date.now += jump * DAY
            clock.now += 14 * DAY
            assert removed(again, 0.0, 30.0) == []
    with closing(StudyQueue(tmp_path / "queue.db", IDLE, clock, date)) as again:
        clock.now += 3 * DAY
        assert len(removed(again, 0.0, 30.0)) == 1


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
