from __future__ import annotations

import io
import json
import stat
from pathlib import Path

import pandas as pd
import pytest

from monai_fairtune.cli import main
from tests.deploy.dicom_files import picture, write_image
from tests.deploy.exports import expected


@pytest.fixture
def command(exported_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A line that answers for one image, with the tests' exported model."""
    monkeypatch.delenv("FAIRTUNE_PSEUDONYM_KEY", raising=False)
    image = write_image(tmp_path / "in" / "a.dcm", picture(0.3))
    model, out = str(exported_folder), str(tmp_path / "out")
    return ["dicom", "run", str(image), "--model", model, "--output-dir", out, "--key-file", str(tmp_path / "key")]


def test_an_exported_model_gives_a_dicom_file_the_probability_of_the_tuned_network(
    command: list[str], search_output: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, "--json"]) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out) == {
        "n_files": 1, "n_known": 0, "n_answered": 1, "n_refused": 0, "n_reports": 1, "refused": {},
    }  # fmt: skip
    assert "Answering" in shown.err
    table = pd.read_csv(tmp_path / "out" / "predictions.csv")
    assert table["score"].to_list() == pytest.approx(expected(search_output, [tmp_path / "in" / "a.dcm"]), abs=1e-6)


def test_the_key_is_made_once_and_for_its_owner_alone(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command) == 0
    key = (tmp_path / "key").read_text()
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert main(command) == 0
    assert (tmp_path / "key").read_text() == key
    assert capsys.readouterr().out.splitlines() == [
        "1 files: 1 answered in 1 reports, 0 answered before, 0 refused.",
        "1 files: 0 answered in 0 reports, 1 answered before, 0 refused.",
    ]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (["--key-file", "OUT/key"], "The key file lies in the output folder"),
        (["--key-file", "OUT/../none/key"], "The key file cannot be read or made: No such file or directory"),
        (["--frame", "0"], "The frame is 0. Give a number from 1, or 'middle'."),
        (["--seconds", "0"], "A limit of reading is not above 0"),
    ],
)
def test_wrong_usage_ends_with_2_and_one_sentence(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], change: list[str], sentence: str
) -> None:
    assert main([*command, *(word.replace("OUT", str(tmp_path / "out")) for word in change)]) == 2
    assert sentence in capsys.readouterr().err


def test_a_frame_that_is_none_is_refused_with_what_it_may_be(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*command, "--frame", "x"])
    assert ended.value.code == 2
    assert "argument --frame: 'x' is neither a number from 1 nor 'middle'" in capsys.readouterr().err


def test_without_a_key_nothing_is_answered(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command[:-2]) == 2
    assert "There is no key for the pseudonyms" in capsys.readouterr().err


def test_two_keys_are_refused(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FAIRTUNE_PSEUDONYM_KEY", "k" * 32)
    assert main(command) == 2
    assert "Both --key-file and FAIRTUNE_PSEUDONYM_KEY are given" in capsys.readouterr().err


def test_pseudonyms_leads_from_the_rows_back_to_the_files(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in" / "=note").write_text("no image")
    folder = str(tmp_path / "in")
    assert main([*command[:2], folder, *command[3:]]) == 0
    capsys.readouterr()
    assert main(["dicom", "pseudonyms", folder, "--key-file", command[-1]]) == 0
    table = pd.read_csv(io.StringIO(capsys.readouterr().out), keep_default_na=False).set_index("path")
    answered, refused = (pd.read_csv(tmp_path / "out" / name) for name in ("predictions.csv", "refused.csv"))
    columns = ["file", "image", "study", "patient_id"]
    assert list(table.loc[f"{folder}/a.dcm", columns]) == list(answered.loc[0, columns])
    assert list(table.loc[f"{folder}/=note", columns]) == [refused.loc[0, "file"], "", "", ""]


def test_pseudonyms_makes_no_key_of_its_own(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["dicom", "pseudonyms", str(tmp_path / "in"), "--key-file", str(tmp_path / "other")]) == 2
    assert "The key file does not exist" in capsys.readouterr().err
    assert not (tmp_path / "other").exists()
