"""`monai-fairtune audit` and `compare` as a user runs them: processes, files, exit codes."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.audit.tables import table
from tests.cli.commands import run

QUICK = ["--replicates", "100", "--permutations", "100"]
ASKED = ["--label", "label", "--score", "score", "--attribute", "sex", "age:60", "--patient", "patient_id"]
HOSTILE = ["=cmd|'/C calc'!A0", "<script>alert(1)</script>", "\x1b[31mred", "ש" * 30, "a" * 200]


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A folder with a table, and what an audit of it left and said."""
    folder = tmp_path_factory.mktemp("audit")
    table().to_csv(folder / "t.csv", index=False)
    how = [*ASKED, "--sample", "image", "--split-column", "split", *QUICK, "--json"]
    return folder, run("audit", folder / "t.csv", *how, "--output-dir", folder / "out")


def test_the_command_leaves_its_files_and_prints_one_json_object(
    audited: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    folder, outcome = audited
    assert outcome.returncode == 0, outcome.stderr
    names = {path.name for path in (folder / "out").iterdir()}
    assert names >= {"report.json", "report.html", "plots", "subgroups.csv", "predictions.csv"}
    printed = json.loads(outcome.stdout)
    stored = json.loads((folder / "out" / "report.json").read_text())
    assert {**stored, "predictions": None} == {**printed, "predictions": None}
    assert printed["intervals"]["n_replicates"] == 100
    assert printed["audit"]["source"]["file"] == "t.csv"


def test_the_design_numbers_come_first_and_progress_goes_to_standard_error(
    audited: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    _, outcome = audited
    assert outcome.stderr.index("minimum detectable AUROC gap") < outcome.stderr.index("overall AUROC")
    assert re.search(r"^  female +\d+ +\d+ +\d+ +\d+  given$", outcome.stderr, re.MULTILINE)
    assert "share the report without it" in outcome.stderr


def test_no_patient_and_no_path_is_in_anything_that_is_shared(
    audited: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    folder, outcome = audited
    shared = [path for path in (folder / "out").rglob("*") if path.is_file() and path.name != "predictions.csv"]
    for text in (outcome.stdout, *(path.read_text(encoding="utf-8", errors="replace") for path in shared)):
        assert not re.search(r"\bP0\d\d\d\b", text)
        assert "images/" not in text
        assert str(folder) not in text


def test_subgroups_csv_holds_the_reports_numbers(audited: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    folder, outcome = audited
    frame = pd.read_csv(folder / "out" / "subgroups.csv", keep_default_na=False)
    row = frame[(frame["attribute"] == "sex") & (frame["subgroup"] == "male") & (frame["metric"] == "auroc")].iloc[0]
    value = json.loads(outcome.stdout)["attributes"]["sex"]["subgroups"]["male"]["auroc"]
    assert (float(row["value"]), float(row["low"]), float(row["high"])) == (
        value["value"],
        value["low"],
        value["high"],
    )


def test_hostile_names_are_harmless_in_every_file_and_on_the_terminal(tmp_path: Path) -> None:
    rows = table()
    rows["sex"] = np.array(HOSTILE)[np.arange(len(rows)) % len(HOSTILE)]
    rows.to_csv(tmp_path / "t.csv", index=False)
    outcome = run("audit", tmp_path / "t.csv", *ASKED, "--threshold", "0.5", *QUICK, "--output-dir", tmp_path / "out")
    assert outcome.returncode == 0, outcome.stderr
    assert "\x1b" not in outcome.stdout
    for path in (tmp_path / "out").glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            cells = [cell for row in csv.reader(file) for cell in row]
        formulas = [
            cell for cell in cells if cell[:1] in tuple("=+-@\t\r") and not re.match(r"-[\d.]+(e-?\d+)?$", cell)
        ]
        assert formulas == []
        assert f"'{HOSTILE[0]}" in cells
    assert "<script>alert" not in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    stored = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert set(stored["attributes"]["sex"]["subgroups"]) == set(HOSTILE)


def test_a_name_that_the_terminal_cannot_show_ends_no_command(tmp_path: Path) -> None:
    rows = table()
    rows["sex"] = rows["sex"].map({"female": "Männer", "male": "ש", "": ""})
    rows.to_csv(tmp_path / "t.csv", index=False)
    how = [*ASKED, "--threshold", "0.5", "--replicates", "0", "--output-dir", tmp_path / "out"]
    outcome = run("audit", tmp_path / "t.csv", *how, encoding="ascii")
    assert outcome.returncode == 0, outcome.stderr
    assert "M\\xe4nner" in outcome.stdout


def test_small_cells_are_withheld_from_all_that_is_printed_and_written(tmp_path: Path) -> None:
    rows = table()
    rows.loc[:3, "sex"] = "intersex"
    rows.to_csv(tmp_path / "t.csv", index=False)
    how = [*ASKED, "--threshold", "0.5", "--replicates", "0", "--suppress-below", "10", "--no-predictions"]
    outcome = run("audit", tmp_path / "t.csv", *how, "--output-dir", tmp_path / "out")
    assert outcome.returncode == 0, outcome.stderr
    assert re.search(r"intersex +<10 +<10 +suppressed +<10", outcome.stdout)
    assert re.search(r"intersex +<10 +withheld \[1\]", outcome.stdout)
    assert "Note: Subgroups with fewer than 10 images" in outcome.stdout
    assert not (tmp_path / "out" / "predictions.csv").exists()
    stored = json.loads((tmp_path / "out" / "report.json").read_text())
    assert stored["attributes"]["sex"]["subgroups"]["intersex"]["n"] == "<10"


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["--attribute", "race"], "has no column 'race'"),
        (["--kind", "logit", "--score", "label"], "named as scores and as something else"),
        (["--replicates", "5"], "n_replicates is 5"),
        (["--split-column", "sex"], "belong to no split"),
    ],
)
def test_bad_input_ends_with_code_2_and_one_line(tmp_path: Path, extra: list[str], message: str) -> None:
    table().to_csv(tmp_path / "t.csv", index=False)
    outcome = run("audit", tmp_path / "t.csv", *ASKED, *QUICK, "--output-dir", tmp_path / "out", *extra)
    assert outcome.returncode == 2
    assert message in outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert not (tmp_path / "out").exists()


def test_an_audit_overwrites_neither_its_own_table_nor_a_search_but_an_earlier_audit(tmp_path: Path) -> None:
    table().to_csv(tmp_path / "predictions.csv", index=False)
    how = [*ASKED, "--threshold", "0.5", "--replicates", "0"]
    refused = run("audit", tmp_path / "predictions.csv", *how, "--output-dir", tmp_path)
    assert (refused.returncode, "that no audit wrote" in refused.stderr) == (2, True)
    assert (tmp_path / "predictions.csv").read_text().startswith("image,patient_id,")
    (tmp_path / "search").mkdir()
    (tmp_path / "search" / "result.json").write_text("{}")
    refused = run("audit", tmp_path / "predictions.csv", *how, "--output-dir", tmp_path / "search")
    assert (refused.returncode, "holds the result of a search" in refused.stderr) == (2, True)
    for _ in range(2):
        again = run("audit", tmp_path / "predictions.csv", *how, "--output-dir", tmp_path / "out")
        assert again.returncode == 0, again.stderr


def test_two_audits_are_compared_and_different_ones_refused(
    audited: tuple[Path, subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    folder, _ = audited
    rows = table()
    rows["score"] = 0.6 * rows["score"] + 0.4 * np.random.default_rng(1).random(len(rows))
    rows.to_csv(tmp_path / "t.csv", index=False)
    how = [*ASKED, "--sample", "image", "--split-column", "split", "--replicates", "0"]
    assert run("audit", tmp_path / "t.csv", *how, "--output-dir", tmp_path / "noisy").returncode == 0
    outcome = run("compare", tmp_path / "noisy", folder / "out", *QUICK, "--json")
    assert outcome.returncode == 0, outcome.stderr
    found = json.loads(outcome.stdout)
    assert found == json.loads((tmp_path / "noisy" / "comparison.json").read_text())
    assert found["overall"]["auroc"]["difference"]["value"] < 0
    assert "noisy minus out" in outcome.stderr
    all_rows = [*ASKED, "--sample", "image", "--threshold", "0.5", "--replicates", "0"]
    assert run("audit", tmp_path / "t.csv", *all_rows, "--output-dir", tmp_path / "all").returncode == 0
    refused = run("compare", tmp_path / "all", folder / "out", *QUICK)
    assert refused.returncode == 2
    assert "images that 'out' lacks" in refused.stderr


def test_an_audit_loads_neither_torch_nor_monai() -> None:
    heavy = "{'torch', 'monai', 'optuna'}"
    code = f"import sys, monai_fairtune.audit, monai_fairtune.report; print({heavy} & set(sys.modules))"
    outcome = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert outcome.stdout.strip() == "set()"
