"""The appendix and the model card: hashes that agree, numbers that lead back, names that stay text."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from monai_fairtune.report import write_audit_report
from monai_fairtune.testing.example_report import example_multiclass, example_report

Report = dict[str, Any]
HOSTILE = ["<script>alert(1)</script>", "a|b *c* [d](e)", "مستشفى الملك", "x" * 200, "a/b~c"]


def write(folder: Path, report: Report) -> Path:
    (folder / "report.json").write_text(json.dumps(report), encoding="utf-8")
    (folder / "subgroups.csv").write_text("attribute,subgroup\n", encoding="utf-8")
    write_audit_report(folder)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    report = example_report({"site": HOSTILE, "sex": ["female", "male"]})
    report["attributes"]["sex"]["auroc_gap"]["p_value"] = 0.31
    return write(tmp_path_factory.mktemp("hostile"), report)


@pytest.fixture(scope="module")
def appendix(folder: Path) -> Report:
    found: Report = json.loads((folder / "appendix.json").read_text(encoding="utf-8"))
    return found


def test_every_file_is_in_the_appendix_with_its_hash(folder: Path, appendix: Report) -> None:
    files = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    assert set(appendix["artifacts"]) == set(files) - {"appendix.json"}
    for name, found in appendix["artifacts"].items():
        assert hashlib.sha256(files[name].read_bytes()).hexdigest() == found


def check_pointers(folder: Path) -> list[str]:
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    numbers = json.loads((folder / "appendix.json").read_text(encoding="utf-8"))["numbers"]
    for number in numbers:
        entry: Any = report
        for part in number["pointer"].split("/")[1:]:
            entry = entry[part.replace("~1", "/").replace("~0", "~")]
        assert number["value"] == (entry["value"] if isinstance(entry, dict) else entry)
        if isinstance(entry, dict) and entry.get("interval"):
            assert (number["low"], number["high"]) == (entry["low"], entry["high"])
            assert number["interval"] == entry["interval"]
    return [number["pointer"] for number in numbers]


def test_every_number_leads_back_to_the_report(folder: Path) -> None:
    pointers = check_pointers(folder)
    assert len(pointers) == len(set(pointers)) > 150
    assert "/attributes/site/subgroups/a~1b~0c/auroc" in pointers


def test_numbers_of_classes_and_their_mean_lead_back_too(tmp_path: Path) -> None:
    pointers = check_pointers(write(tmp_path, example_multiclass(["a", "b/c"])))
    assert "/classes/b~1c/attributes/sex/subgroups/male/auroc" in pointers
    assert {"/macro/auroc", "/macro/attributes/sex/subgroups/male/auroc"} <= set(pointers)


def test_the_page_lists_the_hashes_that_it_can_know(folder: Path, appendix: Report) -> None:
    html = (folder / "report.html").read_text(encoding="utf-8")
    for name, found in appendix["artifacts"].items():
        assert (found in html) == (name != "report.html")


def test_names_cannot_become_markup_anywhere(folder: Path) -> None:
    html = (folder / "report.html").read_text(encoding="utf-8")
    assert html.count("<script") == 1
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    card = (folder / "model_card.md").read_text(encoding="utf-8")
    assert "<script>" not in card
    assert "\\<script\\>" in card
    rows = [line for line in card.splitlines() if line.startswith("| a")]
    assert len(rows) == 2
    assert "a\\|b \\*c\\* \\[d\\](e)" in rows[0]
    assert "مستشفى الملك" in card


def test_the_card_tells_values_with_intervals_and_does_not_certify(folder: Path) -> None:
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    card = (folder / "model_card.md").read_text(encoding="utf-8")
    auroc = report["attributes"]["sex"]["subgroups"]["female"]["auroc"]
    assert f"| {auroc['value']:.3f} ({auroc['low']:.3f} to {auroc['high']:.3f}) |" in card
    assert "does not certify" in card
    assert "What cannot be concluded" in card
    sex = next(line for line in card.splitlines() if line.startswith("Assessed by sex"))
    assert "not distinguishable from chance (p = 0.31, permutation of patients)" in sex


def test_an_audit_is_drawn_without_a_plotting_library_and_the_same_every_time(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
    write(here, example_report({"sex": ["female", "male"]}))
    for path in here.glob("*.json"):
        (there / path.name).write_bytes(path.read_bytes())
    code = (
        "import sys, pathlib; from monai_fairtune.report import write_audit_report; "
        f"write_audit_report(pathlib.Path({str(there)!r})); sys.exit('matplotlib' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    plots = sorted((here / "plots").iterdir())
    assert len(plots) > 4
    for path in plots:
        assert path.read_bytes() == (there / "plots" / path.name).read_bytes()


def test_a_png_is_drawn_on_request(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(json.dumps(example_report({"sex": ["female", "male"]})), encoding="utf-8")
    write_audit_report(tmp_path, png=True)
    drawn = {path.stem: path.stat().st_size for path in (tmp_path / "plots").glob("*.png")}
    assert set(drawn) == {path.stem for path in (tmp_path / "plots").glob("*.svg")}
    assert min(drawn.values()) > 5000
