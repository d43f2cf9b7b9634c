"""A canary for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.security.canaries import Canary


@pytest.fixture
def canary(tmp_path: Path) -> Iterator[Canary]:
    """A canary, and the test fails if anything has run what it says."""
    planted = Canary(tmp_path / "executed")
    yield planted
    assert planted.is_alive(), "code of a hostile input was run"
