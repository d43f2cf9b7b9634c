"""`monai-fairtune prepare` as a user runs it."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from monai_fairtune.cli import main
from tests.cohort.readers import chest_downloads, downloads

Out = pytest.CaptureFixture[str]


@pytest.fixture
def ham10000(tmp_path: Path) -> Path:
    """A download that lacks its last image."""
    return downloads.write_ham10000(tmp_path / "HAM 10000")


def prepare(root: Path, *arguments: object) -> list[str]:
    return ["prepare", "ham10000", "--root", str(root), *map(str, arguments)]


def test_missing_images_end_with_code_1_and_both_numbers(ham10000: Path, tmp_path: Path, capsys: Out) -> None:
    assert main(prepare(ham10000, "--output-dir", tmp_path / "out")) == 1
    said = capsys.readouterr()
    assert "Missing: 1 file, 'ISIC_0031023.jpg'." in said.out
    assert "Not as published: 8 images found, 10015 published." in said.out
    assert "Missing or not decoded: 1 of 8 images; no manifest was written." in said.err
    assert "--allow-missing" in said.err
    assert not (tmp_path / "out" / "manifest.csv").exists()


def test_where_no_image_is_left_the_command_ends_with_code_1_and_no_manifest(
    ham10000: Path, tmp_path: Path, capsys: Out
) -> None:
    for image in ham10000.rglob("*.jpg"):
        image.unlink()
    assert main(prepare(ham10000, "--output-dir", tmp_path / "out", "--allow-missing")) == 1
    said = capsys.readouterr()
    assert "8 images named, 0 of them kept" in said.out
    assert said.err == (
        "monai-fairtune: Of 8 images named none is left, and no manifest was written. Complete the download, or make "
        "other choices.\n"
    )
    assert not (tmp_path / "out" / "manifest.csv").exists()


def test_of_a_single_image_it_is_said_in_the_singular_that_none_is_left(tmp_path: Path, capsys: Out) -> None:
    downloads.write_lines(tmp_path / "root" / "HAM10000_metadata", downloads.HAM10000[:2])
    assert main(prepare(tmp_path / "root", "--output-dir", tmp_path / "out")) == 1
    assert "Of 1 image named none is left, and no manifest" in capsys.readouterr().err


def test_the_command_that_is_said_to_come_next_works(ham10000: Path, tmp_path: Path, capsys: Out) -> None:
    downloads.write_picture(ham10000 / "more" / "ISIC_0031023.jpg")
    for number, extra in enumerate(([], ["--resize", "8", "--n-workers", "1"])):
        assert main(prepare(ham10000, "--output-dir", tmp_path / f"out {number}", *extra)) == 0
        (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Next: ")]
        program, *command = shlex.split(line.removeprefix("Next: "))
        assert (program, command[-3:]) == ("monai-fairtune", ["--attribute", "sex", "age:60"])
        assert main(command) == 1  # 8 images are too few for a search
        assert "8 of 8 images were decoded" in capsys.readouterr().out


def test_a_cohort_card_is_written_or_it_is_said_why_not(ham10000: Path, tmp_path: Path, capsys: Out) -> None:
    assert main(prepare(ham10000, "--output-dir", tmp_path / "out", "--allow-missing")) == 0
    assert f"Cohort card of the table alone: {tmp_path / 'out' / 'cohort_card.html'}" in capsys.readouterr().out
    card = json.loads((tmp_path / "out" / "cohort_card.json").read_text())
    assert (card["n"], card["attributes"]) == (7, ["sex", "age:60"])
    table = pd.read_csv(next(ham10000.rglob("HAM10000_metadata*")), dtype=str)
    table.assign(dx="nv").to_csv(next(ham10000.rglob("HAM10000_metadata*")), index=False)
    assert main(prepare(ham10000, "--output-dir", tmp_path / "benign", "--allow-missing")) == 0
    assert "No cohort card: " in capsys.readouterr().out
    assert not (tmp_path / "benign" / "cohort_card.json").exists()


def test_attributes_whose_table_is_not_there_are_said_to_be_absent(tmp_path: Path, capsys: Out) -> None:
    root = chest_downloads.write_chexpert(tmp_path / "chexpert", demographics=False)
    command = ["prepare", "chexpert", "--root", str(root), "--output-dir", str(tmp_path / "out"), "--allow-missing"]
    assert main(command) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "race absent, no table of it was found: White, Black" in said
    assert "--attribute sex age:60 Cohort card" in said


def test_without_any_attribute_the_manifest_is_written_and_no_command_is_named(tmp_path: Path, capsys: Out) -> None:
    root = chest_downloads.write_mimic_cxr_jpg(tmp_path / "mimic", patients=False)
    command = ["prepare", "mimic_cxr_jpg", "--root", str(root), "--output-dir", str(tmp_path / "out")]
    assert main([*command, "--allow-missing"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "sex absent, no table of it was found: gender of patients: F, M; only with MIMIC-IV" in said
    assert "Next: give the tables of sex, age, race, or add a column" in said
    assert "No cohort card: the manifest has no sensitive attribute." in said


def test_json_is_one_object_and_the_record(ham10000: Path, tmp_path: Path, capsys: Out) -> None:
    how = ["--allow-missing", "--bcc", "benign", "--age-zero=years", "--json"]
    assert main(prepare(ham10000, "--output-dir", tmp_path / "out", *how)) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads((tmp_path / "out" / "prepared.json").read_text())
    assert printed["options"] == {"bcc": "benign", "age_zero": "years"}
    assert printed["dropped"] == {"the file is missing": 1}
    assert printed["n_positive"] == 2


def test_choices_of_every_type_are_read_from_the_command_line(tmp_path: Path, capsys: Out) -> None:
    root = downloads.write_oasis1(tmp_path / "oasis")
    how = ["--plane", "coronal", "--index", "3", "--fraction", "0.25", "--allow-missing", "--json"]
    assert main(["prepare", "oasis1", "--root", str(root), "--output-dir", str(tmp_path / "out"), *how]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["options"] == {
        "cdr_blank": "drop", "plane": "coronal", "fraction": 0.25, "index": 3, "brain": "masked",
    }  # fmt: skip
    assert printed["images"] == "written"


def test_surplus_files_are_told_and_change_nothing(ham10000: Path, tmp_path: Path, capsys: Out) -> None:
    downloads.touch(ham10000, ["more/ISIC_9999999.jpg"])
    assert main(prepare(ham10000, "--output-dir", tmp_path / "out", "--allow-missing")) == 0
    assert "Named by no table and left alone: 1 file, 'more/ISIC_9999999.jpg'." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["prepare", "ham", "--root", ".", "--output-dir", "out"], "invalid choice: 'ham' (choose from"),
        (["prepare"], "the following arguments are required: DATASET"),
        (["prepare", "ham10000", "--root", "."], "the following arguments are required: --output-dir"),
        (["prepare", "ham10000", "--root", ".", "--output-dir", "out", "--bcc", "maybe"], "invalid choice: 'maybe'"),
        (["prepare", "ham10000", "--root", ".", "--output-dir", "out", "--plane", "axial"], "unrecognized arguments"),
    ],
)
def test_wrong_usage_ends_with_code_2(arguments: list[str], message: str, capsys: Out) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_bad_input_ends_with_code_2_and_one_line(tmp_path: Path, capsys: Out) -> None:
    assert main(prepare(tmp_path / "absent", "--output-dir", tmp_path / "out")) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_help_names_the_datasets_their_licences_and_choices(capsys: Out) -> None:
    for arguments, expected in (
        (["prepare", "--help"], "HAM10000, dermatoscopic images"),
        (["prepare", "ham10000", "--help"], "CC BY-NC"),
        (["prepare", "ham10000", "--help"], "--bcc {malignant,benign}"),
    ):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 0
        assert expected in capsys.readouterr().out


@pytest.mark.slow
def test_fault_a_killed_command_goes_on_and_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    names = [f"ISIC_{number:07}" for number in range(600)]
    lines = [
        downloads.HAM10000[0],
        *(f"HAM_{name},{name},{'mel' if name[-1] < '3' else 'nv'},histo,50.0,male,back" for name in names),
    ]
    root = tmp_path / "root"
    downloads.write_lines(root / "HAM10000_metadata", lines)
    for seed, name in enumerate(names):
        downloads.write_picture(root / "images" / f"{name}.jpg", size=(150, 200), seed=seed)
    command = [sys.executable, "-m", "monai_fairtune", *prepare(root, "--resize", 32, "--n-workers", 2, "--output-dir")]
    written = tmp_path / "killed" / "images" / "images"
    with subprocess.Popen([*command, str(tmp_path / "killed")], stderr=subprocess.DEVNULL) as process:
        until = time.monotonic() + 240
        while len(list(written.glob("*.png"))) < 20 and time.monotonic() < until:
            time.sleep(0.01)
        process.kill()
    done = {path: path.stat().st_ino for path in written.glob("*.png")}
    assert 20 <= len(done) < 600
    for output in ("killed", "whole"):
        outcome = subprocess.run([*command, str(tmp_path / output)], capture_output=True, text=True, check=False)
        assert outcome.returncode == 0, outcome.stderr
    assert {path: path.stat().st_ino for path in done} == done
    assert not list(written.glob("*.part"))
    whole = pd.read_csv(tmp_path / "whole" / "manifest.csv")
    assert whole.equals(pd.read_csv(tmp_path / "killed" / "manifest.csv"))
    for image in whole["image"]:
        assert (tmp_path / "killed" / image).read_bytes() == (tmp_path / "whole" / image).read_bytes()
