"""The page: what is in it, and that it stands alone."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from typing import Any

import pytest

from monai_fairtune.report.components import component_place
from monai_fairtune.report.plots_components import components_plot
from monai_fairtune.report.plots_style import NARROW, WIDE, plot_style
from monai_fairtune.report.reading import Reading
from monai_fairtune.report.table_setup import setup_rows
from monai_fairtune.testing.example_result import example_result
from tests.report.pages import Page

Result = dict[str, Any]


@pytest.fixture(scope="module")
def html(written: Path) -> str:
    return (written / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


def test_every_element_is_closed_and_every_id_is_unique(page: Page) -> None:
    assert page.open == []
    ids = [attributes["id"] for _, attributes in page.elements if attributes.get("id")]
    assert len(ids) == len(set(ids))


def test_every_reference_on_the_page_leads_somewhere(page: Page) -> None:
    ids = {attributes.get("id") for _, attributes in page.elements}
    targets = [a["href"] or "" for _, a in page.elements if (a.get("href") or "").startswith("#")]
    clips = [found for _, a in page.elements for found in re.findall(r"url\(#([^)]+)\)", str(list(a.values())))]
    assert targets
    assert clips
    assert {target[1:] for target in targets} | set(clips) <= ids


def test_nothing_is_loaded_from_anywhere_and_only_our_own_script_runs(page: Page, html: str) -> None:
    assert not re.search(r"(?i)https?:|//cdn|@import|javascript:", html)
    assert not re.search(r"url\((?!#)", html)
    assert page.all("iframe") == page.all("img") == page.all("object") == []
    assert page.all("script") == [{}]
    assert all(not name.startswith("on") for _, attributes in page.elements for name in attributes)
    policy = next(a for a in page.all("meta") if a.get("http-equiv") == "Content-Security-Policy")["content"]
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    script = "".join(text for tag, text in page.texts if tag == "script")
    allowed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"; script-src 'sha256-{allowed}';" in policy
    assert policy.count("script-src") == 1


def test_the_page_names_its_language_and_adapts_to_phones(page: Page) -> None:
    assert page.all("html")[0]["lang"] == "en"
    assert any(a.get("name") == "viewport" and "width=device-width" in str(a["content"]) for a in page.all("meta"))


def test_every_table_has_a_caption_and_scoped_headings_and_scrolls_by_keyboard(page: Page) -> None:
    assert len(page.all("table")) == len(page.all("caption")) >= 6
    assert all(attributes.get("scope") in {"col", "row", "colgroup"} for attributes in page.all("th"))
    scrolling = [a for a in page.all("div") if (a.get("class") or "").split()[:1] == ["scroll"]]
    assert len(scrolling) == len(page.all("table"))
    assert all(a["tabindex"] == "0" and a["role"] == "region" for a in scrolling)


def test_every_table_has_as_many_cells_in_a_row_as_columns(html: str) -> None:
    for table in re.findall(r"<table>.*?</table>", html, re.DOTALL):
        columns = len(re.findall(r'<th scope="col"', table))
        body = table.split("<tbody>")[1]
        assert {len(re.findall(r"<t[dh]\b", row)) for row in body.split("<tr")[1:]} == {columns}
        spans = [int(span) for span in re.findall(r'colspan="(\d+)"', table)]
        assert not spans or sum(spans) == columns


def test_every_plot_says_in_words_what_it_shows(page: Page) -> None:
    plots = [a for a in page.all("svg") if a.get("role") == "img"]
    assert len(plots) == len(page.all("svg")) == 2 * len(page.all("figure"))
    assert all(len(a["aria-label"] or "") > 60 for a in plots)


def test_the_parts_come_in_their_order(page: Page) -> None:
    parts = [
        "methods",
        "finalists",
        "subgroups",
        "generalization",
        "mask",
        "search",
        "cohort",
        "how",
        "limits",
        "setup",
    ]
    headings = [a["id"] for tag, a in page.elements if tag == "h2" and a.get("id") in parts]
    assert headings == parts


def test_the_figures_of_the_paper_are_there(page: Page) -> None:
    figures = {a["id"] for a in page.all("figure")}
    assert figures == {
        f"figure-{key}"
        for key in ("subgroup_auroc", "selection", "curves", "components", "search", "pareto", "trained_share")
    }


def test_set_up_versions_and_hashes_are_printed(page: Page, result: Result) -> None:
    words = page.words()
    for text in (result["cohort_hash"], result["config_hash"], result["network"]["backbone_sha256"], "1.6.1"):
        assert text in words
    assert str(result["study"]["sampler"]) in words


def test_database_passwords_are_left_out(result: Result) -> None:
    result["study"]["storage"] = "postgresql://reader:hunter2@db/studies"
    told = str(setup_rows(Reading(result)))
    assert "hunter2" not in told
    assert "…@db/studies" in told


@pytest.mark.parametrize("word", ["fair model", "unbiased", "debias", "bias-free", "protected variable"])
def test_the_page_claims_no_fairness(page: Page, word: str) -> None:
    assert word not in page.words().lower()


PARTS = ("norm1", "attention", "norm2", "mlp")


@pytest.mark.parametrize(
    "components",
    [
        [f"blocks.{k}.{part}" for k in range(12) for part in PARTS],
        [f"layer{stage}.{k}" for stage, n in ((1, 3), (2, 4), (3, 6), (4, 3)) for k in range(n)],
        ["stem", "body", "neck"],
    ],
)
def test_components_of_other_partitions_are_drawn(components: list[str]) -> None:
    reading = Reading(example_result(components=components, n_trials=20, n_epochs=1))
    plot = components_plot(reading, "components")
    assert plot is not None
    with plot_style():
        axes = [plot.draw(width).axes for width in (WIDE, NARROW)]
    n_rows = len({component_place(name)[1] for name in components}) if "stem" not in components else 1
    assert {len(found) for found in axes} == {n_rows}
    assert sum(len(panel.patches) for panel in axes[0]) == len(components)
