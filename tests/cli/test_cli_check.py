"""`monai-fairtune check` as a user runs it: the card, the splits as a file, and what it refuses."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from monai_fairtune.cli import main
from monai_fairtune.cohort import eligibility, write_synthetic_cohort
from monai_fairtune.cohort.hashing import file_sha256
from tests.cli.commands import run

ATTRIBUTES = ["--attribute", "sex", "age:60", "--min-per-class", "3"]


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A manifest with a site that follows the label, a few blank images' names, and a record of its preparation."""
    folder = tmp_path_factory.mktemp("cohort")
    manifest = write_synthetic_cohort(folder, n_patients=300)
    table = pd.read_csv(manifest, dtype=str, keep_default_na=False)
    patient = table["patient_id"].str[1:].astype(int)
    table["site"] = [f"site {label}" if k % 4 else "site 0" for label, k in zip(table["label"], patient, strict=True)]
    table.to_csv(manifest, index=False)
    about = {"title": "Drawn images", "licence": "none needed", "label": "1 is a disc"}
    prepared = {
        "schema": 1, "reader": "drawn", "about": about, "options": {"malignant": ["mel", "bcc"]}, "n_read": 400,
        "dropped": {"no label": 7}, "missing": {"n": 2, "first": ["secret_1.png"]}, "tables": {"t.csv": "ab" * 32},
        "manifest_sha256": file_sha256(manifest),
    }  # fmt: skip
    (folder / "prepared.json").write_text(json.dumps(prepared), encoding="utf-8")
    return manifest


@pytest.fixture(scope="module")
def checked(cohort: Path) -> tuple[Path, subprocess.CompletedProcess[str]]:
    folder = cohort.parent / "card"
    outcome = run("check", cohort, *ATTRIBUTES, "--acquisition", "site", "--output-dir", folder, "--json")
    return folder, outcome


