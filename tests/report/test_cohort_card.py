"""The page of a cohort card: from its JSON alone, for every reader, and in a real browser."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from monai_fairtune.audit import suppress_small_card
from monai_fairtune.cohort import check_manifest
from monai_fairtune.cohort.card import card_content, with_cautions
from monai_fairtune.exceptions import ConfigurationError
from monai_fairtune.report import write_cohort_card
from monai_fairtune.subgroups import SensitiveAttribute
from tests.report.browser import print_page, require_chromium
from tests.report.page_checks import check_it_can_be_followed, check_it_contrasts, check_it_fits
from tests.report.pages import Page

HOSTILE = ["<script>alert(1)</script>", "x" * 200, "مستشفى الملك"]


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The content of a card with every kind of finding, and names that try to break the page."""
    folder = tmp_path_factory.mktemp("cohort")
    rng = np.random.default_rng(0)
    patient = np.repeat(np.arange(240), 2)
    label, sex = rng.integers(2, size=240)[patient], rng.choice(["female", "male", ""], 240, p=[0.5, 0.4, 0.1])[patient]
    table = pd.DataFrame({
        "image": [f"{k}.png" for k in range(480)], "label": label, "patient_id": [f"P{p:04}" for p in patient],
        "sex": np.where(label == 1, sex, "female"), "age": rng.integers(20, 90, 240)[patient],
        "site": np.array(HOSTILE)[np.where(rng.random(480) < 0.8, label, 2)],
    })  # fmt: skip
    table.to_csv(folder / "manifest.csv", index=False)
    for name, is_male in zip(table["image"], table["sex"] == "male", strict=True):
        Image.fromarray(rng.integers(60 * is_male, 200, (24, 24), dtype=np.uint8)).save(folder / name)
    check = check_manifest(
        folder / "manifest.csv",
        SensitiveAttribute.parse_all(["sex", "age:60"]),
        acquisition=["site"],
        progress=False,
    )
    found = with_cautions(card_content(check, folder / "manifest.csv"))
    return {**found, "created": "2030-01-01T00:00:00+00:00", "splits_file": {"file": "splits.csv", "sha256": "0" * 64}}


def _write(folder: Path, content: dict[str, Any]) -> Path:
    (folder / "cohort_card.json").write_text(json.dumps(content), encoding="utf-8")
    return write_cohort_card(folder)


def test_every_finding_is_said_at_the_head_and_shown_below(content: dict[str, Any], tmp_path: Path) -> None:
    page = Page(_write(tmp_path, content).read_text(encoding="utf-8"))
    told = " ".join(page.text_of("cautions").split())
    for what in (
        "The share of class 1 depends on sex",
        "Whether sex is recorded depends on label",
        "alone tells the label with an AUROC of 0.",
        "Images differ by sex:",
    ):
        assert what in told
    assert "Images, patients and images of class 1 by sex" in page.text_of("composition")
    assert "[60,inf)" in page.text_of("composition")
    assert "sharpness (variance of the Laplacian)" in page.text_of("preprocessing")
    assert "Not recorded: only whoever collected the data can say." in page.text_of("motivation")
    assert "0" * 64 in page.text_of("distribution")


def test_what_a_search_would_refuse_is_named_at_the_head_without_its_counts(
    content: dict[str, Any], tmp_path: Path
) -> None:
    content = {**content, "refused": ["sex"]}
    told = Page(_write(tmp_path, content).read_text(encoding="utf-8")).text_of("problems")
    assert "A search would refuse sex: it asks for two subgroups or more, each with 20 images of either class" in told
    without = Page(_write(tmp_path, {**content, "refused": []}).read_text(encoding="utf-8"))
    assert not any(a.get("id") == "problems" for _, a in without.elements)


def test_the_same_card_gives_the_same_bytes(content: dict[str, Any], tmp_path: Path) -> None:
    first = _write(tmp_path, content).read_bytes()
    assert _write(tmp_path, content).read_bytes() == first


def test_names_are_escaped_and_nothing_is_loaded(content: dict[str, Any], tmp_path: Path) -> None:
    text = _write(tmp_path, content).read_text(encoding="utf-8")
    assert "<script>alert(1)" not in text
    page = Page(text)
    assert not [tag for tag in ("img", "iframe", "object") if page.all(tag)]
    assert "P0001" not in text
    assert "17.png" not in text


def test_the_numbers_of_a_withheld_subgroup_are_nowhere(content: dict[str, Any], tmp_path: Path) -> None:
    lowest = min(cell["n"] for cell in content["balance"]["all"]["attributes"]["sex"]["subgroups"].values())
    shown = Page(_write(tmp_path, content).read_text(encoding="utf-8"))
    assert f" {lowest} " in shown.text_of("composition")
    withheld = suppress_small_card(content, 20)
    assert "sex" in withheld["withheld"]["attributes"]
    page = Page(_write(tmp_path, {**withheld, "cautions": []}).read_text(encoding="utf-8"))
    assert f" {lowest} " not in page.text_of("composition")
    assert "suppressed" in page.text_of("composition") or "<20" in page.text_of("composition")
    assert "Subgroups with fewer than 20 images" in page.text_of("distribution")


def test_small_counts_are_warned_of_where_nothing_is_withheld(content: dict[str, Any], tmp_path: Path) -> None:
    page = Page(_write(tmp_path, content).read_text(encoding="utf-8"))
    assert "This card holds counts below 10" in page.text_of("distribution")


def test_a_card_without_images_says_so(content: dict[str, Any], tmp_path: Path) -> None:
    bare = {**content, "images": None, "near_duplicates": None, "image_quality": None, "acquisition": []}
    page = Page(_write(tmp_path, {**bare, "acquisition_columns": []}).read_text(encoding="utf-8"))
    assert "Images were not opened" in page.text_of("preprocessing")
    assert "no column was named (--acquisition)" in page.text_of("collection")


def test_a_folder_without_a_card_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no cohort_card\.json .* Give the output_dir of a check"):
        write_cohort_card(tmp_path)


@pytest.fixture(scope="module")
def folder(content: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    require_chromium()
    folder = tmp_path_factory.mktemp("card")
    _write(folder, content).rename(folder / "report.html")
    return folder


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_fits_its_width_and_logs_no_error(folder: Path, width: int) -> None:
    assert check_it_fits(folder, width)["figures"] >= 5


@pytest.mark.browser
def test_the_page_can_be_followed_and_its_text_contrasts(folder: Path) -> None:
    check_it_can_be_followed(folder)
    check_it_contrasts(folder)


@pytest.mark.browser
def test_the_page_prints_with_everything_unfolded(folder: Path) -> None:
    told = "\n".join(print_page(folder))
    assert "female & [60,inf)" in " ".join(told.split())
    assert "Distribution" in told
