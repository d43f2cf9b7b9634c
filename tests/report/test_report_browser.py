"""Both pages in a real browser: they fit, sort, print, load nothing, and can be read by everybody."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from monai_fairtune.report import write_audit_report, write_report
from monai_fairtune.testing.example_report import example_report
from monai_fairtune.testing.example_result import example_result
from tests.report.browser import measure, print_page, requests, require_chromium
from tests.report.page_checks import check_it_can_be_followed, check_it_contrasts, check_it_fits

pytestmark = pytest.mark.browser

NAMES = ["<script>alert(1)</script>", "x" * 200, "مستشفى الملك"]
ATTRIBUTES = {"age:60": ["[0,60)", "[60,inf)"], "site": NAMES}


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
    assert check_it_fits(folder, width)["figures"] >= 8


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


def test_all_text_contrasts_with_what_is_behind_it(folder: Path) -> None:
    assert check_it_contrasts(folder)["n"] > 400


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


def test_headings_tables_and_figures_can_be_followed_without_eyes(folder: Path) -> None:
    measured = check_it_can_be_followed(folder)
    assert measured["svgs"] >= 16
    assert measured["links"] in ([], ["H2", "H2", "H2"])
    assert measured["alerts"] == 1
