"""Both pages in a real browser: they fit, sort, print, load nothing, and can be read by everybody."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from monai_fairtune.report import write_audit_report, write_report
from monai_fairtune.testing.example_report import example_report
from monai_fairtune.testing.example_result import example_result
from tests.report.browser import measure, print_page, requests, require_chromium

pytestmark = pytest.mark.browser

NAMES = ["<script>alert(1)</script>", "x" * 200, "مستشفى الملك"]
ATTRIBUTES = {"age:60": ["[0,60)", "[60,inf)"], "site": NAMES}
FITS = """
  const outside = shown("body *").filter((e) => !e.closest(".scroll, svg, .skip")
    && e.getBoundingClientRect().right > root.clientWidth + 0.5).map((e) => e.outerHTML.slice(0, 120));
  return {
    scroll: root.scrollWidth, width: root.clientWidth, outside,
    plots: shown("figure svg").length, figures: shown("figure").length,
    small: shown("figure svg text").filter((e) => e.getBoundingClientRect().height < 9).length,
    loaded: view.performance.getEntriesByType("resource").map((e) => e.name),
  };
"""


@pytest.fixture(scope="module", params=["audit", "search"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with names that try to break it."""
    require_chromium()
    folder = tmp_path_factory.mktemp(str(request.param))
    if request.param == "audit":
        report = example_report(ATTRIBUTES)
        report["audit"]["source"]["file"] = "p" * 300
        (folder / "report.json").write_text(json.dumps(report), encoding="utf-8")
        write_audit_report(folder)
    else:
        result = example_result(ATTRIBUTES, n_trials=30, n_epochs=3, intervals=True)
        result["network"]["backbone"] = "b" * 300
        (folder / "result.json").write_text(json.dumps(result), encoding="utf-8")
        write_report(folder)
    return folder


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_fits_its_width_and_logs_no_error(folder: Path, width: int) -> None:
    measured, log = measure(folder, FITS, width)
    assert measured["scroll"] <= measured["width"] <= width
    assert measured["outside"] == []
    assert measured["plots"] == measured["figures"] >= 8
    assert measured["small"] == 0, "text of a plot is too small to read"
    assert measured["loaded"] == []
    assert "CONSOLE" not in log


def test_the_page_asks_for_nothing_but_itself(folder: Path) -> None:
    asked = [address.rpartition("/")[2] for address in requests(folder)]
    assert set(asked) == {"report.html"}


def test_a_request_would_be_seen(tmp_path: Path) -> None:
    require_chromium()
    (tmp_path / "report.html").write_text("<!doctype html><img src='http://pictures.invalid/a.png'>", encoding="utf-8")
    assert "http://pictures.invalid/a.png" in requests(tmp_path)


SORTS = """
  const columns = (t) => [...t.tHead.rows[t.tHead.rows.length - 1].cells];
  const counts = (t) => columns(t).findIndex((head) => head.textContent.trim() === "images");
  const table = [...page.querySelectorAll("table")].find((t) => t.tBodies[0].rows.length > 2 && counts(t) > 0);
  const heads = columns(table), column = counts(table);
  const read = () => [...table.tBodies[0].rows].map((row) => row.cells[column].firstChild.textContent.trim());
  const steps = [["none", read()]];
  for (const press of [0, 1, 2]) {
    heads[column].querySelector("button").click();
    steps.push([heads[column].getAttribute("aria-sort") || "none", read()]);
  }
  heads[0].querySelector("button").click();
  const names = [...table.tBodies[0].rows].map((row) => row.cells[0].firstChild.textContent.trim().toLowerCase());
  const sorted = heads.map((head) => head.getAttribute("aria-sort")).filter((order) => order);
  const foot = [...table.tFoot.rows].map((row) => row.cells[0].firstChild.textContent.trim());
  const all = heads.every((head) => head.querySelector("button[type=button]"));
  return { steps, names, sorted, foot, all };
"""


def test_a_table_sorts_by_the_column_whose_button_is_pressed(folder: Path) -> None:
    measured, _ = measure(folder, SORTS)
    (_, first), (up, rising), (down, falling), (again, last) = measured["steps"]
    assert (up, down, again) == ("ascending", "descending", "none")
    assert [int(n) for n in rising] == sorted(int(n) for n in first)
    assert falling == rising[::-1]
    assert last == first
    assert len(set(first)) > 1
    assert measured["names"] == sorted(measured["names"])
    assert not {"all", "everybody", "not recorded"} & set(measured["names"])
    assert measured["sorted"] == ["ascending"]
    assert measured["foot"][-1] in {"all", "everybody"}
    assert measured["all"], "a heading has no button"