def test_the_command_leaves_its_files_and_prints_one_json_object(
    checked: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    folder, outcome = checked
    assert outcome.returncode == 0, outcome.stderr
    assert {path.name for path in folder.iterdir()} == {"cohort_card.html", "cohort_card.json", "plots", "splits.csv"}
    printed, stored = json.loads(outcome.stdout), json.loads((folder / "cohort_card.json").read_text())
    assert printed["acquisition"] == stored["acquisition"]
    assert stored["splits_file"]["sha256"] == hashlib.sha256((folder / "splits.csv").read_bytes()).hexdigest()
    assert "cohort_card.html" in outcome.stderr


def test_the_planted_site_is_named_at_the_head_of_the_card(
    checked: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    page = (checked[0] / "cohort_card.html").read_text(encoding="utf-8")
    assert "site alone tells the label with an AUROC of 0." in page[: page.index("<main>")]


def test_what_the_preparation_recorded_is_in_the_card(checked: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    page = (checked[0] / "cohort_card.html").read_text(encoding="utf-8")
    for told in (
        "Cohort card of Drawn images",
        "none needed",
        "1 is a disc",
        "mel and bcc",
        "left out: no label",
        "ab" * 32,
    ):
        assert told in page


def test_no_patient_no_image_and_no_path_is_in_the_card(
    checked: tuple[Path, subprocess.CompletedProcess[str]], cohort: Path
) -> None:
    folder, outcome = checked
    names = set(pd.read_csv(cohort)["image"])
    for path in (path for path in folder.rglob("*") if path.is_file() and path.name != "splits.csv"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"\bS0\d{4}", text), path.name
        assert "secret_1" not in text
        assert not any(name in text for name in names)
        assert str(cohort.parent) not in text
    assert "patient_id" not in outcome.stdout


def test_the_splits_are_used_again_from_their_file(
    checked: tuple[Path, subprocess.CompletedProcess[str]], cohort: Path
) -> None:
    split_file = checked[0] / "splits.csv"
    how = ["--split-file", split_file, "--no-images", "--json"]
    again = json.loads(run("check", cohort, *ATTRIBUTES, *how).stdout)
    assert again["splits"] == json.loads(checked[1].stdout)["splits"]
    assert again["image_quality"] is None


def test_folds_are_written_and_each_is_a_split_file(cohort: Path, tmp_path: Path) -> None:
    how = ["--no-images", "--folds", 3, "--output-dir", tmp_path]
    outcome = run("check", cohort, *ATTRIBUTES, *how)
    assert outcome.returncode == 0, outcome.stderr
    assert "Folds and splits are drawn by patient" in outcome.stdout
    told = re.findall(r"folds/(fold_\d.csv): tests (\d+) images of \d+ patients", outcome.stdout)
    assert [name for name, _ in told] == ["fold_1.csv", "fold_2.csv", "fold_3.csv"]
    for name, n in told:
        split_file = tmp_path / "folds" / name
        again = run("check", cohort, *ATTRIBUTES, "--no-images", "--json", "--split-file", split_file)
        assert json.loads(again.stdout)["splits"]["test"]["n"] == int(n)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        (["--folds", "3"], "--folds is about what is written. Give --output-dir as well."),
        (["--folds", "3", "--output-dir", "out", "--split-by", "site=site 1"], "--folds draws whom to test"),
        (["--folds", "300", "--output-dir", "out"], "300 folds were asked for, and"),
    ],
)
def test_folds_that_cannot_be_had_are_refused_before_an_image_is_opened(
    cohort: Path, how: list[str], message: str
) -> None:
    outcome = run("check", cohort, *ATTRIBUTES, *how)
    assert (outcome.returncode, message in outcome.stderr) == (2, True), outcome.stderr
    assert "Decoding images" not in outcome.stderr


def test_a_check_that_fails_leaves_the_folds_of_an_earlier_one(cohort: Path, tmp_path: Path) -> None:
    how = ["--no-images", "--output-dir", tmp_path]
    run("check", cohort, *ATTRIBUTES, *how, "--folds", 3)
    written = {path.name: path.read_bytes() for path in (tmp_path / "folds").iterdir()}
    outcome = run("check", cohort, *ATTRIBUTES, *how, "--folds", 2, "--acquisition", "centre")
    assert outcome.returncode == 2
    assert {path.name: path.read_bytes() for path in (tmp_path / "folds").iterdir()} == written


@pytest.mark.parametrize(("n_folds", "code"), [(3, 0), (30, 1)])
def test_with_folds_the_verdict_is_about_them_and_not_about_the_manifests_splits(
    cohort: Path, tmp_path: Path, n_folds: int, code: int
) -> None:
    table = pd.read_csv(cohort, dtype=str, keep_default_na=False)
    table["split"] = [("train", "validation", "test")[row % 3] for row in range(len(table))]
    table.loc[table["split"] == "test", "label"] = "0"
    table.to_csv(tmp_path / "m.csv", index=False)
    how = ["--no-images", "--json"]
    assert run("check", tmp_path / "m.csv", *ATTRIBUTES, *how).returncode == 1
    outcome = run("check", tmp_path / "m.csv", *ATTRIBUTES, *how, "--folds", n_folds, "--output-dir", tmp_path / "out")
    told = json.loads(outcome.stdout)
    assert (outcome.returncode, told["passed"], told["problems"]) == (code, not code, []), outcome.stderr
    assert {text.partition(":")[0] for text in told["refused"].values()} == ({"Fold 1"} if code else set())


def test_a_refusal_names_no_option_that_the_command_lacks(cohort: Path) -> None:
    refused = json.loads(run("check", cohort, "--attribute", "sex", "--no-images", "--json").stdout)["refused"]["sex"]
    assert "lower min_per_class to" in refused
    assert not re.findall(r"--\w+_\w+|\[0\.", refused)


def test_the_help_says_what_exit_code_1_means() -> None:
    told = " ".join(run("check", "--help").stdout.split())
    assert "Exit code 1: something must be mended, or a search would refuse each attribute given." in told


def test_a_subgroup_needs_as_many_images_as_a_search_asks_for_by_default(
    cohort: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(eligibility, "DEFAULT_MIN_PER_CLASS", 7)
    main(["check", str(cohort), "--attribute", "sex", "--no-images", "--json"])
    assert json.loads(capsys.readouterr().out)["min_per_class"] == 7


def test_another_site_is_tested_on_request(cohort: Path) -> None:
    outcome = run("check", cohort, *ATTRIBUTES, "--split-by", "site=site 1", "--no-images")
    assert outcome.returncode == 1, outcome.stderr
    assert "Test is where site=site 1." in outcome.stdout
    assert "The test split holds 0 images of class 0" in outcome.stdout  # the planted site has one class
    assert "Images were not opened" in outcome.stdout


def test_small_subgroups_are_withheld_from_the_card_with_all_that_is_computed_from_them(
    cohort: Path, tmp_path: Path
) -> None:
    table = pd.read_csv(cohort, dtype=str, keep_default_na=False)
    table.loc[:3, "sex"] = "intersex"
    table.to_csv(cohort.parent / "rare.csv", index=False)
    how = ["--no-images", "--output-dir", tmp_path / "card", "--suppress-below", "10"]
    outcome = run("check", cohort.parent / "rare.csv", *ATTRIBUTES, "--acquisition", "site", *how)
    assert outcome.returncode == 0, outcome.stderr
    card = json.loads((tmp_path / "card" / "cohort_card.json").read_text())
    assert "sex" in card["withheld"]["attributes"]
    cell = card["balance"]["all"]["attributes"]["sex"]["subgroups"]["intersex"]
    assert cell["n"] == "<10"
    assert cell["prevalence"]["value"] is None
    assert not any("sex" in (pair["a"], pair["b"]) for pair in card["associations"])
    assert not any(row["target"] == "sex" for row in card["acquisition"])
    assert "sex" not in card["minimum_detectable_gap"]
    assert not any("sex" in entry["by"] for entry in card["missingness"].values())
    page = (tmp_path / "card" / "cohort_card.html").read_text(encoding="utf-8")
    assert "&lt;10" in page
    assert "Withheld with them is what is computed from" in page
    for part in card["balance"].values():
        for entry in part["attributes"].values():
            for cell in (*entry["subgroups"].values(), entry["missing"]):
                counts = [cell["n"], cell["n_patients"], cell["n_positive"]]
                assert not any(isinstance(count, int) and 0 < count < 10 for count in counts)


@pytest.mark.parametrize(
    ("asked", "spoil", "code"),
    [
        (["--attribute", "sex", "age:60", "--min-per-class", "3"], False, 0),
        (["--attribute", "sex", "only", "--min-per-class", "3"], False, 0),  # the search may still be for sex
        (["--attribute", "sex", "age:60"], False, 1),
        (["--attribute", "only", "--min-per-class", "3"], False, 1),
        (["--attribute", "sex", "--min-per-class", "3"], True, 1),
    ],
)
def test_the_exit_code_is_1_exactly_where_no_search_for_these_attributes_would_start(
    cohort: Path, tmp_path: Path, asked: list[str], spoil: bool, code: int
) -> None:
    table = pd.read_csv(cohort, dtype=str, keep_default_na=False)
    table["only"] = "one"
    if spoil:
        table["patient_id"] = "one patient"
        table["split"] = [("train", "validation", "test")[row % 3] for row in range(len(table))]
    table.to_csv(tmp_path / "m.csv", index=False)
    outcome = run("check", tmp_path / "m.csv", *asked, "--no-images", "--json")
    assert (outcome.returncode, json.loads(outcome.stdout)["passed"]) == (code, not code), outcome.stderr


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["--acquisition", "centre"], "has no column 'centre'"),
        (["--acquisition", "sex"], "['sex'] are declared as attributes and as acquisition"),
        (["--no-images", "--near-duplicates", "8"], "needs the images"),
        (["--near-duplicates", "90"], "from 0 to 24"),
        (["--suppress-below", "10"], "Give --output-dir as well"),
        (["--split-by", "site"], "cannot be read at 'site'"),
        (["--split-file", "absent.csv"], "cannot be read"),
    ],
)
def test_bad_input_ends_with_code_2_and_one_line(cohort: Path, extra: list[str], message: str) -> None:
    outcome = run("check", cohort, *ATTRIBUTES, *extra)
    assert outcome.returncode == 2
    assert message in outcome.stderr
    assert "Traceback" not in outcome.stderr
