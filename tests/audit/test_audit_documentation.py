"""The page on the audit is true, and names what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from monai_fairtune.cli.main import main
from tests.documentation import run_examples

_PAGE = Path(__file__).parents[2] / "docs" / "audit.md"
pytestmark = pytest.mark.skipif(not _PAGE.is_file(), reason="the documentation is not beside the tests")


def test_every_example_of_the_page_gives_what_it_shows() -> None:
    assert run_examples(_PAGE) > 20


def test_every_option_that_the_page_names_exists(capsys: pytest.CaptureFixture[str]) -> None:
    shown = ""
    for command in ("audit", "compare"):
        with pytest.raises(SystemExit):
            main([command, "--help"])
        shown += capsys.readouterr().out
    page = _PAGE.read_text(encoding="utf-8")
    named = set(re.findall(r"--[a-z][a-z-]+", page))
    assert len(named) > 8
    assert {name for name in named if name not in shown} == set()
