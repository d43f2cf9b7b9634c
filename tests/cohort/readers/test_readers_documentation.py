"""The page on datasets says what the readers do."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from monai_fairtune.cohort.readers import READERS, CohortReader

_PAGE = Path(__file__).parents[3] / "docs" / "datasets.md"
pytestmark = pytest.mark.skipif(not _PAGE.is_file(), reason="the documentation is not beside the tests")


@pytest.mark.parametrize("kind", READERS.values(), ids=READERS)
def test_the_page_has_every_rule_option_and_default_of_a_reader(kind: type[CohortReader]) -> None:
    page = _PAGE.read_text(encoding="utf-8").replace("&lt;", "<").replace("\\*", "*")
    about = kind.about
    for text in (about.layout, about.label, about.patients, about.split, about.licence, about.access, about.citation):
        assert text in page
    assert all(f"`{name}`: {rule}" in page for name, rule in about.attributes.items())
    assert all(f"{n} {name}" in page for name, n in about.published.items())
    for each in dataclasses.fields(kind):  # type: ignore[arg-type]
        default = each.default if each.default != "" else "''"
        name = each.name.replace("_", "-")
        assert f"| `{about.name}` | `--{name}` | `{default}` | {each.metadata['help']} |" in page


def test_the_page_has_no_option_that_does_not_exist() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `--([a-z-]+)` \|", _PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert len(rows) > 20
    for name, option in rows:
        assert option.replace("-", "_") in {each.name for each in dataclasses.fields(READERS[name])}  # type: ignore[arg-type]
