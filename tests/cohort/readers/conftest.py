from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def metadata(shared: Path) -> Path:
    """The datasets' own tables, without images; the test is skipped where they are not at hand."""
    folder = shared / "data" / "metadata"
    if not folder.is_dir():
        pytest.skip(f"no tables of datasets at {folder}")
    return folder
