"""Splits for external validity, and splits as a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from monai_fairtune.cohort import Cohort
from monai_fairtune.cohort.split_file import read_split_file, write_split_file
from monai_fairtune.exceptions import ConfigurationError, ManifestError, SplitError
from monai_fairtune.subgroups import SensitiveAttribute

Write = Callable[..., Path]
Rows = Callable[..., list[dict[str, object]]]
SEX = SensitiveAttribute.parse_all("sex")


@pytest.fixture
def sited(rows: Rows) -> list[dict[str, object]]:
    """100 patients with two images each; a fifth at site B, two of them at A as well; taken in 2010 to 2019."""
    made = rows(100, 2)
    for k, row in enumerate(made):
        patient = k // 2
        row["site"] = "B" if patient % 5 == 0 else "A"
        row["taken"] = f"{2010 + patient % 10}-05-31"
    made[1]["site"] = made[21]["site"] = "A"
    return made


def test_test_is_the_named_site_and_nobody_tested_is_learned_from(
    write_manifest: Write, sited: list[dict[str, object]]
) -> None:
    cohort = Cohort.from_manifest(write_manifest(sited), SEX, split_by="site=B")
    site = {str(row["image"]): row["site"] for row in sited}
    tested = cohort.splits == "test"
    assert {site[name] for name, test in zip(cohort.image_names, tested, strict=True) if test} == {"B"}
    assert not set(cohort.patient_ids[tested]) & set(cohort.patient_ids[~tested])
    assert (cohort.n, tested.sum()) == (198, 38)
    shares = [len(cohort.indices(split)) / 160 for split in ("train", "validation", "selection")]
    assert shares == pytest.approx([0.75, 0.125, 0.125], abs=0.02)
    assert cohort.split_rule == (
        "Test is where site=B. 2 other images of the patients tested there are left out. The other splits are drawn by "
        "patient, stratified by label and sex, with seed 0: train 0.75, validation 0.125, selection 0.125."
    )


def test_the_latest_years_are_tested_by_date_and_fractions_share_the_rest(
    write_manifest: Write, sited: list[dict[str, object]]
) -> None:
    manifest = write_manifest(sited)
    cohort = Cohort.from_manifest(manifest, SEX, split_by="taken>=2018", split_fractions=[0.5, 0.3, 0.2])
    taken = {str(row["image"]): str(row["taken"]) for row in sited}
    years = np.array([taken[name][:4] for name in cohort.image_names])
    assert set(years[cohort.splits == "test"]) == {"2018", "2019"}
    assert max(years[cohort.splits != "test"].tolist()) == "2017"
    # 0.625 and 0.1875 of strata of 10 or 20 patients: 6, 2, 2 or 12, 4, 4 patients are nearest.
    assert [len(cohort.indices(split)) for split in ("train", "validation", "selection")] == [96, 32, 32]


def test_numbers_are_compared_as_numbers(write_manifest: Write, sited: list[dict[str, object]]) -> None:
    for k, row in enumerate(sited):
        row["volume"] = 5 + k // 2 % 10
    cohort = Cohort.from_manifest(write_manifest(sited), SEX, split_by="volume>=12.5")
    assert cohort.counts()["splits"]["test"]["n"] == 40


@pytest.mark.parametrize(
    ("split_by", "message"),
    [
        ("site=C", r"never holds \['C'\]"),
        ("centre=B", "names the column 'centre'"),
        ("site>=B", "needs numbers throughout, or dates"),
        ("taken>=2030", "No row of the manifest meets"),
        ("taken>=2010", r"All 200 rows .* none is left to learn from\. Test on fewer\.$"),
    ],
)
def test_a_split_that_cannot_be_made_is_refused(
    write_manifest: Write, sited: list[dict[str, object]], split_by: str, message: str
) -> None:
    with pytest.raises(ManifestError, match=message):
        Cohort.from_manifest(write_manifest(sited), SEX, split_by=split_by)


def test_the_split_file_has_the_same_bytes_whatever_the_order_of_rows_and_another_seed_has_others(
    write_manifest: Write, rows: Rows, tmp_path: Path
) -> None:
    made = rows(60, 2)
    hashes = []
    for name, given, seed in (("a", made, 0), ("b", made[::-1], 0), ("c", made, 1)):
        cohort = Cohort.from_manifest(write_manifest(given, name=f"{name}.csv"), SEX, seed=seed)
        hashes.append(write_split_file(tmp_path / f"{name}-splits.csv", cohort.image_names, cohort.splits))
    assert hashes[0] == hashes[1] != hashes[2]
    assert (tmp_path / "a-splits.csv").read_bytes() == (tmp_path / "b-splits.csv").read_bytes()
    assert (tmp_path / "a-splits.csv").read_bytes().startswith(b"image,split\nimages/000_0.png,")


def test_the_split_of_a_cohort_is_known_on_every_machine(write_manifest: Write, rows: Rows, tmp_path: Path) -> None:
    cohort = Cohort.from_manifest(write_manifest(rows(60, 2)), SEX)
    found = write_split_file(tmp_path / "splits.csv", cohort.image_names, cohort.splits)
    assert found == "f1a857274a8b2fa6db4ceab1c2c09b847b2570eb8c0c2384e77a90f6861c710d"


def test_a_split_file_is_read_back_and_also_as_a_column(write_manifest: Write, rows: Rows, tmp_path: Path) -> None:
    made = rows(60, 2)
    made[0]["image"] = "=odd.png"
    manifest = write_manifest(made)
    drawn = Cohort.from_manifest(manifest, SEX, seed=3)
    path = tmp_path / "splits.csv"
    write_split_file(path, drawn.image_names, drawn.splits)
    assert "'=odd.png" in path.read_text()
    read = Cohort.from_manifest(manifest, SEX, split_file=path)
    assert read.splits.tolist() == drawn.splits.tolist()
    assert "Splits are those of a file (SHA-256 " in read.split_rule
    table = pd.read_csv(manifest)
    table["split"] = table["image"].map(read_split_file(path))
    table.to_csv(tmp_path / "with_column.csv", index=False)
    assert Cohort.from_manifest(tmp_path / "with_column.csv", SEX).splits.tolist() == drawn.splits.tolist()


def test_images_that_a_split_file_does_not_name_leave_the_cohort(
    write_manifest: Write, sited: list[dict[str, object]], tmp_path: Path
) -> None:
    manifest = write_manifest(sited)
    drawn = Cohort.from_manifest(manifest, SEX, split_by="site=B")
    write_split_file(tmp_path / "splits.csv", drawn.image_names, drawn.splits)
    read = Cohort.from_manifest(manifest, SEX, split_file=tmp_path / "splits.csv")
    assert (read.image_names, read.splits.tolist()) == (drawn.image_names, drawn.splits.tolist())
    assert "2 images that it does not name are left out" in read.split_rule


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image,part\na,train\n", "has the columns"),
        ("image,split\na,train\na,test\n", "names 1 images twice"),
        ("image,split\nelsewhere.png,train\n", "names no image of the manifest"),
        ("image,split\nimages/000_0.png,holdout\n", r"holds \['holdout'\] in 1 of 1 rows"),
        ("", "cannot be read"),
    ],
)
def test_a_file_that_is_no_split_of_the_manifest_is_refused(
    write_manifest: Write, rows: Rows, tmp_path: Path, text: str, message: str
) -> None:
    (tmp_path / "splits.csv").write_text(text)
    with pytest.raises(SplitError, match=message):
        Cohort.from_manifest(write_manifest(rows(60)), SEX, split_file=tmp_path / "splits.csv")


def test_a_file_and_a_draw_at_once_are_refused(write_manifest: Write, rows: Rows, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="Ask for one of the two"):
        Cohort.from_manifest(
            write_manifest(rows(60)), SEX, split_file=tmp_path / "s.csv", split_fractions=[0.6, 0.2, 0.2]
        )
