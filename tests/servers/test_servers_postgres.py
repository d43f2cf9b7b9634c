"""The PostgreSQL that tests use is a real one, their own, and gone when they are."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import optuna
import psycopg
import pytest

from tests.servers.guard import processes_of
from tests.servers.postgres import Database, PostgresServer, Stop
from tests.servers.processes import wait_until

pytestmark = pytest.mark.server

_ROOT = Path(__file__).parents[2]
_OWNER = """
import time
from tests.servers.guard import processes_of
from tests.servers.postgres import PostgresServer
server = PostgresServer()
print(server.folder, flush=True)
time.sleep(60)
"""


def test_the_server_is_release_15_or_later_and_its_user_is_no_superuser(database: Database) -> None:
    assert int(database.rows("SHOW server_version_num")[0][0]) >= 150_000
    assert database.rows("SELECT current_user, rolsuper FROM pg_roles WHERE rolname = current_user") == [
        ("fairtune", False)
    ]


def test_each_test_gets_an_empty_database(postgres: PostgresServer, database: Database) -> None:
    database.rows("CREATE TABLE left_over (value integer)")
    other = postgres.create_database()
    assert other.name != database.name
    assert other.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'") == []
    postgres.drop_database(other)
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        other.connect()


@pytest.mark.parametrize("password", ["wrong", ""])
def test_without_the_password_nobody_gets_in(
    database: Database, password: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PGPASSWORD", raising=False)
    monkeypatch.setenv("PGPASSFILE", "/nonexistent")
    with pytest.raises(psycopg.OperationalError, match="password"):
        replace(database, password=password).connect()


def test_the_address_alone_with_the_password_in_the_environment_opens_the_database(database: Database) -> None:
    assert database.password not in database.url
    code = f"import psycopg; print(psycopg.connect({database.url!r}).execute('SELECT 7').fetchone()[0])"
    ran = subprocess.run([sys.executable, "-c", code], env=database.environment, capture_output=True, text=True)
    assert ran.stdout.strip() == "7", ran.stderr


@pytest.mark.parametrize("how", ["fast", "immediate"])
def test_fault_a_restart_breaks_connections_and_keeps_what_was_committed(
    postgres: PostgresServer, database: Database, how: Stop
) -> None:
    pid = postgres.pid
    with database.connect() as connection:
        connection.execute("CREATE TABLE kept (value integer)")
        connection.execute("INSERT INTO kept VALUES (1)")
        postgres.restart(how)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    assert postgres.pid != pid
    assert database.rows("SELECT value FROM kept") == [(1,)]
    assert ("was not properly shut down" in postgres.log.rpartition("starting PostgreSQL")[2]) == (how == "immediate")


def test_fault_a_stopped_server_refuses_until_it_is_started(postgres: PostgresServer, database: Database) -> None:
    postgres.stop()
    assert postgres.pid is None
    with pytest.raises(psycopg.OperationalError, match="refused"):
        database.connect()
    postgres.start()
    assert database.rows("SELECT 1") == [(1,)]


def test_fault_ended_sessions_are_told(postgres: PostgresServer, database: Database) -> None:
    with database.connect() as connection:
        assert postgres.disconnect(database) == 1
        with pytest.raises(psycopg.OperationalError, match="terminating connection"):
            connection.execute("SELECT 1")


def test_optuna_keeps_a_study_in_it(database: Database) -> None:
    storage = optuna.storages.RDBStorage(database.secret_url)
    study = optuna.create_study(storage=storage, study_name="search")
    study.tell(study.ask(), 0.5)
    assert database.rows("SELECT state FROM trials") == [("COMPLETE",)]
    storage.remove_session()
    storage.engine.dispose()


def _close(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()


@pytest.mark.skipif(sys.platform != "linux", reason="the signal at the parent's death is Linux's")
@pytest.mark.parametrize("end", [_close, lambda process: process.send_signal(signal.SIGTERM)], ids=["KILL", "TERM"])
def test_fault_a_server_ends_with_the_tests_that_were_killed(
    postgres: PostgresServer, end: Callable[[subprocess.Popen[str]], None]
) -> None:
    with subprocess.Popen([sys.executable, "-c", _OWNER], cwd=_ROOT, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        folder = Path(owner.stdout.readline().strip())
        assert processes_of(folder)
        end(owner)
        wait_until(lambda: not processes_of(folder) and not folder.exists(), "nothing is left", 20)


def test_a_closed_server_leaves_no_process_and_no_file(postgres: PostgresServer) -> None:
    other = PostgresServer()
    assert processes_of(other.folder)
    other.close()
    assert processes_of(other.folder) == []
    assert not other.folder.exists()
