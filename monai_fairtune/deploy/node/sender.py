"""Sending reports by C-STORE until they are taken."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from threading import Event
from typing import Any

from pydicom import dcmread
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE, build_context, evt

from monai_fairtune.cohort.decoding.decode import foreign_errors
from monai_fairtune.deploy.node.answering import POLL_SECONDS, back_off
from monai_fairtune.deploy.node.connections import prepare_connection
from monai_fairtune.deploy.node.logs import log
from monai_fairtune.deploy.node.metrics import NodeMetrics
from monai_fairtune.deploy.node.queue import Part, StudyQueue
from monai_fairtune.deploy.node.settings import NodeSettings
from monai_fairtune.deploy.node.spool import Spool

__all__ = ["Sender"]

_MOST_AT_ONCE = 50
_TAKEN = (0x0000, 0xB000, 0xB006, 0xB007)
_NO_CONTEXT, _FAULT = 0x0122, 0x0110
_SYNTAXES = [ExplicitVRLittleEndian, ImplicitVRLittleEndian]


class Sender:
    """Delivers reports in order of their studies.

    A receiver that cannot be reached, has no room (A7xx) or has a fault (0110) is tried for ever, ever less often. One
    that refuses a report is asked ``n_attempts`` times; then the study has failed. A report that was taken just before
    a crash is sent again, with the same SOP Instance UID; one that cannot be read any more is made again.
    """

    def __init__(self, settings: NodeSettings, queue: StudyQueue, spool: Spool, metrics: NodeMetrics) -> None:
        self._settings, self._queue, self._spool, self._metrics = settings, queue, spool, metrics
        self._n_unreachable = 0
        self._entity = AE(ae_title=settings.title)
        seconds = settings.limits.network_seconds
        self._entity.acse_timeout = self._entity.dimse_timeout = self._entity.network_timeout = seconds
        self._entity.connection_timeout = min(10.0, seconds)

    def run(self, stop: Event) -> None:
        """Sends until ``stop``; what is under way is finished."""
        while not stop.is_set():
            parts = self._queue.answered(_MOST_AT_ONCE)
            if not parts:
                stop.wait(POLL_SECONDS)
            elif self._send(parts, stop):
                self._n_unreachable = 0
            else:
                self._n_unreachable += 1
                self._metrics.send_failures.inc()
                pause = back_off(self._n_unreachable)
                log(logging.WARNING, "receiver of reports takes none now", n_waiting=len(parts), seconds=pause)
                stop.wait(pause)

    def _send(self, parts: Sequence[Part], stop: Event) -> bool:
        """Sends reports over one association; returns False if it could not be had, broke, or nothing is taken now."""
        reports = [(part, report) for part in parts if (report := self._read(part)) is not None]
        if not reports:
            return True
        remote, tls = self._settings.send_to, self._settings.tls
        classes = sorted({str(report.SOPClassUID) for _, report in reports})
        association = self._entity.associate(
            remote.host,
            remote.port,
            ae_title=remote.title,
            contexts=[build_context(each, _SYNTAXES) for each in classes],
            evt_handlers=[(evt.EVT_CONN_OPEN, prepare_connection)],
            tls_args=(tls[1], remote.host) if tls else None,
        )
        if not association.is_established:
            return False
        try:
            for part, report in reports:
                if stop.is_set():
                    return True
                status = _store(association, report)
                if status is None or not self._note(part, status):
                    return False
            return True
        finally:
            association.release()

    def _read(self, part: Part) -> Any | None:
        """Returns the report on a part; without a readable one, None, and the part is answered again."""
        try:
            return dcmread(self._spool.report_path(part.study, part.number))
        except foreign_errors() as error:
            self._queue.move(part, "ready")
            log(logging.ERROR, "report cannot be read", study=part.study, part=part.number, reason=type(error).__name__)
            return None

    def _note(self, part: Part, status: int) -> bool:
        """Notes a receiver's status; returns False if it takes nothing now."""
        if status in _TAKEN:
            self._n_unreachable = 0
            self._queue.move(part, "sent")
            self._metrics.studies.labels("sent").inc()
            log(logging.INFO, "report sent", study=part.study, part=part.number)
            return True
        for_now = status == _FAULT or 0xA700 <= status <= 0xA7FF
        attempts, reason = part.attempts + (not for_now), f"the receiver answered {status:04X}"
        log(logging.WARNING, "report not taken", study=part.study, part=part.number, attempts=attempts, reason=reason)
        if for_now:
            self._queue.put_off(part, back_off(self._n_unreachable + 1), attempts, reason)  # behind the others
            return False
        self._metrics.send_failures.inc()
        if attempts < self._settings.limits.n_attempts:
            self._queue.put_off(part, back_off(attempts), attempts, reason)
        else:
            self._queue.move(part, "failed", reason)
            self._metrics.studies.labels("failed").inc()
        return True


def _store(association: Any, report: Any) -> int | None:
    """Returns the receiver's status, 0122 where it does not accept the class; None if the association broke."""
    try:
        answer = association.send_c_store(report)
    except ValueError:  # no accepted presentation context of this class
        return _NO_CONTEXT
    except RuntimeError:  # the receiver has aborted
        return None
    return int(answer.Status) if "Status" in answer else None
