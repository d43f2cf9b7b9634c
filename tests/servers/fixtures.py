"""Fixtures of real servers; a ``conftest.py`` imports those that its tests use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers.orthanc import Orthanc, orthanc_program
from tests.servers.postgres import Database, PostgresServer, postgres_programs
from tests.servers.relay import Relay

__all__ = ["database", "orthanc", "postgres", "relay"]


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server; the test is skipped where there is none."""
    if postgres_programs() is None:
        pytest.skip("no PostgreSQL on this machine; install it, for instance with apt-get install postgresql")
    server = PostgresServer()
    yield server
    server.close()


@pytest.fixture
def database(postgres: PostgresServer) -> Iterator[Database]:
    """A new empty database; the server runs again for the next test, whatever this one did to it."""
    postgres.start()
    created = postgres.create_database()
    yield created
    postgres.start()
    postgres.drop_database(created)


@pytest.fixture
def relay(postgres: PostgresServer) -> Iterator[Relay]:
    """A relay before the server that can be cut; ``database.through(relay.port)`` goes through it."""
    with Relay(postgres.port) as opened:
        yield opened


@pytest.fixture(scope="session")
def orthanc() -> Iterator[Orthanc]:
    """An image archive; the test is skipped where there is none. Tests tell their studies apart by UID."""
    if orthanc_program() is None:
        pytest.skip("no Orthanc on this machine; install it: apt-get install orthanc orthanc-dicomweb")
    server = Orthanc()
    yield server
    server.close()
