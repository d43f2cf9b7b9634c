"""The relay carries, stands still and breaks when it is told to, and at no other time."""

from __future__ import annotations

import contextlib
import hashlib
import socket
import threading
from collections.abc import Iterator

import psycopg
import pytest

from tests.servers.postgres import Database, PostgresServer
from tests.servers.processes import wait_until
from tests.servers.relay import Relay


@pytest.fixture
def echo() -> Iterator[Relay]:
    """A relay before a server that sends back what it gets."""
    listener = socket.create_server(("127.0.0.1", 0))

    def answer(client: socket.socket) -> None:
        with client:
            try:
                while data := client.recv(4096):
                    client.sendall(data)
            except ConnectionError:
                return

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(client,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    with Relay(listener.getsockname()[1]) as opened:
        yield opened
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def dial(relay: Relay) -> socket.socket:
    return socket.create_connection(("127.0.0.1", relay.port), timeout=0.3)


def said(client: socket.socket, word: bytes) -> bytes:
    client.sendall(word)
    return client.recv(100)


def test_bytes_arrive_unchanged_in_both_directions(echo: Relay) -> None:
    sent = hashlib.sha256(b"seed").digest() * 100_000
    with dial(echo) as client:
        client.settimeout(10)
        threading.Thread(target=client.sendall, args=(sent,), daemon=True).start()
        got = b""
        while len(got) < len(sent):
            got += client.recv(1 << 20)
    assert got == sent


def test_the_end_of_a_client_ends_its_connection_alone(echo: Relay) -> None:
    with dial(echo) as first, dial(echo) as second:
        assert (said(first, b"1"), said(second, b"2")) == (b"1", b"2")
        assert echo.n_connections == 2
        first.close()
        wait_until(lambda: echo.n_connections == 1, "the relay sees the end", 5)
        assert said(second, b"3") == b"3"


def test_fault_paused_it_is_silent_and_afterwards_delivers_what_was_under_way(echo: Relay) -> None:
    with dial(echo) as client:
        assert said(client, b"before") == b"before"
        echo.pause()
        with pytest.raises(TimeoutError):
            said(client, b"during")
        assert echo.n_connections == 1
        echo.resume()
        assert client.recv(100) == b"during"


def test_fault_paused_it_answers_no_new_client(echo: Relay) -> None:
    echo.pause()
    with dial(echo) as client:
        with pytest.raises(TimeoutError):
            said(client, b"hello")
        echo.resume()
        assert client.recv(100) == b"hello"


@pytest.mark.parametrize("is_paused", [False, True])
def test_fault_dropped_it_breaks_connections_and_refuses_new_ones(echo: Relay, is_paused: bool) -> None:
    with dial(echo) as client:
        assert said(client, b"before") == b"before"
        if is_paused:
            echo.pause()
            client.sendall(b"under way")
        echo.drop()
        with contextlib.suppress(ConnectionResetError):
            assert client.recv(100) == b""
        assert echo.n_connections == 0
        with pytest.raises(ConnectionRefusedError):
            dial(echo)
        echo.resume()
        with dial(echo) as again:
            assert said(again, b"after") == b"after"


def test_fault_without_a_server_a_client_sees_its_connection_end() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    with Relay(port) as relay, dial(relay) as client:
        assert client.recv(100) == b""


def test_a_closed_relay_leaves_no_thread(echo: Relay) -> None:
    with dial(echo) as client:
        assert said(client, b"1") == b"1"
        echo.pause()
        echo.close()
        wait_until(lambda: not any(t.name.startswith("relay") for t in threading.enumerate()), "threads end", 5)


@pytest.mark.server
def test_fault_a_session_of_postgres_outlives_a_pause_but_no_drop(database: Database, relay: Relay) -> None:
    with database.through(relay.port).connect() as connection:
        pid = connection.info.backend_pid
        relay.pause()
        late = threading.Timer(0.5, relay.resume)
        late.start()
        assert connection.execute("SELECT pg_backend_pid()").fetchone() == (pid,)
        late.join()
        relay.drop()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    assert database.rows("SELECT 1") == [(1,)]


@pytest.mark.server
def test_fault_a_paused_relay_keeps_new_clients_of_postgres_waiting_to_their_limit(
    postgres: PostgresServer, database: Database, relay: Relay
) -> None:
    relay.pause()
    with pytest.raises(psycopg.errors.ConnectionTimeout):
        database.through(relay.port).connect(connect_timeout=2)
