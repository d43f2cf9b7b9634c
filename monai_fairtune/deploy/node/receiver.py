"""Receiving images by C-STORE: on disk and in the queue before success is answered."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from io import BytesIO
from typing import Any

from pydicom import dcmread
from pydicom import uid as uids
from pynetdicom import AE, AllStoragePresentationContexts, evt
from pynetdicom.events import Event
from pynetdicom.sop_class import Verification

from monai_fairtune.cohort.decoding.decode import foreign_errors
from monai_fairtune.deploy.node.connections import (
    BoundedServer,
    Overflow,
    bound_message,
    end_without_request,
    prepare_connection,
)
from monai_fairtune.deploy.node.logs import log
from monai_fairtune.deploy.node.metrics import NodeMetrics
from monai_fairtune.deploy.node.queue import StudyQueue
from monai_fairtune.deploy.node.settings import NodeSettings
from monai_fairtune.deploy.node.spool import Spool
from monai_fairtune.exceptions import ConfigurationError, ImageError

__all__ = ["Receiver", "image_classes"]

_SUCCESS, _OUT_OF_RESOURCES, _CANNOT_UNDERSTAND = 0x0000, 0xA700, 0xC000

# What our decoders read, without deflated ones: a few bytes could inflate to any size.
_SYNTAXES = (
    uids.ExplicitVRLittleEndian, uids.ImplicitVRLittleEndian, uids.ExplicitVRBigEndian, uids.JPEGBaseline8Bit,
    uids.JPEGExtended12Bit, uids.JPEGLossless, uids.JPEGLosslessSV1, uids.JPEGLSLossless, uids.JPEGLSNearLossless,
    uids.JPEG2000Lossless, uids.JPEG2000, uids.HTJ2KLossless, uids.HTJ2KLosslessRPCL, uids.HTJ2K, uids.RLELossless,
)  # fmt: skip


def image_classes() -> list[str]:
    """Returns the SOP classes of images; what else a study holds is no matter for a classifier and not accepted."""
    classes = [str(context.abstract_syntax) for context in AllStoragePresentationContexts]
    return [each for each in classes if "ImageStorage" in uids.UID(each).keyword]


class Receiver:
    """The listening side of a node."""

    def __init__(self, settings: NodeSettings, queue: StudyQueue, spool: Spool, metrics: NodeMetrics) -> None:
        self._settings, self._queue, self._spool, self._metrics = settings, queue, spool, metrics
        self._server: Any = None
        self._thread: threading.Thread | None = None
        self._turns = [threading.Lock() for _ in range(settings.limits.n_associations)]
        self._entity = AE(ae_title=settings.title)
        self._entity.maximum_associations = settings.limits.n_associations
        self._entity.require_called_aet = True
        self._entity.require_calling_aet = list(settings.callers)
        seconds = settings.limits.network_seconds
        self._entity.dimse_timeout = self._entity.network_timeout = seconds
        self._entity.acse_timeout = min(15.0, seconds)
        self._entity.add_supported_context(Verification)
        for each in image_classes():
            self._entity.add_supported_context(each, list(_SYNTAXES))

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    @property
    def is_alive(self) -> bool:
        """Whether it listens."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def is_full(self) -> bool:
        """Whether the next image would be refused."""
        limits, load = self._settings.limits, self._queue.load()
        is_full = load.n_images >= limits.n_images or load.n_bytes >= limits.n_bytes
        return is_full or self._spool.free_bytes < limits.min_free_bytes

    def start(self) -> None:
        """Begins to listen.

        Raises:
            ConfigurationError: if the address cannot be listened at.
        """
        settings = self._settings
        try:
            self._server = self._entity.make_server(
                (settings.host, settings.port),
                ssl_context=settings.tls[0] if settings.tls else None,
                evt_handlers=[
                    (evt.EVT_CONN_OPEN, prepare_connection),
                    (evt.EVT_CONN_CLOSE, end_without_request),
                    (evt.EVT_C_STORE, self._store),
                    (evt.EVT_PDU_RECV, bound_message, [settings.limits.object_bytes]),
                    (evt.EVT_REJECTED, lambda _: log(logging.WARNING, "association rejected")),
                ],
                server_class=BoundedServer,
            )
        except OSError as error:
            raise ConfigurationError(
                f"Port {settings.port} of {settings.host} cannot be listened at: {error.strerror}. "
                "Choose another, or stop what uses it."
            ) from error
        self._thread = threading.Thread(target=self._server.serve_forever, name="receiver", daemon=True)
        self._thread.start()
        self._entity._servers.append(self._server)  # as pynetdicom does for servers that it starts itself

    def stop(self, seconds: float) -> None:
        """Takes no more associations, gives those at work some seconds, and ends."""
        self._server.shutdown()
        end = time.monotonic() + seconds
        while self._server.active_associations and time.monotonic() < end:
            time.sleep(0.05)
        self._entity.shutdown()

    def _store(self, event: Event) -> int:
        status = self._accept(event)
        if status != _SUCCESS:
            self._metrics.images.labels("refused").inc()
            log(logging.WARNING, "image refused", status=f"{status:04X}")
        return status

    def _accept(self, event: Event) -> int:
        if isinstance(event.request.DataSet, Overflow):
            return _OUT_OF_RESOURCES
        content = event.encoded_dataset()
        try:
            study, image = _identify(content)
        except foreign_errors():
            return _CANNOT_UNDERSTAND
        return self._keep(self._spool.pseudonym(study), self._spool.pseudonym(image), content)

    def _keep(self, study: str, image: str, content: bytes) -> int:
        try:
            with self._turns[hash(image) % len(self._turns)]:  # of two that send the same image, one waits
                if self._queue.knows(image):
                    self._metrics.images.labels("known").inc()
                    return _SUCCESS
                return self._keep_new(study, image, content)
        except (OSError, sqlite3.Error) as error:  # a full disk, as a rule
            log(logging.ERROR, "image cannot be stored", reason=type(error).__name__)
            return _OUT_OF_RESOURCES

    def _keep_new(self, study: str, image: str, content: bytes) -> int:
        is_kept = False
        try:
            if self.is_full:
                return _OUT_OF_RESOURCES
            self._spool.write_image(image, content)
            self._queue.add(study, image, len(content))
            is_kept = True
        finally:
            if not is_kept:  # nobody would count its file
                self._spool.image_path(image).unlink(missing_ok=True)
        self._metrics.images.labels("received").inc()
        log(logging.DEBUG, "image received", study=study, n_bytes=len(content))
        return _SUCCESS


def _identify(content: bytes) -> tuple[str, str]:
    tags = ["StudyInstanceUID", "SOPInstanceUID"]
    header = dcmread(BytesIO(content), stop_before_pixels=True, specific_tags=tags)
    study, image = str(header.get("StudyInstanceUID", "")), str(header.get("SOPInstanceUID", ""))
    if not study or not image:
        raise ImageError("It names no study or no instance. Send whole images.")
    return study, image
