"""A server whose threads are bounded, and which prints nothing of a connection that fails."""

from __future__ import annotations

import logging
from socketserver import TCPServer, ThreadingMixIn
from threading import BoundedSemaphore
from typing import Any

from monai_fairtune.deploy.node.logs import log

__all__ = ["BoundedThreads"]


class BoundedThreads(ThreadingMixIn, TCPServer):
    """Handles each connection in a thread; those beyond ``n_threads`` at work at once are closed.

    Args:
        arguments: of the server class beside it.
        n_threads: at a time.
        options: likewise.
    """

    daemon_threads = True

    def __init__(self, *arguments: Any, n_threads: int, **options: Any) -> None:
        self._slots = BoundedSemaphore(n_threads)
        super().__init__(*arguments, **options)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Gives a connection its thread if there is one."""
        if self._slots.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Handles a connection in its thread."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._slots.release()

    def handle_error(self, _request: Any, _client_address: Any) -> None:
        """Notes that a connection failed; the default prints addresses and a traceback."""
        log(logging.WARNING, "connection failed")
