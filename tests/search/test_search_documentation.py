"""The page on search methods is true, and names what there is."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from monai_fairtune.search import SearchSettings
from monai_fairtune.search.methods import method_by_name
from tests.documentation import run_examples

_PAGE = Path(__file__).parents[2] / "docs" / "search_methods.md"
pytestmark = pytest.mark.skipif(not _PAGE.is_file(), reason="the documentation is not beside the tests")


def test_every_example_of_the_page_gives_what_it_shows() -> None:
    assert run_examples(_PAGE) > 15


def test_the_page_names_every_method_and_only_options_that_exist() -> None:
    page = _PAGE.read_text(encoding="utf-8")
    table = page.split("## The same seed")[0]
    named = re.findall(r"^\| `(\w+)` \|", table, flags=re.MULTILINE)
    assert [method_by_name(name).name for name in named[1:]] == ["tpe", "nsga2", "random", "exhaustive"]
    options = {field.name for field in dataclasses.fields(SearchSettings)}
    mentioned = set(re.findall(r"`((?:n|max|repeat|population)_[a-z_]+|patience|timeout|learning_rates)`", page))
    assert len(mentioned) > 8
    assert mentioned <= options
