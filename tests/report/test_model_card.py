"""The card of an exported model: alike as page and as Markdown, for every reader, and in a real browser."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import pytest

from monai_fairtune.report import ModelFacts, Reading, write_model_card
from monai_fairtune.report.cohort_card.reading import Card
from monai_fairtune.testing.example_result import example_result
from tests.report.browser import require_chromium
from tests.report.cards import COHORT
from tests.report.page_checks import check_it_can_be_followed, check_it_contrasts, check_it_fits
from tests.report.pages import Page

HOSTILE = ["<script>alert(1)</script>", "x" * 200, "مستشفى الملك", "a|b *c*"]
USE: dict[str, Any] = {
    "statement": "Finds <b>it</b>.",
    "modalities": ["DX", "CR"],
    "body_parts": [],
    "views": [],
    "allows": ["derived"],
    "min_side": 64,
}


@pytest.fixture(scope="module")
def result() -> dict[str, Any]:
    """A result whose subgroups' names try to break the card."""
    return example_result({"age:60": ["[0,60)", "[60,inf)"], "site": HOSTILE}, n_trials=20, n_epochs=2, intervals=True)


def _facts(result: dict[str, Any], cohort: Card | None = None) -> ModelFacts:
    sha256 = {"models/model.pt": "a" * 64, "models/model.safetensors": "b" * 64}
    return ModelFacts(
        Reading(result), "skin_lesions", "1.2.0", "A. Author", USE, "Compared.", {"monai": "1.6.1"}, sha256, cohort
    )


def _written(facts: ModelFacts, folder: Path) -> tuple[str, str]:
    page, markdown = write_model_card(facts, folder / "report.html")
    return page.read_text(encoding="utf-8"), markdown.read_text(encoding="utf-8")


def test_page_and_markdown_tell_the_same(result: dict[str, Any], tmp_path: Path) -> None:
    page, markdown = _written(_facts(result, Card(COHORT)), tmp_path)
    words = " ".join(Page(page).words().split())
    plain = re.sub(r"\\(.)", r"\1", markdown)
    for text in (
        "Model card of skin_lesions 1.2.0",
        "Finds <b>it</b>.",
        "A. Author",
        "DX and CR",
        "at least 64 pixels",
        "An image is called class 1 (malignant) if its probability is at least",
        "does not show that the model treats everybody alike",
        "On the test split by age",
        "AUROC gap of each attribute against chance",
        "CC BY-NC 4.0",
        "Splits are drawn by patient",
        "That the threshold suits a clinic",
        "The fixed methods that everyone would compare with",
        result["network"]["backbone_sha256"],
        "b" * 64,
    ):
        assert text in words, text
        assert text in plain, text


def test_how_the_cohort_was_prepared_is_told_where_no_card_of_it_is_at_hand(
    result: dict[str, Any], tmp_path: Path
) -> None:
    result = copy.deepcopy(result)
    result["cohort"]["preparation"] = {"options": {"bcc": "benign"}}
    for page in _written(_facts(result), tmp_path):
        assert "options: bcc" in page
    for page in _written(_facts(result, Card(COHORT)), tmp_path):
        assert "options: bcc" not in page


def test_each_subgroup_stands_with_its_interval(result: dict[str, Any], tmp_path: Path) -> None:
    _, markdown = _written(_facts(result), tmp_path)
    value = result["test"]["attributes"]["age:60"]["subgroups"]["[60,inf)"]["auroc"]
    row = next(line for line in markdown.splitlines() if line.startswith("| \\[60,inf) (age 60 and above)"))
    assert f"{value['value']:.3f} ({value['low']:.3f} to {value['high']:.3f})" in row


def test_no_name_becomes_markup(result: dict[str, Any], tmp_path: Path) -> None:
    page, markdown = _written(_facts(result), tmp_path)
    assert len(Page(page).all("script")) == 1
    assert not Page(page).all("b")
    assert not re.search(r"(?<!\\)[<*]\S", re.sub(r"\*\*[^*\\]*\*\*|^\* ", "", markdown, flags=re.MULTILINE))
    assert "a\\|b" in markdown, "the name with a bar must be in a table"
    for table in markdown.split("\n\n"):
        rows = [line for line in table.splitlines() if line.startswith("|")]
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) <= 1


def test_the_same_facts_give_the_same_bytes(result: dict[str, Any], tmp_path: Path) -> None:
    first = _written(_facts(result), tmp_path)
    assert _written(_facts(result), tmp_path) == first


def test_a_result_without_intervals_or_comparisons_has_a_card_as_well(tmp_path: Path) -> None:
    page, markdown = _written(_facts(example_result(n_trials=12, n_epochs=2)), tmp_path)
    assert "Neither intervals nor tests of differences were computed" in markdown
    assert "against chance" not in page


def test_counts_below_ten_are_warned_of(result: dict[str, Any], tmp_path: Path) -> None:
    assert "counts below ten" not in _written(_facts(result), tmp_path)[0]
    small = copy.deepcopy(result)
    small["test"]["attributes"]["age:60"]["subgroups"]["[60,inf)"]["n_patients"] = 9
    assert all("counts below ten" in text for text in _written(_facts(small), tmp_path))


@pytest.fixture(scope="module")
def folder(result: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    require_chromium()
    folder = tmp_path_factory.mktemp("card")
    _written(_facts(result, Card(COHORT)), folder)
    return folder


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_fits_its_width_loads_nothing_and_logs_no_error(folder: Path, width: int) -> None:
    check_it_fits(folder, width)


@pytest.mark.browser
def test_the_page_can_be_followed_and_its_text_contrasts(folder: Path) -> None:
    check_it_can_be_followed(folder)
    check_it_contrasts(folder)
