"""What the page on clusters tells an administrator to type does what it says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from tests.servers.postgres import Database, PostgresServer

pytestmark = pytest.mark.server

PAGE = (Path(__file__).parents[2] / "docs" / "cluster.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)


def run(admin: Database, block: str, **names: str) -> None:
    """Runs a block of the page as ``psql`` would, with other names so that a server may be shared."""
    for line in block.splitlines():
        text = re.sub(r"\b(fairtune|watcher)\b", lambda found: names[found[1]], line)
        if text.startswith("\\connect "):
            admin = replace(admin, name=text.split()[1])
        else:
            admin.rows(text)


@pytest.fixture
def documented(postgres: PostgresServer) -> Iterator[Database]:
    """The page's database, as its owner."""
    names = {"fairtune": "documented", "watcher": "documented_watcher"}
    postgres.start()
    for block in BLOCKS[:2]:
        run(postgres.admin, block, **names)
    for role in names.values():
        postgres.admin.rows(f"ALTER ROLE {role} PASSWORD '{postgres.admin.password}'")  # what \\password does
    yield replace(postgres.admin, name="documented", user="documented")
    postgres.admin.rows("ALTER DATABASE documented OWNER TO admin")
    for role in names.values():
        replace(postgres.admin, name="documented").rows(f"DROP OWNED BY {role}")
    run(postgres.admin, BLOCKS[2], **names)
    postgres.admin.rows("DROP ROLE documented_watcher")


def test_the_owner_makes_tables_and_the_watcher_reads_them_and_writes_nothing(documented: Database) -> None:
    documented.rows("CREATE TABLE made (value integer)")
    documented.rows("INSERT INTO made VALUES (1)")
    watcher = replace(documented, user="documented_watcher")
    assert watcher.rows("SELECT value FROM made") == [(1,)]
    for statement in ("INSERT INTO made VALUES (2)", "DROP TABLE made", "CREATE TABLE other (value integer)"):
        with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedTable)):
            watcher.rows(statement)


def test_nobody_else_enters_the_database(postgres: PostgresServer, documented: Database, database: Database) -> None:
    assert database.rows("SELECT 1") == [(1,)]
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        replace(database, name=documented.name).connect()


def test_the_page_has_one_block_to_make_the_database_one_to_watch_and_one_to_clean_up() -> None:
    assert [block.split()[0] for block in BLOCKS] == ["CREATE", "\\connect", "DROP"]
