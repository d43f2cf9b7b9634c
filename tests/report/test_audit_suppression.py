"""Withheld numbers: shown as withheld, everywhere, and never as blanks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from monai_fairtune.report import write_audit_report
from monai_fairtune.report.assessed import Assessed
from monai_fairtune.report.audit.clinician import headline, story
from monai_fairtune.report.audit.reading import Audit
from monai_fairtune.report.plots_forest import forest_plot
from monai_fairtune.report.plots_roc import roc_plot
from monai_fairtune.report.table_assessment import comparisons_table, measures_table, pairs_table
from monai_fairtune.testing.example_report import example_multiclass, example_report
from tests.report.pages import Page

Report = dict[str, Any]
RACES = ["Asian", "Black", "White"]


@pytest.fixture(scope="module")
def open_report() -> Report:
    return example_report({"race": RACES, "sex": ["female", "male"]}, rare=[("race", "Black")])


@pytest.fixture(scope="module")
def withheld() -> Report:
    return example_report({"race": RACES, "sex": ["female", "male"]}, rare=[("race", "Black")], suppress_below=10)


def write(folder: Path, report: Report) -> Page:
    (folder / "report.json").write_text(json.dumps(report), encoding="utf-8")
    return Page(write_audit_report(folder).read_text(encoding="utf-8"))


def test_withheld_counts_and_values_read_as_withheld(withheld: Report) -> None:
    table = measures_table(Assessed(withheld), "race", "t", "t", {"": ("auroc", "tpr")})
    black = next(row for row in table.rows if row.head == "Black")
    assert [cell.text for cell in black.cells] == ["suppressed", "suppressed", "<10", "suppressed", "suppressed"]
    assert all(cell.note is not None for cell in black.cells[3:])
    assert "fewer than 10" in table.notes[0]


def test_no_cell_of_a_table_is_blank_where_a_number_is_withheld(withheld: Report) -> None:
    assessed = Assessed(withheld)
    pairs = pairs_table(assessed, "race", "t")
    assert pairs is not None
    told = [row.cells[0].text for row in (*pairs.rows, *comparisons_table(assessed, "race", "t").rows)]
    n_shown = sum("Black" not in pair["subgroups"] for pair in withheld["attributes"]["race"]["pairs"])
    assert len(told) > 20
    assert told.count("suppressed") >= len(told) - n_shown
    assert "" not in told


def test_plots_say_what_is_withheld_and_leave_its_curve_out(withheld: Report) -> None:
    forest, roc = (draw(Assessed(withheld), "race", "k") for draw in (forest_plot, roc_plot))
    assert forest is not None
    assert "Black: AUROC suppressed, TPR (sensitivity) suppressed" in forest.alt
    assert roc is None or "Black" not in roc.alt


def test_clinicians_are_told_that_a_group_is_withheld(withheld: Report, tmp_path: Path) -> None:
    part = Audit(withheld).parts[0]
    assert headline(part) == "Which group is worst off cannot be said"
    assert "A group of race and sex is withheld because very few people are in one" in story(part)[1]
    told = write(tmp_path, withheld).text_of("clinician")
    assert "&lt;10" not in told
    assert "<10" in told
    assert "that are withheld, because very few people are in some group" in " ".join(told.split())


def test_a_group_that_is_too_small_does_not_silence_the_other_attributes(open_report: Report) -> None:
    part = Audit(open_report).parts[0]
    worst = open_report["attributes"]["sex"]["worst_group_auroc"]["subgroup"]
    assert headline(part).startswith(f"Worst off of those that can be ranked: {worst} (sex)")
    assert "The groups of race cannot be ranked: in a group of race, too few images show" in story(part)[1]


def test_nothing_that_is_written_holds_a_withheld_number(open_report: Report, withheld: Report, tmp_path: Path) -> None:
    write(tmp_path, withheld)
    secret = open_report["attributes"]["race"]["subgroups"]["Black"]
    texts = [
        path.read_text(encoding="utf-8") for path in tmp_path.rglob("*") if path.suffix in {".html", ".svg", ".md"}
    ]
    public = json.dumps(withheld)
    for measure in ("fpr", "brier", "log_loss", "accuracy"):
        value = secret[measure]["value"]
        assert str(value) not in public
        assert not any(f">{value:.3f}<" in text or f"| {value:.3f} (" in text for text in texts)
    numbers = json.loads((tmp_path / "appendix.json").read_text(encoding="utf-8"))["numbers"]
    told = [number for number in numbers if "/Black/" in number["pointer"]]
    assert len(told) >= 15
    assert {number["value"] for number in told} == {None}


def test_regulators_are_told_the_rule_and_warned_of_small_counts(
    open_report: Report, withheld: Report, tmp_path: Path
) -> None:
    told = " ".join(write(tmp_path, withheld).text_of("regulator").split())
    assert "Subgroups with fewer than 10 images, patients, or images of one class are withheld" in told
    assert "check your rules before you share it" not in told
    assert "The subgroups of race are not compared here, because small numbers are withheld." in told
    told = " ".join(write(tmp_path, open_report).text_of("regulator").split())
    assert "This report holds counts below 10" in told
    careless = {**open_report, "audit": {**open_report["audit"], "suppress_below": 10}}
    assert "This report holds counts below 10" in " ".join(write(tmp_path, careless).text_of("regulator").split())


def test_withheld_classes_are_withheld_in_the_mean_too(tmp_path: Path) -> None:
    page = write(tmp_path, example_multiclass(["a", "b"], suppress_below=140))
    assert "suppressed" in page.text_of("engineer")
    assert "suppressed" in page.text_of("clinician")
