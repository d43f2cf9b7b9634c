"""CUDA graphs without a GPU: operations on the processor are noted while a graph is captured, and done again.

What a device alone can do, such as refusing an operation or running out of memory, is asked of a GPU in the same tests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, ClassVar

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

__all__ = ["HostGraph", "graphs_on_host"]


class HostGraph:
    """Stands for ``torch.cuda.CUDAGraph``: tensors stay where they were when it was captured.

    Attributes:
        made: every graph, in a test that wants to know.
        steps: each operation with what it was given and gave; None once its memory is given up.
    """

    made: ClassVar[list[HostGraph]] = []

    def __init__(self) -> None:
        self.steps: list[tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any], Any]] | None = []
        self.made.append(self)

    def replay(self) -> None:
        """Does again what was noted, into the same tensors."""
        if not self.steps:
            raise RuntimeError("The graph was not captured, or its memory was given up.")
        with torch.no_grad():
            for function, arguments, options, results in self.steps:
                again = function(*arguments, **options)
                for old, new in zip(tree_leaves(results), tree_leaves(again), strict=True):
                    if isinstance(old, torch.Tensor) and old.data_ptr() != new.data_ptr():
                        old.copy_(new)

    def reset(self) -> None:
        """Gives up its memory."""
        self.steps = None


class _Noting(TorchDispatchMode):  # type: ignore[no-untyped-call]
    def __init__(self, graph: HostGraph) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._graph = graph

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func is torch.ops.aten._local_scalar_dense.default:
            raise RuntimeError("CUDA error: operation not permitted when stream is capturing")
        result = func(*args, **(kwargs or {}))
        assert self._graph.steps is not None
        self._graph.steps.append((func, args, kwargs or {}, result))
        return result


class _Stream:
    def __init__(self, *_device: Any) -> None: ...

    def wait_stream(self, _other: Any) -> None: ...


@contextmanager
def _capture(graph: HostGraph, *, pool: Any, stream: _Stream) -> Iterator[None]:
    with _Noting(graph):
        yield


def _nothing(*_arguments: Any) -> AbstractContextManager[None]:
    return nullcontext()


def graphs_on_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """Puts them in the place of CUDA's."""
    streams = {"Stream": _Stream, "current_stream": _Stream, "stream": _nothing, "device": _nothing}
    graphs = {"CUDAGraph": HostGraph, "graph": _capture, "graph_pool_handle": tuple}
    monkeypatch.setattr(HostGraph, "made", [])
    for name, stand_in in {**streams, **graphs, "synchronize": _nothing}.items():
        monkeypatch.setattr(torch.cuda, name, stand_in)
