"""Passes of a network as CUDA graphs: the host launches one graph instead of a thousand kernels.

A small network's step waits for the host, not for the device: captured once, it takes as long as its kernels do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import Any

import torch
from monai.inferers import Inferer, SimpleInferer
from torch import Tensor, nn

from monai_fairtune.exceptions import ConfigurationError
from monai_fairtune.masks import FairTuneNetwork
from monai_fairtune.tuning.out_of_memory import is_out_of_memory

__all__ = ["Passes", "PredictionGraph", "training_graphs"]


class Passes:
    """How MONAI's engines run a network: as it is written, or as CUDA graphs.

    Args:
        network: the engines'.
        are_captured: whether passes become graphs, where they can: not those whose gradients add up.
    """

    def __init__(self, network: FairTuneNetwork, *, are_captured: bool) -> None:
        self.network, self.are_captured = network, are_captured
        self._predictions: dict[int, PredictionGraph] = {}

    @contextmanager
    def training(self, sizes: Iterable[int], *, adds_up: bool) -> Iterator[Inferer]:
        """Gives a trainer's ``inferer``; see ``training_graphs``.

        Args:
            sizes: of the batches that come, in images.
            adds_up: whether gradients of several passes are added up, of which a graph's memory would hold one.
        """
        if adds_up or not self.are_captured:
            yield SimpleInferer()
            return
        with ExitStack() as stack:
            inferer = None
            while inferer is None:
                try:
                    inferer = stack.enter_context(training_graphs(self.network, sizes))
                except torch.OutOfMemoryError:  # noqa: PERF203 - twice at most
                    if not self._predictions:
                        raise
                    self.drop_predictions()  # their memory may be what was wanted
            yield inferer

    def prediction(self, batch_size: int) -> Inferer:
        """Returns an evaluator's ``inferer``, for batches of at most so many images."""
        if not self.are_captured:
            return SimpleInferer()
        if batch_size not in self._predictions:
            self._predictions[batch_size] = PredictionGraph(self.network, batch_size)
        return self._predictions[batch_size]

    def drop_predictions(self) -> None:
        """Gives up the memory of captured predictions; they are captured again when they are asked for."""
        for prediction in self._predictions.values():
            prediction.close()
        self._predictions.clear()


@contextmanager
def training_graphs(network: FairTuneNetwork, sizes: Iterable[int]) -> Iterator[Inferer]:
    """Captures forward and backward passes under the network's mask, and gives up their memory in the end.

    Capturing runs passes over empty images, which count in
    BatchNorm layers: reset the network afterwards. A step must set gradients to None (``optim_set_to_none`` of MONAI's
    trainer) and run one backward pass before the next forward pass, since gradients lie in the graph's own memory. What
    the network does besides computing on the device, such as hooks, happens while it is captured and never again.

    Args:
        network: on a CUDA device, in train mode from here on.
        sizes: of the batches that come, in images; others run as they are written.

    Yields:
        What a MONAI trainer takes as its ``inferer``.

    Raises:
        ConfigurationError: if a pass cannot be captured, or a step keeps its gradients.
        torch.OutOfMemoryError: if the passes do not fit into memory.
    """
    network.train()
    pool = torch.cuda.graph_pool_handle()  # shared: no pass runs before the other one's is over
    graphs: dict[int, _TrainingGraph] = {}
    try:
        for size in sorted(set(sizes), reverse=True):  # the smaller one finds room in what the larger one left
            graphs[size] = _TrainingGraph(network, size, pool)
        yield _TrainingGraphs(graphs)
    finally:
        for graph in graphs.values():
            graph.close()


class _TrainingGraphs(Inferer):  # type: ignore[misc]
    def __init__(self, by_size: Mapping[int, _TrainingGraph]) -> None:
        super().__init__()
        self._by_size = by_size

    def __call__(self, inputs: Tensor, network: nn.Module, *_args: Any, **_kwargs: Any) -> Tensor:
        graph = self._by_size.get(len(inputs))
        if graph is not None and any(parameter.grad is not None for parameter in graph.parameters):
            raise ConfigurationError("Gradients were kept from one step to the next. Give optim_set_to_none=True.")
        logits: Tensor = network(inputs) if graph is None else _Replay.apply(graph, inputs, *graph.parameters)
        return logits


