"""A DICOM node: what it receives is answered and the reports are sent."""

from __future__ import annotations

import json
import logging
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict
from hashlib import sha256
from threading import Event

from monai_fairtune.deploy.classifier import ImageClassifier
from monai_fairtune.deploy.node.answering import Answerer, StudyAnswerer
from monai_fairtune.deploy.node.endpoint import Endpoint
from monai_fairtune.deploy.node.logs import log
from monai_fairtune.deploy.node.metrics import NodeMetrics
from monai_fairtune.deploy.node.queue import StudyQueue
from monai_fairtune.deploy.node.receiver import Receiver
from monai_fairtune.deploy.node.sender import Sender
from monai_fairtune.deploy.node.settings import NodeSettings
from monai_fairtune.deploy.node.spool import Spool
from monai_fairtune.deploy.node.watchdog import tell_service_manager
from monai_fairtune.exceptions import RunError

__all__ = ["Node"]

_TIDY_SECONDS = 1.0
_DRAIN_SECONDS = 2.0


class Node:
    """Receives, answers and sends until it is told to stop.

    Args:
        settings: how it is set up.
        classifier: answers for images.
        answer: makes a study's report of a classifier's answers.
        stop: set from anywhere, ends ``run``.
    """

    def __init__(
        self, settings: NodeSettings, classifier: ImageClassifier, answer: StudyAnswerer, stop: Event | None = None
    ) -> None:
        self._settings, self._classifier, self._answer = settings, classifier, answer
        self.stop = stop or Event()
        self._loops: list[Future[None]] = []

    def run(self) -> None:
        """Serves until ``stop`` is set; then takes no more, finishes the study and the sending under way, and returns.

        Raises:
            ConfigurationError: if the spool folder or an address cannot be used.
            RunError: if a thread that listens has ended.
            OSError: if the disk is full or the spool is gone; nothing that was confirmed to a sender is lost.
        """
        spool = Spool(self._settings.spool)
        queue = StudyQueue(spool.queue_path, self._settings.study_seconds)
        try:
            queue.use_key(spool.pseudonym("the key itself"))
            queue.use_model(_fingerprint(self._classifier))
            self._tidy(queue, spool)  # before an image of what a crash has half removed can come again
            log(logging.INFO, "spool opened", n_unconfirmed_files_removed=spool.remove_strangers(queue))
            with spool.temporary_files():
                self._serve(spool, queue)
            log(logging.INFO, "node ended")
        finally:
            queue.close()
            spool.close()

    def _serve(self, spool: Spool, queue: StudyQueue) -> None:
        settings, metrics = self._settings, NodeMetrics(queue)
        receiver = Receiver(settings, queue, spool, metrics)
        answerer = Answerer(settings, queue, spool, metrics, self._classifier, self._answer)
        sender = Sender(settings, queue, spool, metrics)
        endpoint = Endpoint(
            settings.http_host,
            settings.http_port,
            why_unhealthy=lambda: self._why_unhealthy(answerer),
            why_unready=lambda: self._why_unready(receiver),
            metrics=metrics.text,
        )
        with closing(endpoint), ThreadPoolExecutor(2, thread_name_prefix="node") as executor:
            receiver.start()
            try:
                self._announce(receiver, endpoint)
                self._loops = [executor.submit(each.run, self.stop) for each in (answerer, sender)]
                while not self.stop.is_set() and not any(each.done() for each in self._loops):
                    _require_alive(receiver, endpoint)
                    if self._why_unhealthy(answerer) is None:
                        tell_service_manager()
                    self._tidy(queue, spool)
                    self.stop.wait(_TIDY_SECONDS)
            finally:
                self.stop.set()
                receiver.stop(_DRAIN_SECONDS)
            for each in self._loops:
                each.result()

    def _tidy(self, queue: StudyQueue, spool: Spool) -> None:
        queue.tidy(self._settings.keep_days, self._settings.remember_days, spool.remove)

    def _announce(self, receiver: Receiver, endpoint: Endpoint) -> None:
        model = self._classifier.identity
        log(logging.INFO, "node listens", port=receiver.port, http_port=endpoint.port, title=self._settings.title,
            model=model.name, model_version=model.version, model_sha256=model.sha256)  # fmt: skip

    def _why_unhealthy(self, answerer: Answerer) -> str | None:
        if any(each.done() for each in self._loops) and not self.stop.is_set():
            return "answering or sending has ended"
        if answerer.is_overdue:
            return "one study has been under work for too long"
        return None

    def _why_unready(self, receiver: Receiver) -> str | None:
        if self.stop.is_set() or not self._loops:
            return "starting or ending"
        return "the queue or the disk is full" if receiver.is_full else None


def _require_alive(receiver: Receiver, endpoint: Endpoint) -> None:
    if not (receiver.is_alive and endpoint.is_alive):
        raise RunError("A thread of the node that listens has ended. The log says why; start the node again.")


def _fingerprint(classifier: ImageClassifier) -> str:
    """Returns what differs wherever the same image may get another answer."""
    says = (asdict(classifier.identity), classifier.threshold, asdict(classifier.intended_use))
    return sha256(json.dumps(says, sort_keys=True).encode()).hexdigest()
