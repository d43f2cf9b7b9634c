"""What an operator counts, in Prometheus' terms; no label tells anything of a patient, a study or a sender."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from monai_fairtune.deploy.node.queue import StudyQueue

__all__ = ["NodeMetrics"]

_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
_STATES = ("received", "ready", "answered", "failed")


class NodeMetrics:
    """The counts of one node since its process began, and its queue as it is.

    Attributes:
        images: by outcome: ``received``, ``known`` (it came before), ``refused``.
        studies: parts of studies by outcome: ``answered``, ``refused``, ``failed``, ``sent``.
        send_failures: attempts to deliver that ended without the receiver's consent.
        inference: seconds from a study's files to its report.
    """

    def __init__(self, queue: StudyQueue) -> None:
        self._registry = CollectorRegistry()
        prefix, at = "fairtune_node", self._registry
        self.images = Counter(f"{prefix}_images", "Images by outcome.", ["outcome"], registry=at)
        self.studies = Counter(f"{prefix}_studies", "Studies by outcome.", ["outcome"], registry=at)
        self.send_failures = Counter(f"{prefix}_send_failures", "Deliveries that did not succeed.", registry=at)
        self.inference = Histogram(
            f"{prefix}_inference_seconds", "Seconds to answer one study.", buckets=_SECONDS, registry=at
        )
        for outcome in ("received", "known", "refused"):
            self.images.labels(outcome)
        for outcome in ("answered", "refused", "failed", "sent"):
            self.studies.labels(outcome)
        self._registry.register(_QueueCollector(queue))
        ProcessCollector(registry=self._registry)

    def text(self) -> bytes:
        """Returns all of it in Prometheus' text format."""
        return generate_latest(self._registry)


class _QueueCollector(Collector):
    """Reads the queue whenever it is asked."""

    def __init__(self, queue: StudyQueue) -> None:
        self._queue = queue

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yields the depth of the queue, the age of its oldest study and the size of its files."""
        counts, load = self._queue.counts(), self._queue.load()
        depth = GaugeMetricFamily("fairtune_node_queue_studies", "Studies in the queue by state.", labels=["state"])
        for state in _STATES:
            depth.add_metric([state], counts.get(state, 0))
        yield depth
        oldest = self._queue.oldest_seconds()
        yield GaugeMetricFamily("fairtune_node_oldest_seconds", "Age of the oldest undelivered study.", oldest)
        yield GaugeMetricFamily("fairtune_node_kept_images", "Images whose files are kept.", load.n_images)
        yield GaugeMetricFamily("fairtune_node_kept_bytes", "Size of their files.", load.n_bytes)