def test_what_cannot_be_sorted_stays_last(tmp_path: Path) -> None:
    require_chromium()
    rows = "".join(f"<tr><th>{text}</th><td>{text}</td></tr>" for text in ("–", "10", "−2", "1e-05", "suppressed", "9"))
    head = "<tr><th scope=col>name</th><th scope=col>images</th></tr>"
    script = (Path(__file__).parents[2] / "monai_fairtune/report/templates/sort.js").read_text(encoding="utf-8")
    table = f"<table><thead>{head}</thead><tbody>{rows}</tbody><tfoot><tr><th>all</th></tr></tfoot></table>"
    page = f"{table}<script>{script}</script>"
    (tmp_path / "report.html").write_text(f"<!doctype html><meta charset=utf-8>{page}", encoding="utf-8")
    measured, _ = measure(tmp_path, SORTS)
    assert measured["steps"][1][1] == ["−2", "1e-05", "9", "10", "–", "suppressed"]
    assert measured["steps"][2][1] == ["10", "9", "1e-05", "−2", "–", "suppressed"]


def test_the_page_prints_on_several_sheets_with_everything_unfolded(folder: Path) -> None:
    html = (folder / "report.html").read_text(encoding="utf-8")
    (folder / "still.html").write_text(html[: html.rindex("<script>")], encoding="utf-8")
    sheets = print_page(folder, "still.html")
    assert len(sheets) >= 5
    told = "\n".join(sheets)
    assert "equity-scaled AUROC" in told, "what is folded away on the screen is not printed"
    assert "What cannot be concluded" in told
    assert "<script>alert(1)</script>" in told.replace("\n", "")


@pytest.mark.parametrize("attributes", [None, {"site": [f"site {k}" for k in range(12)], "sex": ["f", "m"]}])
def test_the_first_sheet_of_an_audit_is_the_page_in_plain_words(
    tmp_path: Path, attributes: dict[str, list[str]] | None
) -> None:
    require_chromium()
    (tmp_path / "report.json").write_text(json.dumps(example_report(attributes)), encoding="utf-8")
    write_audit_report(tmp_path)
    sheets = print_page(tmp_path)
    assert "In plain words" in sheets[0]
    assert "How the model does in another hospital" in sheets[0]
    assert "All numbers" not in sheets[0]
    assert "All numbers" in sheets[1]


CONTRASTS = """
  const parse = (colour) => (colour.match(/[\\d.]+/g) || []).map(Number);
  const light = (rgb) => {
    const [r, g, b] = rgb.map((c) => c / 255).map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const colour = parse(view.getComputedStyle(e).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour.slice(0, 3);
    }
    return [255, 255, 255];
  };
  for (const part of page.querySelectorAll("details")) part.open = true;
  const told = shown("body *").filter((e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()));
  const ratios = told.map((e) => {
    const style = view.getComputedStyle(e);
    const ink = parse(e.closest("svg") ? style.fill : style.color).slice(0, 3);
    const [low, high] = [light(ink), light(behind(e))].sort((a, b) => a - b);
    return [(high + 0.05) / (low + 0.05), e.tagName + "." + e.className + ": " + e.textContent.slice(0, 40)];
  });
  return { n: ratios.length, poor: ratios.filter(([ratio]) => ratio < 4.5) };
"""


def test_all_text_contrasts_with_what_is_behind_it(folder: Path) -> None:
    measured, _ = measure(folder, CONTRASTS)
    assert measured["n"] > 400
    assert measured["poor"] == []


FOCUS = """
  const kinds = ["nav a", "summary", ".scroll", "thead button"];
  return kinds.map((kind) => {
    const element = shown(kind)[0];
    element.focus({ focusVisible: true });
    const style = view.getComputedStyle(element);
    return [kind, page.activeElement === element, style.outlineStyle, parseFloat(style.outlineWidth)];
  });
"""


def test_what_has_the_keyboards_focus_is_outlined(folder: Path) -> None:
    measured, _ = measure(folder, FOCUS)
    assert [(focused, style, width >= 2) for _, focused, style, width in measured] == [(True, "solid", True)] * 4


STRUCTURE = """
  const levels = [...page.querySelectorAll("h1, h2, h3, h4")].map((h) => Number(h.tagName[1]));
  const svgs = [...page.querySelectorAll("figure svg")];
  const links = [...page.querySelectorAll(".readers a")].map((a) => page.querySelector(a.getAttribute("href")).tagName);
  return {
    jumps: levels.filter((level, k) => k && level > levels[k - 1] + 1).length,
    tops: levels.filter((level) => level === 1).length,
    silent: svgs.filter((s) => s.getAttribute("role") !== "img" || s.getAttribute("aria-label").length < 40).length,
    svgs: svgs.length, unscoped: page.querySelectorAll("th:not([scope])").length,
    uncaptioned: [...page.querySelectorAll("table")].filter((t) => !t.caption || !t.caption.textContent.trim()).length,
    links, alerts: page.querySelectorAll("script").length,
  };
"""


def test_headings_tables_and_figures_can_be_followed_without_eyes(folder: Path) -> None:
    measured: dict[str, Any]
    measured, _ = measure(folder, STRUCTURE)
    assert (measured["jumps"], measured["tops"]) == (0, 1)
    assert measured["svgs"] >= 16
    assert measured["silent"] == measured["unscoped"] == measured["uncaptioned"] == 0
    assert measured["links"] in ([], ["H2", "H2", "H2"])
    assert measured["alerts"] == 1
