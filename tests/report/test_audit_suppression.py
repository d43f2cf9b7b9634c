"""Small numbers: withheld everywhere, and not to be had by subtraction."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from monai_fairtune.report import write_audit_report
from monai_fairtune.report.assessed import Assessed
from monai_fairtune.report.suppress import suppress
from monai_fairtune.report.table_assessment import comparisons_table, measures_table
from monai_fairtune.testing.example_report import example_report

Report = dict[str, Any]
RACES = ["Asian", "Black", "White"]


@pytest.fixture(scope="module")
def rare() -> Report:
    return example_report({"race": RACES}, rare=[("race", "Black")])


def texts(report: Report, name: str) -> list[str]:
    table = measures_table(Assessed(report), "race", "t", "t", {"": ("auroc", "tpr")})
    return [cell.text for row in table.rows if row.head == name for cell in row.cells]


def test_small_counts_and_their_values_read_as_withheld(rare: Report) -> None:
    black = rare["attributes"]["race"]["subgroups"]["Black"]
    assert black["n_positive"] == 6
    shown = texts(suppress(rare, 10), "Black")
    assert shown == [str(black["n"]), str(black["n_patients"]), "<10", "suppressed", "suppressed"]
    assert texts(suppress(rare, None), "Black")[2] == "6"
    assert texts(suppress(rare, 6), "Black")[2] == "6"


def test_the_total_does_not_tell_the_one_count_that_is_withheld(rare: Report) -> None:
    groups = suppress(rare, 10)["attributes"]["race"]["subgroups"]
    assert sorted(str(groups[name]["n_positive"]) for name in RACES if isinstance(groups[name]["n_positive"], str)) == [
        "<10",
        "suppressed",
    ]
    others = {name: rare["attributes"]["race"]["subgroups"][name]["n_positive"] for name in ("Asian", "White")}
    assert groups[min(others, key=lambda name: others[name])]["n_positive"] == "suppressed"
    assert groups["White"]["auroc"]["value"] is not None


@pytest.mark.parametrize(("n", "positive"), [(60, 55), (9, 4), (200, 9)])
def test_either_class_and_the_whole_group_count(rare: Report, n: int, positive: int) -> None:
    report = json.loads(json.dumps(rare))
    report["attributes"]["race"]["subgroups"]["White"] |= {"n": n, "n_positive": positive}
    assert texts(suppress(report, 10), "White")[-1] == "suppressed"
    report["attributes"]["race"]["subgroups"]["White"] |= {"n": 60, "n_positive": 50}
    assert texts(suppress(report, 10), "White")[-1] != "suppressed"


def test_an_empty_group_is_nobodys_secret(rare: Report) -> None:
    report = json.loads(json.dumps(rare))
    report["attributes"]["race"]["subgroups"]["Asian"] |= {"n": 0, "n_positive": 0, "n_patients": 0}
    assert texts(suppress(report, 10), "Asian")[:3] == ["0", "0", "0"]


def test_comparisons_do_not_tell_what_a_withheld_group_holds(rare: Report) -> None:
    report = json.loads(json.dumps(rare))
    entry = report["attributes"]["race"]
    entry["largest_brier"] = {"value": 0.1234, "low": 0.1, "high": 0.2, "subgroup": "Black"}
    found = suppress(report, 10)
    table = comparisons_table(Assessed(found), "race", "t")
    assert "0.123" not in [cell.text for row in table.rows for cell in row.cells]
    assert "6 positive" not in json.dumps(found)
    for pair in found["attributes"]["race"]["pairs"]:
        assert ("Black" in pair["subgroups"]) == (pair["p_value"] is None)


def test_nothing_that_is_written_holds_a_withheld_number(rare: Report, tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(json.dumps(rare), encoding="utf-8")
    html = write_audit_report(tmp_path).read_text(encoding="utf-8")
    black = rare["attributes"]["race"]["subgroups"]["Black"]
    secrets = ["6 positive", *(f"{black[key]['value']:.3f}" for key in ("fpr", "brier", "log_loss"))]
    written = [path.read_text(encoding="utf-8") for path in tmp_path.rglob("*") if path.suffix in {".svg", ".md"}]
    numbers = json.loads((tmp_path / "appendix.json").read_text(encoding="utf-8"))["numbers"]
    told = [number for number in numbers if "/Black/" in number["pointer"]]
    assert len(told) >= 15
    assert all(number["value"] is None and number["n"] == black["n"] for number in told)
    public = [html.replace(rare["audit"]["source"]["sha256"], ""), *written]
    overall = json.dumps({key: value for key, value in rare.items() if key != "attributes"})
    for secret in secrets:
        if secret[:5] not in overall:
            assert not any(f">{secret}<" in text or f" {secret} " in text for text in public), secret
    assert "suppressed" in html
    assert "keep it in the house" in html


def test_small_counts_that_are_shown_are_warned_of(rare: Report, tmp_path: Path) -> None:
    report = json.loads(json.dumps(rare))
    report["audit"]["suppress_below"] = None
    (tmp_path / "report.json").write_text(json.dumps(report), encoding="utf-8")
    html = write_audit_report(tmp_path).read_text(encoding="utf-8")
    assert "This report holds counts below ten" in html
    assert ">6</td>" in html


def test_counts_that_come_withheld_are_shown_as_they_come(rare: Report, tmp_path: Path) -> None:
    report = json.loads(json.dumps(rare))
    black = report["attributes"]["race"]["subgroups"]["Black"]
    black |= {"n": "<10", "n_positive": "<10", "n_patients": "<10", "curves": None}
    (tmp_path / "report.json").write_text(json.dumps(report), encoding="utf-8")
    html = write_audit_report(tmp_path).read_text(encoding="utf-8")
    assert html.count("&lt;10") >= 3
    assert "keep it in the house" not in html
