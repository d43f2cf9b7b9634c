"""Names that come from a table cannot break the page, the plots or a terminal."""

from __future__ import annotations

import json
import re
import unicodedata
from html import unescape
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from monai_fairtune.report import result_table, write_report
from monai_fairtune.report.answer import answer
from monai_fairtune.report.reading import Reading
from monai_fairtune.report.wording import printable, shorten
from monai_fairtune.testing.example_result import example_result

Result = dict[str, Any]
HOSTILE = [
    "<script>alert(1)</script>",
    "\"quoted\" 'odd' & <b>",
    "$\\frac{1}{0}$ {{ 7*7 }} {% raw %}",
    "مستشفى الملك",
    "北京医院",
    "\x1b[2Jclear \u202egnol",
    "x" * 200,
    "x" * 199 + "y",
]

ISOLATES = dict.fromkeys((0x2068, 0x2069))


@pytest.fixture(scope="module")
def hostile() -> Result:
    attributes = {
        "site": HOSTILE,
        "site*age:60": [f"{name} & {half}" for name in HOSTILE[:4] for half in ("[0,60)", "[60,inf)")],
    }
    result = example_result(attributes, n_trials=15, n_epochs=2, rare=[("site", HOSTILE[0])])
    result["anchors"][1]["name"] = result["trials"][1]["name"] = "<img src=x onerror=alert(1)>"
    result["study"]["name"] = "</title><script>alert(2)</script>"
    result["network"]["backbone"] = "a.b:C</style><script>"
    result["cohort"] |= {"where": "site=<b>", "class_names": ["<i>0</i>", "</p>"]}
    result["trials"][7]["reason"] = "<svg onload=alert(3)>"
    return result


@pytest.fixture(scope="module")
def folder(hostile: Result, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "result.json").write_text(json.dumps(hostile), encoding="utf-8")
    write_report(folder)
    return folder


def test_no_name_becomes_markup(folder: Path) -> None:
    html = (folder / "report.html").read_text(encoding="utf-8")
    assert not re.search(r"(?i)<(img|b|i|svg onload)\b[^>]*>", html)
    assert re.findall(r"(?i)<script\b[^>]*>", html) == ["<script>"]
    assert html.count("</style>") == 1
    assert html.count("</title>") == 1
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "$\\frac{1}{0}$ {{ 7*7 }} {% raw %}" in html


def test_exact_names_are_in_the_tables(folder: Path) -> None:
    html = (folder / "report.html").read_text(encoding="utf-8")
    heads = [unescape(re.sub(r"<[^>]+>", "", head)) for head in re.findall(r'<th scope="row"><span>(.*?)</span>', html)]
    for name in HOSTILE:
        assert name in heads
    assert f"{HOSTILE[0]} & [60,inf)" in heads


def test_right_to_left_names_keep_to_themselves(folder: Path) -> None:
    html = (folder / "report.html").read_text(encoding="utf-8")
    assert "<bdi>مستشفى الملك</bdi> &amp; <bdi>[60,inf)</bdi>" in html
    assert html.count("\u2068") == html.count("\u2069") > 0


def test_names_that_plots_cannot_draw_are_explained_in_the_caption(folder: Path) -> None:
    html = (folder / "report.html").read_text(encoding="utf-8")
    caption = next(
        text for text in re.findall(r"<figcaption>(.*?)</figcaption>", html, re.DOTALL) if "subgroup 4" in text
    )
    assert "subgroup 4 is “\u2068مستشفى الملك\u2069”" in caption
    assert "subgroup 5 is “北京医院”" in caption


def test_names_that_look_alike_when_cut_stay_apart_in_plots(folder: Path) -> None:
    svg = (folder / "plots" / "subgroup_auroc.svg").read_text(encoding="utf-8")
    cut = shorten("x" * 200, 26)
    assert f">{cut}<" in svg
    assert f">{cut} (8)<" in svg


def test_plots_are_well_formed_and_hold_no_foreign_elements(folder: Path) -> None:
    for path in (folder / "plots").glob("*.svg"):
        root = ET.fromstring(path.read_text(encoding="utf-8"))  # noqa: S314 - written a moment ago
        tags = {element.tag.rpartition("}")[2] for element in root.iter()}
        assert tags <= {"svg", "title", "defs", "g", "path", "use", "text", "clipPath", "rect", "tspan"}


@pytest.mark.parametrize("name", HOSTILE)
def test_the_console_table_holds_no_control_characters_and_no_line_is_too_long(result: Result, name: str) -> None:
    result["attribute"] = result["attributes"][0] = name
    for report in (result["test"], *(anchor["test"] for anchor in result["anchors"])):
        report["attributes"] = {name: report["attributes"]["age:60"]}
        report["attributes"][name]["worst_group_auroc"]["subgroup"] = name
        report["attributes"][name]["auroc_gap"] = {"value": None, "reason": f"Subgroup {name} is too small."}
    result["anchors"][0]["name"] = name
    for line in result_table(result).splitlines():
        assert not any(unicodedata.category(character) in {"Cc", "Cf"} for character in line.translate(ISOLATES))
        assert sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line) <= 100


def test_the_console_table_says_what_it_must(result: Result) -> None:
    told = result_table(result)
    worst = result["test"]["attributes"]["age:60"]["worst_group_auroc"]
    assert "attribute age:60" in told
    last = next(line for line in told.splitlines() if line.startswith("> found mask"))
    assert f"{worst['value']:.3f}  {worst['subgroup']}" in last
    assert [line[2:11].strip() for line in told.splitlines()[3:8]] == ["head only", "full", "bias", "norm", "attention"]
    assert "* norm" in told


def test_control_characters_are_made_visible() -> None:
    assert printable("a\x00b\u202ec\n") == "a\ufffdb\ufffdc\ufffd"


def test_long_names_are_cut_in_prose(result: Result) -> None:
    result["network"]["backbone"] = "b" * 5000
    assert len(answer(Reading(result))) < 1500
