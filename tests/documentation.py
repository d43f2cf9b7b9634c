"""Examples in the documentation."""

from __future__ import annotations

import doctest
from pathlib import Path

__all__ = ["run_examples"]


def run_examples(page: Path) -> int:
    """Runs a page's examples and asserts that each gives what it shows; returns how many there are."""
    test = doctest.DocTestParser().get_doctest(page.read_text(encoding="utf-8"), {}, page.name, str(page), 0)
    told: list[str] = []
    doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS).run(test, out=told.append)
    assert not told, "".join(told)
    return len(test.examples)
