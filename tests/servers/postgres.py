"""A real PostgreSQL server of the test's own, on the loopback."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import psycopg
from psycopg import sql

from tests.servers.processes import (
    as_user,
    find_programs,
    free_port,
    guard_folder,
    spawn,
    unprivileged_user,
    wait_until,
)

__all__ = ["Database", "PostgresServer", "Stop", "postgres_programs"]

Stop = Literal["smart", "fast", "immediate"]
_SIGNALS = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}
_NAMES = ("initdb", "postgres")

# Nothing outlives the machine here, so no fsync; but what was committed must survive an immediate stop, as it would.
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "on",
    "shared_buffers": "16MB",
    "max_connections": "100",
    "logging_collector": "off",
}


def postgres_programs() -> dict[str, str] | None:
    """Returns the paths of ``initdb`` and ``postgres``, the newest release first; ``None`` without PostgreSQL."""
    releases = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name), reverse=True)
    return find_programs(_NAMES, releases)


@dataclass(frozen=True)
class Database:
    """How to reach one database.

    Attributes:
        host: address of the server, or of a relay before it.
        port: likewise.
        name: of the database.
        user: owns the database and is no superuser.
        password: of that user.
    """

    host: str
    port: int
    name: str
    user: str
    password: str

    @property
    def url(self) -> str:
        """The address without the password, as ``--storage`` takes it."""
        return f"postgresql://{self.user}@{self.host}:{self.port}/{self.name}"

    @property
    def secret_url(self) -> str:
        """The address with the password, as SQLAlchemy takes it with psycopg 3."""
        return f"postgresql+psycopg://{self.user}:{self.password}@{self.host}:{self.port}/{self.name}"

    @property
    def environment(self) -> dict[str, str]:
        """Our environment and the password, for a process that is given ``url``."""
        return os.environ | {"PGPASSWORD": self.password}

    def through(self, port: int) -> Database:
        """Returns the same database, reached through a relay's port."""
        return replace(self, port=port)

    def connect(self, **options: Any) -> psycopg.Connection[tuple[Any, ...]]:
        """Returns a connection that commits each statement; options are those of ``psycopg.connect``."""
        options = {"autocommit": True, "connect_timeout": 10} | options
        return psycopg.connect(
            host=self.host, port=self.port, dbname=self.name, user=self.user, password=self.password, **options
        )

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """Returns the rows of one statement, over a connection of its own; ``[]`` for one that has none."""
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []


class PostgresServer:
    """A server with its data in a temporary folder; it ends with this process, however that ends.

    Passwords are drawn anew and checked with SCRAM. Root does not run it: the user ``postgres`` or ``nobody`` does.

    Attributes:
        folder: holds the data and ``log``; removed by ``close``.
        port: of the loopback; stays the same over restarts.
    """

    def __init__(self) -> None:
        """Creates the data and starts the server.

        Raises:
            FileNotFoundError: PostgreSQL is not installed.
        """
        found = postgres_programs()
        if found is None:
            raise FileNotFoundError(
                "PostgreSQL is not installed: no initdb. Install it, e.g. apt-get install postgresql."
            )
        self._programs = found
        self._user = unprivileged_user("postgres")
        self._process: subprocess.Popen[bytes] | None = None
        self.folder = Path(tempfile.mkdtemp(prefix="postgres-"))
        self._guard = guard_folder(self.folder)
        self.port = free_port()
        self._admin = Database("127.0.0.1", self.port, "postgres", "admin", secrets.token_urlsafe(12))
        self._owner_password = secrets.token_urlsafe(12)
        self._n_databases = 0
        try:
            self._create()
            self.start()
            self._execute(sql.SQL("CREATE ROLE fairtune LOGIN PASSWORD {}").format(self._owner_password))
        except BaseException:
            self.close()
            raise

    @property
    def admin(self) -> Database:
        """The database ``postgres`` as the superuser."""
        return self._admin

    @property
    def pid(self) -> int | None:
        """Process id of the server; ``None`` while it is stopped."""
        return None if self._process is None or self._process.poll() is not None else self._process.pid

    @property
    def log(self) -> str:
        """What the server has said."""
        path = self.folder / "log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def start(self) -> None:
        """Starts the server if it is stopped and waits until it takes connections."""
        if self.pid is not None:
            return
        settings = [
            word for key, value in {**_SETTINGS, "port": self.port}.items() for word in ("-c", f"{key}={value}")
        ]
        command = [self._programs["postgres"], "-D", str(self.folder / "data"), *settings]
        self._process = spawn(command, self.folder / "log", user=self._user, death_signal="QUIT")
        wait_until(self._answers, "PostgreSQL takes connections")

    def stop(self, how: Stop = "fast") -> None:
        """Stops the server and waits for its end; does nothing if it is stopped.

        Args:
            how: ``smart`` waits for clients to leave, ``fast`` ends their transactions, ``immediate`` is a crash: the
                next start recovers from the log.
        """
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(_SIGNALS[how])
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise

    def restart(self, how: Stop = "fast") -> None:
        """Stops and starts the server, on the same port."""
        self.stop(how)
        self.start()

    def close(self) -> None:
        """Stops the server and removes its folder."""
        try:
            self.stop("immediate")
        finally:
            self._guard.kill()
            self._guard.wait()
            shutil.rmtree(self.folder, ignore_errors=True)

    def create_database(self) -> Database:
        """Returns a new empty database that only its owner, who is no superuser, and the superuser may enter."""
        self._n_databases += 1
        name = f"fairtune_{self._n_databases}"
        self._execute(sql.SQL("CREATE DATABASE {} OWNER fairtune").format(sql.Identifier(name)))
        self._execute(sql.SQL("REVOKE CONNECT ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))
        return replace(self._admin, name=name, user="fairtune", password=self._owner_password)

    def drop_database(self, database: Database) -> None:
        """Removes a database; whoever is connected to it is disconnected."""
        self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database.name)))

    def disconnect(self, database: Database) -> int:
        """Ends every session in a database from the server's side; returns how many there were."""
        where = sql.SQL("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {}")
        with self._admin.connect() as connection:
            return len(connection.execute(where.format(database.name)).fetchall())

    def _create(self) -> None:
        secret = self.folder / "secret"
        secret.write_text(self._admin.password, encoding="utf-8")
        if self._user is not None:
            shutil.chown(self.folder, self._user)
            shutil.chown(secret, self._user)
        options = ["--auth=scram-sha-256", "--username=admin", f"--pwfile={secret}", "--encoding=UTF8", "--no-locale"]
        command = [
            self._programs["initdb"],
            "-D",
            str(self.folder / "data"),
            "--no-sync",
            "--no-instructions",
            *options,
        ]
        made = subprocess.run([*as_user(self._user), *command], capture_output=True, text=True, cwd=self.folder)
        if made.returncode != 0:
            raise RuntimeError(f"initdb ended with {made.returncode}: {made.stderr.strip()}")
        secret.unlink()

    def _answers(self) -> bool:
        if self.pid is None:
            raise RuntimeError(f"PostgreSQL ended at its start: {self.log[-2000:]}")
        try:
            self._admin.connect(connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _execute(self, statement: sql.Composed) -> None:
        with self._admin.connect() as connection:
            connection.execute(statement)