class _TrainingGraph:
    """A forward and a backward pass for one size of batch.

    As ``torch.cuda.make_graphed_callables`` makes them, whose graphs however stay in memory until Python's collector
    of cycles comes by.
    """

    def __init__(self, network: FairTuneNetwork, n_images: int, pool: Any) -> None:
        self.parameters = [parameter for _, parameter in network.tuned_parameters()]
        self.images = _empty_images(network, n_images)
        self.graphs = self.forward, self.backward = torch.cuda.CUDAGraph(), torch.cuda.CUDAGraph()
        with _aside(network):
            self._gradients(network(self.images))
        with _captured_into(self.forward, network, pool):
            self.logits: Tensor = network(self.images)
        self.gradient = torch.empty_like(self.logits)
        with _captured_into(self.backward, network, pool):
            self.gradients = self._gradients(self.logits, self.gradient)
        self.logits = self.logits.detach()

    def _gradients(self, logits: Tensor, gradient: Tensor | None = None) -> tuple[Tensor | None, ...]:
        given = torch.empty_like(logits) if gradient is None else gradient
        return torch.autograd.grad(logits, self.parameters, given, allow_unused=True)

    def close(self) -> None:
        """Gives up the memory of both passes, whoever still knows of them."""
        for graph in self.graphs:
            graph.reset()
        del self.images, self.logits, self.gradient, self.gradients


class _Replay(torch.autograd.Function):
    """Puts the captured passes where autograd looks for them; the tuned parameters are inputs, to get gradients."""

    @staticmethod
    def forward(ctx: Any, graph: _TrainingGraph, images: Tensor, *_parameters: Tensor) -> Tensor:
        ctx.graph = graph
        graph.images.copy_(images)
        graph.forward.replay()
        return graph.logits.clone()  # the next step writes into the same memory

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        graph: _TrainingGraph = ctx.graph
        graph.gradient.copy_(gradients[0])
        graph.backward.replay()
        return (None, None, *(None if one is None else one.detach() for one in graph.gradients))


class PredictionGraph(Inferer):  # type: ignore[misc]
    """A network's pass without gradients, captured when it is first asked for; it serves every mask and all weights.

    A batch with fewer images is filled up with empty ones, which no other image sees in eval mode.

    Args:
        network: on a CUDA device. Its tensors must stay where they are: new weights are copied into them.
        batch_size: the most images of a batch.

    Raises:
        ConfigurationError: when first called, if the pass cannot be captured.
        torch.OutOfMemoryError: likewise, if it does not fit into memory.
    """

    def __init__(self, network: FairTuneNetwork, batch_size: int) -> None:
        super().__init__()
        self.network, self.batch_size = network, batch_size
        self._graph: torch.cuda.CUDAGraph | None = None

    def __call__(self, inputs: Tensor, _network: nn.Module, *_args: Any, **_kwargs: Any) -> Tensor:
        """Returns logits; call it in eval mode and without gradients, as MONAI's evaluator does."""
        if self._graph is None:
            self._graph = self._capture()
        self._images[: len(inputs)] = inputs
        self._images[len(inputs) :] = 0
        self._graph.replay()
        return self._logits[: len(inputs)].clone()

    def close(self) -> None:
        """Gives up its memory, whoever still knows of it."""
        if self._graph is not None:
            self._graph.reset()
            self._graph = None
            del self._images, self._logits

    def _capture(self) -> torch.cuda.CUDAGraph:
        self._images = _empty_images(self.network, self.batch_size)
        graph = torch.cuda.CUDAGraph()
        with _aside(self.network):
            self.network(self._images)
        with _captured_into(graph, self.network):
            self._logits: Tensor = self.network(self._images)
        return graph


def _empty_images(network: FairTuneNetwork, n: int) -> Tensor:
    shape = (n, network.n_channels, network.image_size, network.image_size)
    return torch.zeros(shape, device=network.mean.device)


@contextmanager
def _aside(network: FairTuneNetwork) -> Iterator[None]:
    """A stream of its own, where a pass does what libraries do once, and fails if it fails without being captured."""
    device = network.mean.device
    stream, current = _stream(device), torch.cuda.current_stream(device)
    stream.wait_stream(current)
    with torch.cuda.stream(stream):
        yield
    current.wait_stream(stream)
    torch.cuda.synchronize(device)


@contextmanager
def _captured_into(graph: torch.cuda.CUDAGraph, network: FairTuneNetwork, pool: Any = None) -> Iterator[None]:
    device = network.mean.device
    try:
        with (
            torch.cuda.device(device),
            torch.cuda.stream(torch.cuda.current_stream(device)),  # after an error PyTorch may not go back to it
            torch.cuda.graph(graph, pool=pool, stream=_stream(device)),
        ):
            yield
    except torch.OutOfMemoryError:
        raise
    except RuntimeError as last:
        error = last.__context__ if isinstance(last.__context__, RuntimeError) else last  # what ended the capture
        if is_out_of_memory(error):
            raise torch.OutOfMemoryError(str(error)) from None
        if "captur" not in str(error):  # as where the device has failed
            raise error from None
        raise ConfigurationError(
            f"The network's pass cannot be captured as a CUDA graph: {error}. Switch cuda_graphs off, in a new "
            "process: a network may wait for the device only then."
        ) from error


@cache
def _stream(device: torch.device) -> torch.cuda.Stream:
    # One for all captures: libraries keep memory for each stream that they have met.
    return torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
