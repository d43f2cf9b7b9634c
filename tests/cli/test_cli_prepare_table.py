"""`monai-fairtune prepare table` as a user runs it."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from monai_fairtune.cli import main
from tests.cohort.own_data import hospital

Out = pytest.CaptureFixture[str]


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """Twelve studies, and a spreadsheet beside them."""
    root = hospital.write_studies(tmp_path / "my export")
    hospital.write_sheet(tmp_path / "findings.xlsx", hospital.findings(), more=["Legend"])
    return root


def command(root: Path, *arguments: object) -> list[str]:
    table, out = root.parent / "findings.xlsx", root.parent / "out"
    return [
        "prepare",
        "table",
        "--root",
        str(root),
        "--table",
        str(table),
        "--output-dir",
        str(out),
        *map(str, arguments),
    ]


def said_next(out: Out) -> list[str]:
    (line,) = [line for line in out.readouterr().out.splitlines() if line.startswith("Next: ")]
    program, *arguments = shlex.split(line.removeprefix("Next: "))
    assert program == "monai-fairtune"
    return arguments


def test_each_command_says_the_next_one_and_the_last_is_check(export: Path, capsys: Out) -> None:
    assert main(command(export)) == 0
    prepare = said_next(capsys)
    assert main(prepare) == 0
    check = said_next(capsys)
    assert (check[0], check[-3:]) == ("check", ["--attribute", "sex", "age:60"])
    assert main(check) == 1  # twelve images are too few for a search
    assert "12 of 12 images were decoded" in capsys.readouterr().out


def test_a_question_ends_with_code_2_and_the_answer_is_null_in_the_mapping(export: Path, capsys: Out) -> None:
    rows: list[dict[str, Any]] = [row | {"Smoker": "yn"[k // 2 % 2]} for k, row in enumerate(hospital.findings())]
    for row in rows:
        row["Oedema"] = row.pop("Finding")
    hospital.write_sheet(export.parent / "findings.xlsx", rows)
    assert main(command(export)) == 2
    said = capsys.readouterr()
    assert "For you to decide:\n- Which column is the label" in said.out
    path = export.parent / "out" / "mapping.yaml"
    expected = f"No manifest was written. Answer 1 question in '{path}', then give that file with --mapping.\n"
    assert said.err.endswith(expected)
    assert main(command(export, "--mapping", path)) == 2
    assert "says null at 'label, column', 'label, values'" in capsys.readouterr().err
    assert not path.with_name("manifest.csv").exists()
    mapping = yaml.safe_load(path.read_text())
    mapping["label"] = {"column": "Oedema", "values": {"yes": 1, "no": 0}}
    path.write_text(yaml.safe_dump(mapping))
    assert main(command(export, "--mapping", path)) == 0


def test_json_is_one_object_in_both_calls(export: Path, capsys: Out) -> None:
    assert main(command(export, "--json")) == 0
    proposed = json.loads(capsys.readouterr().out)
    assert proposed["questions"] == []
    assert proposed["mapping"]["label"] == {"column": "Finding", "values": {"no": 0, "yes": 1}}
    assert main(command(export, "--json", "--mapping", export.parent / "out" / "mapping.yaml")) == 0
    assert json.loads(capsys.readouterr().out) == json.loads((export.parent / "out" / "prepared.json").read_text())


def test_a_table_is_required(capsys: Out) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["prepare", "table", "--root", ".", "--output-dir", "out"])
    assert ended.value.code == 2
    assert "the following arguments are required: --table" in capsys.readouterr().err


@pytest.mark.slow
def test_an_export_and_a_spreadsheet_become_a_search_result(tmp_path: Path, capsys: Out) -> None:
    root = hospital.write_studies(tmp_path / "export", 160)
    hospital.write_clutter(root)
    hospital.write_sheet(tmp_path / "findings.xlsx", hospital.findings(160))
    assert main(command(root)) == 0
    assert main(said_next(capsys)) == 0
    assert main([*said_next(capsys), "--min-per-class", "1"]) == 0
    out = tmp_path / "out"
    options = {
        "manifest": out / "manifest.csv", "data_root": root, "attribute": "sex", "output_dir": tmp_path / "found",
        "backbone": "monai_fairtune.masks.tiny_vit", "image_size": 16, "device": "cpu", "batch_size": 16,
        "max_epochs": 1, "n_trials": 2, "n_startup_trials": 1, "n_finalists": 1, "n_seeds": 1, "min_per_class": 2,
        "n_workers": 1,
    }  # fmt: skip
    line = [sys.executable, "-m", "monai_fairtune", "search"]
    line += [word for name, value in options.items() for word in (f"--{name}", str(value))]
    done = subprocess.run(line, capture_output=True, text=True, timeout=280, env=os.environ | {"OMP_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "found" / "result.json").read_text())
    assert result["cohort"]["n"] == 160
    assert result["test_reads"] == 1
