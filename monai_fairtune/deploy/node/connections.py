"""Connections that a peer can neither hold for ever nor fill the memory through."""

from __future__ import annotations

import socket
from contextlib import suppress
from functools import partial
from io import BytesIO
from typing import Any

from pynetdicom import AE
from pynetdicom.events import Event
from pynetdicom.transport import RequestHandler, ThreadedAssociationServer

from monai_fairtune.deploy.node.bounded_threads import BoundedThreads

__all__ = ["BoundedServer", "Overflow", "bound_message", "end_without_request", "prepare_connection"]

_MOST_PDU_BYTES = 1 << 20  # we announce 16 kB; an association request of all contexts has some 20 kB
_MOST_MESSAGES = 2  # that wait; a peer has to wait for each answer


class Overflow(BytesIO):
    """Stands for an object that is too large: it takes everything and keeps nothing."""

    def write(self, content: Any) -> int:
        """Counts what is written."""
        return len(content)


def bound_message(event: Event, most: int) -> None:
    """Lets the rest of an object go that has outgrown ``most`` bytes; called at each protocol data unit.

    A connection whose peer sends on without waiting for answers is closed.
    """
    if event.assoc.dimse.msg_queue.qsize() > _MOST_MESSAGES:
        event.assoc.dul.socket.close()
        return
    message = event.assoc.dimse.message
    if message is None:
        return
    if message.encoded_command_set.tell() > _MOST_PDU_BYTES:  # some hundred bytes, unless somebody means ill
        event.assoc.dul.socket.close()
    elif message.data_set.tell() > most:
        message.data_set = Overflow()


def prepare_connection(event: Event) -> None:
    """Lets a connection's small units go at once, and closes its socket at the end whatever the peer has done.

    By default each unit waits 40 ms for what might follow. pynetdicom closes a socket only where shutting the
    connection down succeeds, which it does not after a reset by the peer.
    """
    connection = event.assoc.dul.socket
    connection._shutdown_socket = partial(_close, connection)
    connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _close(connection: Any) -> None:
    held = connection.socket
    if held is not None:
        with suppress(OSError):
            held.shutdown(socket.SHUT_RDWR)
        with suppress(OSError):
            held.close()


def end_without_request(event: Event) -> None:
    """Ends a connection that closed before it asked for an association, as a probe's does.

    pynetdicom would wait for the request on and count the connection as an association.
    """
    if event.assoc.requestor.primitive is None:
        event.assoc.dul.to_user_queue.put(None)


class BoundedServer(BoundedThreads, ThreadedAssociationServer):  # type: ignore[misc]  # pynetdicom is untyped here
    """The server of the node: TLS handshakes do not hold up others, silence ends, units have a largest size."""

    def __init__(self, entity: AE, *arguments: Any, **options: Any) -> None:
        most = 2 * entity.maximum_associations
        super().__init__(entity, *arguments, request_handler=_BoundedHandler, n_threads=most, **options)

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accepts a connection; the handshake is left to its own thread."""
        connection, address = self.socket.accept()
        connection.settimeout(self.ae.network_timeout)
        if self.ssl_context is not None:
            connection = self.ssl_context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def verify_request(self, _request: Any, _address: Any) -> bool:
        """Drops a connection where twice as many are open as associations are allowed."""
        return len(self.active_associations) < 2 * int(self.ae.maximum_associations)


class _BoundedHandler(RequestHandler):  # type: ignore[misc]
    def handle(self) -> None:
        if self.server.ssl_context is not None:
            self.request.settimeout(self.ae.acse_timeout)  # of the handshake as a whole
            self.request.do_handshake()
            self.request.settimeout(self.ae.network_timeout)
        super().handle()

    def _create_association(self) -> Any:
        association = super()._create_association()
        connection = association.dul.socket
        receive = connection.recv

        def receive_bounded(n_bytes: int) -> bytearray:
            if n_bytes > _MOST_PDU_BYTES:
                raise OSError(f"A protocol data unit of {n_bytes} bytes is announced, more than {_MOST_PDU_BYTES}.")
            return bytearray(receive(n_bytes))

        connection.recv = receive_bounded
        return association
