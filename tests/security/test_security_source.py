"""What the source of the package may not do: by ruff's rules S, and where it has no rule, by reading the source."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "monai_fairtune"
TEMPLATES = PACKAGE / "report" / "templates"

# Modules that call csv.writer or to_csv, and pass every text through safe_cell.
_WRITERS = {"predictions/safe_csv.py", "bundle/inference.py", "cli/dicom_pseudonyms.py"}
# What a template may show without escaping: drawings that are escaped where they are drawn, and the page's own script.
_UNESCAPED = {"p.wide", "p.narrow", "script"}


def calls() -> Iterator[tuple[str, str, ast.Call]]:
    """Yields file, name of what is called, and the call."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                yield path.relative_to(PACKAGE).as_posix(), ast.unparse(node.func), node


def given(call: ast.Call, name: str) -> object:
    """Returns the constant that an argument is given, or None."""
    values = [keyword.value for keyword in call.keywords if keyword.arg == name]
    return values[0].value if values and isinstance(values[0], ast.Constant) else None


@pytest.mark.parametrize(
    ("rule", "line"),
    [
        ("S101", "assert path"),
        ("S102", "exec(path)"),
        ("S301", "pickle.loads(path)"),
        ("S306", "tempfile.mktemp()"),
        ("S307", "eval(path)"),
        ("S324", "hashlib.md5(path)"),
        ("S501", "requests.get(path, verify=False)"),
        ("S506", "yaml.load(path, yaml.Loader)"),
        ("S602", "subprocess.run(path, shell=True)"),
        ("S605", "os.system(path)"),
        ("S608", "cursor.execute(f'SELECT {path} FROM trials')"),
    ],
)
@pytest.mark.parametrize("room", ["cli", "deploy", "search"])
def test_ruff_refuses_it_in_every_room(rule: str, line: str, room: str) -> None:
    names = "hashlib, os, pickle, subprocess, tempfile, requests, yaml"
    command = [str(Path(sys.executable).parent / "ruff"), "check", "--output-format", "concise", "-"]
    command += ["--stdin-filename", f"monai_fairtune/{room}/new.py"]
    ran = subprocess.run(command, input=f"import {names}\n{line}\n", cwd=ROOT, capture_output=True, text=True)
    assert f" {rule} " in ran.stdout, ran.stdout


def test_nothing_that_is_loaded_is_unpickled() -> None:
    """Ruff has no rule for these."""
    loads = [(file, name, call) for file, name, call in calls() if name.rpartition(".")[2] in ("load", "save")]
    torch_loads = [given(call, "weights_only") for _, name, call in loads if name == "torch.load"]
    assert torch_loads
    assert set(torch_loads) == {True}
    assert {given(call, "allow_pickle") for _, name, call in loads if name in ("np.load", "np.save")} == {False}
    assert [(file, name) for file, name, _ in calls() if name.rpartition(".")[2] in ("read_pickle", "to_pickle")] == []


def test_no_archive_is_unpacked() -> None:
    found = [(file, name) for file, name, _ in calls() if name.rpartition(".")[2] in ("extractall", "unpack_archive")]
    assert found == []


def test_every_csv_is_written_by_one_that_quotes_formulas() -> None:
    wanted = ("csv.writer", "csv.DictWriter")
    found = {file for file, name, _ in calls() if name in wanted or name.endswith(".to_csv")}
    assert found == _WRITERS
    for file in found:
        assert "safe_cell" in (PACKAGE / file).read_text(), file


def test_every_page_has_the_policy_and_escapes_all_but_its_own_drawings() -> None:
    pages = {path.name: path.read_text(encoding="utf-8") for path in TEMPLATES.glob("*.html")}
    assert len(pages) > 4
    assert "Content-Security-Policy\" content=\"default-src 'none'; script-src 'sha256-" in pages["page.html"]
    for name, text in pages.items():
        assert set(re.findall(r"\{\{\s*([\w.]+)\s*\|\s*safe", text)) <= _UNESCAPED, name
        assert "autoescape" not in text, name
        if name not in ("page.html", "macros.html"):
            assert text.startswith('{% extends "page.html" %}'), name
    environments = [(file, given(call, "autoescape")) for file, name, call in calls() if name == "Environment"]
    assert environments == [("report/render.py", True)]


def test_no_page_is_written_by_hand() -> None:
    by_hand = [
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if re.search(r"<(html|table|script)\b", path.read_text(encoding="utf-8"))
    ]
    assert by_hand == ["audit/text.py"]
    assert "html.escape" in (PACKAGE / "audit" / "text.py").read_text()
