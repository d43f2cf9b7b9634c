"""SECURITY.md names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_threat_has_a_test_that_exists() -> None:
    lines = (ROOT / "SECURITY.md").read_text(encoding="utf-8").splitlines()
    rows = [line.split(" | ") for line in lines if line.startswith("| ") and not line.startswith("| threat")]
    assert len(rows) > 12
    for row in rows:
        named = re.findall(r"`(tests/[^`]+)`", row[-1])
        assert named, row[0]
        assert [name for name in named if not (ROOT / name).is_file()] == []
