"""A relay on the loopback between clients and a server, which a test can cut."""

from __future__ import annotations

import socket
import threading
from types import TracebackType

from tests.servers.processes import free_port

__all__ = ["Relay"]

_HOST = "127.0.0.1"
_SIZE = 65_536


class Relay:
    """Carries bytes between clients and a server on the loopback until it is told not to.

    ``pause`` is a network that is dead: nothing arrives, nobody is told, and what was under way arrives after
    ``resume``. The kernel may still complete a new connection, which then hears nothing. ``drop`` is a network whose
    far end is gone: connections break, new ones are refused.

    Attributes:
        port: that clients connect to; stays the same.
    """

    def __init__(self, server_port: int) -> None:
        """Starts carrying.

        Args:
            server_port: port of the server on the loopback.
        """
        self._server = (_HOST, server_port)
        self.port = free_port()
        self._gate = threading.Event()
        self._lock = threading.Lock()
        self._lines: list[_Line] = []
        self._listener: socket.socket | None = None
        self.resume()

    def __enter__(self) -> Relay:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def n_connections(self) -> int:
        """How many connections are open."""
        with self._lock:
            self._lines = [line for line in self._lines if line.is_open]
            return len(self._lines)

    def pause(self) -> None:
        """Forwards nothing and answers nobody; connections stay open."""
        self._gate.clear()

    def drop(self) -> None:
        """Breaks all connections and refuses new ones; bytes under way are lost."""
        listener, self._listener = self._listener, None
        if listener is not None:
            _shut(listener, socket.SHUT_RDWR)
            listener.close()
        with self._lock:
            lines, self._lines = self._lines, []
        for line in lines:
            line.cut()
        self._gate.set()  # lets threads that wait see that their connection is cut
        for line in lines:
            line.join()

    def resume(self) -> None:
        """Carries again, after ``pause`` or ``drop``."""
        self._gate.set()
        if self._listener is None:
            self._listener = socket.create_server((_HOST, self.port), backlog=64)
            threading.Thread(target=self._accept, args=(self._listener,), name="relay", daemon=True).start()

    def close(self) -> None:
        """Ends the relay."""
        self.drop()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:  # the listener was closed
                return
            with self._lock:
                if self._listener is not listener:
                    client.close()
                    return
                self._lines.append(_Line(client, self._server, self._gate))


class _Line:
    """One client's connection, and ours to the server on its behalf."""

    def __init__(self, client: socket.socket, server: tuple[str, int], gate: threading.Event) -> None:
        self._client = client
        self._upstream = socket.socket()
        self._server = server
        self._gate = gate
        self._is_cut = False
        self._threads = [threading.Thread(target=self._carry, name="relay-line", daemon=True)]
        self._threads[0].start()

    @property
    def is_open(self) -> bool:
        return self._threads[0].is_alive()

    def cut(self) -> None:
        self._is_cut = True
        for end in (self._client, self._upstream):
            _shut(end, socket.SHUT_RDWR)

    def join(self) -> None:
        self._threads[0].join(10)

    def _carry(self) -> None:
        back = threading.Thread(target=self._pump, args=(self._upstream, self._client), name="relay-back", daemon=True)
        with self._client, self._upstream:
            self._gate.wait()
            try:
                self._upstream.connect(self._server)
            except OSError:  # no server there: the client is told by the end of its connection
                return
            if self._is_cut:
                return
            back.start()
            self._pump(self._client, self._upstream)
            back.join()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        """Carries one direction until its end, then tells the other side of that end."""
        try:
            while data := source.recv(_SIZE):
                self._gate.wait()
                if self._is_cut:
                    break
                target.sendall(data)
            self._gate.wait()
        except OSError:  # the other direction has ended in the meantime, or a side is gone
            _shut(source, socket.SHUT_RDWR)
        _shut(target, socket.SHUT_WR)


def _shut(end: socket.socket, how: int) -> None:
    try:
        end.shutdown(how)
    except OSError:  # it has ended already
        return
