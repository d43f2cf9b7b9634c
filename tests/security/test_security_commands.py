"""The commands from end to end: no patient leaves, nothing hostile runs, nobody is called."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest

from tests.security.commands import WATCHED, Work, run, run_all
from tests.security.patients import MARKS, find_marks, hostile_sites, write_patients

pytestmark = pytest.mark.slow

_OWNERS = {"check/splits.csv"}  # which the command says is for the owner of the images
_CALL = """
    import contextlib, socket
    with contextlib.suppress(OSError):
        socket.create_connection(("192.0.2.1", 80), timeout=1)
"""


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Work:
    """All commands, run once."""
    return run_all(tmp_path_factory.mktemp("work"))


def test_no_output_file_names_a_patient(work: Work) -> None:
    for expected in ("check/cohort_card.html", "search/study.db", "audit_1/predictions.csv"):
        assert (work.out / expected).is_file()
    assert {mark for mark in find_marks(work.out) if mark.partition(":")[0] not in _OWNERS} == set()


def test_nothing_that_is_said_names_a_patient(work: Work) -> None:
    assert "DEBUG" in work.said
    assert [line for line in work.said.splitlines() if any(mark in line for mark in MARKS)] == []


def test_what_is_about_single_patients_can_be_read_by_its_owner_alone(work: Work) -> None:
    tables = sorted(work.out.rglob("predictions.csv"))
    assert len(tables) > 3
    assert {oct(path.stat().st_mode & 0o077) for path in tables} == {"0o0"}


def test_no_name_of_a_subgroup_is_run(work: Work) -> None:
    stored = json.loads((work.out / "search" / "result.json").read_text())
    assert set(hostile_sites(work.canary)) == set(stored["test"]["attributes"]["site"]["subgroups"])
    assert work.canary.is_alive()


def test_no_cell_of_a_table_is_a_formula(work: Work) -> None:
    tables = sorted(work.out.rglob("*.csv"))
    assert len(tables) > 5
    rows = [(path.name, row) for path in tables for row in csv.reader(path.read_text().splitlines())]
    cells = [(name, cell) for name, row in rows for cell in row]
    assert [cell for cell in cells if re.match(r"[=+\-@\t\r](?![\d.]+(e-?\d+)?$)", cell[1])] == []
    assert any(cell.startswith("'=1+1") for _, cell in cells)


def test_names_stay_text_on_every_page_and_no_page_loads_anything(work: Work) -> None:
    pages = sorted(work.out.rglob("*.html"))
    assert {"report.html", "cohort_card.html"} <= {page.name for page in pages}
    for page in pages:
        html = page.read_text()
        assert "http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src 'sha256-" in html
        assert html.count("<script") == 1
        assert "&lt;script&gt;__import__" in html
        assert re.findall(r"(?:src|href)=\"(?!#|data:)[^\"]*\"", html) == []


def test_no_terminal_is_steered(work: Work) -> None:
    assert "\x1b[2J" not in work.said


def test_nobody_is_called(work: Work) -> None:
    assert work.calls == ""


def test_a_call_would_be_seen(tmp_path: Path) -> None:
    run(tmp_path, program=WATCHED.replace("    sys.exit(main())", _CALL))
    assert "socket.getaddrinfo (80" in (tmp_path / "calls.txt").read_text()


def test_the_marks_of_a_patient_are_found_where_they_are(tmp_path: Path) -> None:
    write_patients(tmp_path, ("a", "b"))
    assert {mark.rpartition(" ")[2] for mark in find_marks(tmp_path)} == set(MARKS)
    (tmp_path / "x.json").write_text(json.dumps({"a": "zqname"}))
    assert "x.json: ZQNAME" in find_marks(tmp_path)
