"""What every ``Board`` must do: run these against a board of your own."""

from __future__ import annotations

from collections.abc import Callable

from monai_fairtune.search.board import Board
from monai_fairtune.search.job import Job

__all__ = [
    "check_board",
    "check_board_adopts_results",
    "check_board_gives_each_job_once",
    "check_board_keeps_results",
    "check_board_listens_to_holders_only",
    "check_board_obeys_the_policy",
    "check_board_tells_what_goes_on",
]


def check_board(make: Callable[[], Board]) -> None:
    """Runs every check.

    Args:
        make: returns an empty board.

    Raises:
        AssertionError: naming what does not hold.
    """
    for check in (
        check_board_gives_each_job_once,
        check_board_keeps_results,
        check_board_adopts_results,
        check_board_listens_to_holders_only,
        check_board_obeys_the_policy,
        check_board_tells_what_goes_on,
    ):
        check(make())


def jobs(n: int) -> list[Job]:
    """Returns jobs that say little."""
    return [Job(f"{number:05d}", "search", number, {"components": {"a": True}}, 1e-3) for number in range(n)]


def check_board_gives_each_job_once(board: Board) -> None:
    """Jobs are given in order, each to one worker, and putting them again changes nothing."""
    board.put(jobs(3))
    first = board.claim("one")
    board.put(jobs(4))
    others = [board.claim(name) for name in ("two", "one", "two", "one")]
    keys = [None if lease is None else lease.job.key for lease in (first, *others)]
    _require(keys == ["00000", "00001", "00002", "00003", None], f"claims gave {keys}")
    _require(first is not None and first.job == jobs(1)[0], "a job came back changed")
    _require(first is not None and first.attempt == first.accumulation_steps == 1, "a first attempt is not the first")


def check_board_keeps_results(board: Board) -> None:
    """A finished job is given no more, and its result is there for everyone."""
    board.put(jobs(2))
    lease = board.claim("one")
    assert lease is not None  # noqa: S101
    _require(board.finish(lease, {"value": 0.1 + 0.2}), "a lease that is held cannot finish")
    _require(board.results(()) == {"00000": {"value": 0.1 + 0.2}}, "a result came back changed")
    _require(board.results({"00000"}) == {}, "a known result is sent again")
    _require([entry.job.key for entry in board.entries()] == ["00001"], "a finished job is still open")
    _require(board.fail_worker("one", "killed", "") == 0, "a finished job failed with its worker")


def check_board_adopts_results(board: Board) -> None:
    """A result that was found is kept as if its worker had finished, which may still say so; no other replaces it."""
    board.put(jobs(3))
    lease = board.claim("one")
    assert lease is not None  # noqa: S101
    board.adopt("00000", {"value": 1.0})
    board.adopt("00001", {"value": 2.0})
    board.adopt("00000", {"value": 3.0})
    _require(board.results(()) == {"00000": {"value": 1.0}, "00001": {"value": 2.0}}, "a result was not adopted")
    _require([entry.job.key for entry in board.entries()] == ["00002"], "an adopted job is still open")
    _require(board.finish(lease, {"value": 4.0}), "the worker of an adopted job has not finished")
    _require(board.results(())["00000"] == {"value": 1.0}, "an adopted result was replaced")
    _require(board.fail_worker("one", "killed", "") == 0, "an adopted job failed with its worker")
    board.adopt("unknown", {})
    _require(len(board.results(())) == 2, "a job that is not on the board has a result")


def check_board_listens_to_holders_only(board: Board) -> None:
    """Whoever lost a lease can neither renew, finish, fail nor release what another holds by now."""
    board.put(jobs(1))
    old = board.claim("one")
    assert old is not None  # noqa: S101
    board.fail_worker("one", "killed", "gone")
    new = board.claim("two")
    assert new is not None  # noqa: S101
    _require((new.attempt, new.faults) == (2, ("killed",)), "the second attempt does not know the first")
    _require(not board.renew(old), "a lost lease was renewed")
    _require(not board.finish(old, {"value": 1.0}), "a lost lease finished")
    board.fail(old, "crashed", "")
    board.release(old)
    _require(board.renew(new), "a lost lease took a job from its holder")
    _require(board.finish(new, {"value": 2.0}), "the holder cannot finish")
    _require(board.results(()) == {"00000": {"value": 2.0}}, "the wrong result was kept")


def check_board_obeys_the_policy(board: Board) -> None:
    """After memory ran out a job is tried with half the batch and then given up; giving back costs no attempt."""
    board.put(jobs(1))
    lease = board.claim("one")
    assert lease is not None  # noqa: S101
    board.release(lease)
    lease = board.claim("one")
    assert lease is not None  # noqa: S101
    _require(lease.attempt == 1, "giving a job back cost an attempt")
    board.fail(lease, "out_of_memory", "no memory")
    lease = board.claim("one")
    assert lease is not None  # noqa: S101
    _require((lease.attempt, lease.accumulation_steps) == (2, 2), "the batch was not halved")
    board.fail(lease, "out_of_memory", "no memory again")
    _require(board.claim("one") is None, "a job was tried a third time")
    (entry,) = board.entries()
    _require(entry.state == "given_up", f"a job is {entry.state}, not given up")
    _require(entry.faults == ("out_of_memory", "out_of_memory"), "faults were forgotten")
    _require(entry.reason == "no memory again", "the reason was forgotten")


def check_board_tells_what_goes_on(board: Board) -> None:
    """Progress is there for who watches, and one process at a time plans."""
    board.put(jobs(2))
    lease = board.claim("one")
    assert lease is not None  # noqa: S101
    board.renew(lease, {"epoch": 2})
    entries = board.entries()
    _require([entry.state for entry in entries] == ["leased", "queued"], "states are wrong")
    _require((entries[0].worker, dict(entries[0].progress)) == ("one", {"epoch": 2}), "progress is not told")
    with board.leading() as leads:
        _require(leads, "nobody may plan")


def _require(holds: bool, complaint: str) -> None:
    if not holds:
        raise AssertionError(f"This board does not hold its promise: {complaint}.")
