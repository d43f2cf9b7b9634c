"""Databases whose answers get lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

__all__ = ["ForgetfulEngine", "forget_commits"]


def _lost() -> OperationalError:
    return OperationalError("COMMIT", None, ConnectionError("server closed the connection unexpectedly"))


class ForgetfulEngine:
    """An engine on which each first commit arrives, although the network says that it did not.

    Args:
        engine: the real one.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.n_commits = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.engine, name)

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Begins a transaction, as :meth:`sqlalchemy.Engine.begin` does."""
        with self.engine.begin() as connection:
            yield connection
        self.n_commits += 1
        if self.n_commits % 2:
            raise _lost()


def forget_commits(seed: int, share: float) -> None:
    """Makes a share of all commits of this process arrive although they are said not to have; for a copy only.

    Args:
        seed: of which ones.
        share: in [0, 1].
    """
    rng = Random(seed)  # noqa: S311 - no secret
    begin, commit = Engine.begin, Session.commit

    @contextmanager
    def forgetful_begin(self: Engine) -> Iterator[Connection]:
        with begin(self) as connection:
            yield connection
        if rng.random() < share:
            raise _lost()

    def forgetful_commit(self: Session) -> None:
        commit(self)
        if rng.random() < share:
            raise _lost()

    Engine.begin = forgetful_begin  # type: ignore[method-assign]
    Session.commit = forgetful_commit  # type: ignore[method-assign]
