"""The operator's endpoint: is it alive, is it ready, what has it done."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST

from monai_fairtune.deploy.node.bounded_threads import BoundedThreads
from monai_fairtune.exceptions import ConfigurationError

__all__ = ["Endpoint"]

_N_THREADS = 32


class Endpoint:
    """Answers ``GET`` of ``/healthz``, ``/readyz`` and ``/metrics``, and nothing else.

    Args:
        host: address that it listens at.
        port: likewise; 0 lets the system choose.
        why_unhealthy: returns why the process should be started anew; None if it should not.
        why_unready: returns why images should not be sent just now; None if they may.
        metrics: returns Prometheus' text.

    Raises:
        ConfigurationError: if the address cannot be listened at.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        why_unhealthy: Callable[[], str | None],
        why_unready: Callable[[], str | None],
        metrics: Callable[[], bytes],
    ) -> None:
        def state(why: Callable[[], str | None]) -> tuple[int, str, bytes]:
            reason = why()
            return (200 if reason is None else 503), "text/plain; charset=utf-8", f"{reason or 'ok'}\n".encode()

        answers: dict[str, Callable[[], tuple[int, str, bytes]]] = {
            "/healthz": lambda: state(why_unhealthy),
            "/readyz": lambda: state(why_unready),
            "/metrics": lambda: (200, CONTENT_TYPE_LATEST, metrics()),
        }
        try:
            self._server = _Server((host, port), _handler(answers), n_threads=_N_THREADS)
        except OSError as error:
            raise ConfigurationError(
                f"Port {port} of {host} cannot be listened at: {error.strerror}. Choose another with --http-port."
            ) from error
        self._thread = threading.Thread(target=self._server.serve_forever, name="endpoint", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    @property
    def is_alive(self) -> bool:
        """Whether it answers."""
        return self._thread.is_alive()

    def close(self) -> None:
        """Ends it."""
        self._server.shutdown()
        self._server.server_close()


class _Server(BoundedThreads, HTTPServer):
    pass


def _handler(answers: dict[str, Callable[[], tuple[int, str, bytes]]]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 10

        def do_GET(self) -> None:
            answer = answers.get(self.path)
            status, kind, body = (404, "text/plain", b"not found\n") if answer is None else answer()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - the base class's name
            """Says nothing: a probe every few seconds is no event."""

    return Handler
