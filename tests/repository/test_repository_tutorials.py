from __future__ import annotations

import runpy
from pathlib import Path

import pytest

TUTORIALS = Path(__file__).parents[2] / "tutorials"


def test_the_one_file_version_finds_a_mask_that_serves_the_worse_subgroup_better(
    capsys: pytest.CaptureFixture[str],
) -> None:
    main = runpy.run_path(str(TUTORIALS / "mini_fairtune.py"))["main"]
    answers = main()
    train, test = answers["all blocks"]
    assert min(train) > 0.99, "tuning everything fits both subgroups"
    assert test[0] - test[1] > 0.03, "and serves the rare subgroup worse on unseen patients"
    assert min(answers["found mask"][1]) > min(test)
    assert "found mask" in capsys.readouterr().out


def test_the_one_file_version_stays_readable_in_five_minutes() -> None:
    assert len((TUTORIALS / "mini_fairtune.py").read_text().splitlines()) <= 120


def test_the_notebook_and_its_script_are_one_text() -> None:
    import jupytext

    notebook, script = (jupytext.read(TUTORIALS / f"quickstart.{suffix}") for suffix in ("ipynb", "py"))
    assert [cell.source for cell in notebook.cells] == [cell.source for cell in script.cells]


@pytest.mark.slow
def test_the_quickstart_runs_from_a_folder_of_images_to_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import nbformat
    from nbclient import NotebookClient

    monkeypatch.setenv("QUICKSTART_DIR", str(tmp_path))
    notebook = nbformat.read(TUTORIALS / "quickstart.ipynb", as_version=4)
    NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    assert (tmp_path / "output" / "report.html").stat().st_size > 50_000
