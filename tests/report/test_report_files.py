"""What is written, and what is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest

from monai_fairtune.exceptions import ConfigurationError
from monai_fairtune.report import write_report
from monai_fairtune.report.plots_style import plot_style
from monai_fairtune.testing.example_result import example_result

Result = dict[str, Any]
Store = Callable[[Result], Path]


def _contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_same_result_gives_the_same_bytes_whatever_the_users_plot_settings(
    result: Result, written: Path, store: Store
) -> None:
    again = store(result)
    (again / "report.html").write_text("an older report")
    with mpl.rc_context({"font.size": 30, "svg.fonttype": "path", "axes.facecolor": "red"}):
        write_report(again)
    assert _contents(again) == _contents(written)


def test_the_page_and_the_plots_are_written_and_nothing_else(written: Path) -> None:
    keys = ("components", "curves", "pareto", "search", "selection", "subgroup_auroc", "trained_share")
    plots = {f"plots/{key}.{kind}" for key in keys for kind in ("png", "svg")}
    assert set(_contents(written)) == {"report.html", "result.json"} | plots


def test_each_attribute_has_plots_of_its_own(store: Store) -> None:
    folder = store(example_result({"sex": ["f", "m"], "age:60": ["[0,60)", "[60,inf)"]}, n_trials=12, n_epochs=1))
    write_report(folder)
    assert (folder / "plots" / "subgroup_auroc_2.png").stat().st_size > 5000
    assert (folder / "plots" / "curves_2.svg").exists()


def test_matplotlib_is_left_as_it_was() -> None:
    before = dict(mpl.rcParams)
    with plot_style():
        assert dict(mpl.rcParams) != before
    assert dict(mpl.rcParams) == before


def test_importing_the_report_imports_neither_torch_nor_plots_nor_optuna() -> None:
    heavy = ("torch", "optuna", "matplotlib", "monai", "jinja2")
    code = f"import sys, monai_fairtune.report; sys.exit(', '.join(set({heavy}) & set(sys.modules)) or None)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr


def test_a_folder_without_a_result_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no result\.json in .* Give the output_dir of a finished search"):
        write_report(tmp_path)


@pytest.mark.parametrize(
    ("text", "found"), [('{"schema": 2}', "schema 2"), ("[]", "schema 'list'"), ("{}", "schema None")]
)
def test_another_schema_is_refused(tmp_path: Path, text: str, found: str) -> None:
    (tmp_path / "result.json").write_text(text)
    with pytest.raises(ConfigurationError, match=f"has {found}, and this version reads schema 1"):
        write_report(tmp_path)


def test_what_is_no_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "result.json").write_text('{"schema": 1')
    with pytest.raises(ConfigurationError, match="is not JSON"):
        write_report(tmp_path)


def test_numbers_that_are_not_finite_are_read_as_absent(result: Result, store: Store) -> None:
    folder = store(result)
    text = json.dumps(result | {"seconds": float("nan")})
    (folder / "result.json").write_text(text)
    assert "NaN" in text
    html = write_report(folder).read_text(encoding="utf-8")
    assert "NaN" not in html
