"""Sharing work among copies of this process."""

from __future__ import annotations

import multiprocessing
import warnings
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import Any, TypeVar

__all__ = ["shared"]

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def shared(work: Callable[[Sequence[_Item]], list[_Result]], items: Sequence[_Item], n_processes: int) -> list[_Result]:
    """Returns what ``work`` returns for each item, in order, however many processes there are.

    Copies of this process take every ``n_processes``-th item and send their results back; nothing is sent to them, so
    items and work may be anything. Where the system cannot copy a process, this one does it all. Ask for more than one
    only where no library, such as PyTorch, keeps threads at work: a copy has none of them.

    Args:
        work: returns one result an item, which can be pickled.
        items: what to work on.
        n_processes: this one included.
    """
    n_processes = min(n_processes, len(items))
    if n_processes < 2 or "fork" not in multiprocessing.get_all_start_methods():
        return work(items)
    shares = [items[k::n_processes] for k in range(n_processes)]
    started = [_start(work, share) for share in shares[1:]]
    found = [work(shares[0])]
    for share, (process, receiving) in zip(shares[1:], started, strict=True):
        try:
            found.append(receiving.recv())
        except EOFError:  # that process failed: do it here, and fail here if it is the item's fault
            found.append(work(share))
        process.join()
    return [found[k % n_processes][k // n_processes] for k in range(len(items))]


def _start(work: Callable[[Sequence[_Item]], list[_Result]], share: Sequence[_Item]) -> tuple[Any, Connection]:
    context = multiprocessing.get_context("fork")
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(target=_send, args=(work, share, sending))
    with warnings.catch_warnings():
        # Python 3.12 warns of any thread; those of linear algebra, idle here, are the only ones.
        warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
        process.start()
    sending.close()
    return process, receiving


def _send(work: Callable[[Sequence[_Item]], list[_Result]], share: Sequence[_Item], sending: Connection) -> None:
    sending.send(work(share))
    sending.close()
