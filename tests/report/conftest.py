"""Results to report on, and folders that hold them."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from monai_fairtune.report import write_report
from monai_fairtune.testing.example_result import example_result

pytest.register_assert_rewrite("tests.report.page_checks")


@lru_cache(maxsize=1)
def _plain() -> dict[str, Any]:
    return example_result(n_trials=40, n_epochs=6)


@pytest.fixture
def result() -> dict[str, Any]:
    """A plausible result: one attribute of two subgroups, a found mask that beats the fixed methods."""
    return copy.deepcopy(_plain())


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the plausible result with its report, written once for all who only read it."""
    folder = tmp_path_factory.mktemp("written")
    (folder / "result.json").write_text(json.dumps(_plain()), encoding="utf-8")
    write_report(folder)
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Callable[[dict[str, Any]], Path]:
    """Writes a result into a folder of its own and returns the folder."""

    def write(result: dict[str, Any]) -> Path:
        folder = tmp_path / f"output-{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        (folder / "result.json").write_text(json.dumps(result), encoding="utf-8")
        return folder

    return write
