"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# A slow machine is not a wrong answer.
settings.register_profile("fairtune", deadline=None)
settings.load_profile("fairtune")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the option that gives faults a night instead of minutes."""
    told = "run faults with many seeds, and install what else is missing: above an hour"
    parser.addoption("--nightly", action="store_true", help=told)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real images and weights; the test is skipped where it is not at hand."""
    folder = Path(os.environ.get("FAIRTUNE_SHARED", Path(__file__).parents[2] / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip(f"no real data at {folder}; set FAIRTUNE_SHARED to the folder that holds data/ and weights/")
    return folder
