from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from monai_fairtune.cli import main
from monai_fairtune.deploy import IntendedUse
from monai_fairtune.deploy.export import ExportedModel
from tests.report.cards import COHORT


def _line(search_output: Path, output: Path, *more: str) -> list[str]:
    weights = search_output.parent / "weights.safetensors"
    return ["export", str(search_output), "--output", str(output), "--weights", str(weights), *more]


def test_the_command_exports_a_bundle_for_a_stated_use(
    search_output: Path, images: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "card.json").write_text(json.dumps({"schema": 1, **COHORT}))
    use = ("--statement", "Finds it.", "--modality", "DX", "CR", "--body-part", "CHEST", "--min-side", "64")
    more = (
        "--class-names",
        "clear",
        "opacity",
        "--view",
        "PA",
        "--allow",
        "derived",
        "--version",
        "2.0",
        "--images",
        str(images[0].parent),
    )
    card = ("--authors", "A. Author", "--cohort-card", str(tmp_path / "card.json"))
    output = tmp_path / "chest_v2.0.zip"
    assert main(_line(search_output, output, *use, *more, *card)) == 0
    told = capsys.readouterr().out
    assert "Exported chest 2.0" in told
    assert "on 6 given images (allowed: 1e-05)" in told
    model = ExportedModel.load(output)
    assert (model.identity.name, model.identity.version) == ("chest", "2.0")
    assert model.identity.sha256 in told
    assert model.class_names == ("clear", "opacity")
    with zipfile.ZipFile(output) as archive:
        assert json.loads(archive.read("chest/configs/metadata.json"))["authors"] == "A. Author"
        assert "An image is called class 1 (opacity) if" in archive.read("chest/docs/model_card.md").decode()
    assert model.intended_use == IntendedUse(
        modalities=("DX", "CR"),
        body_parts=("CHEST",),
        views=("PA",),
        min_side=64,
        allows=("derived",),
        statement="Finds it.",
    )


def test_the_command_prints_json_for_scripts(
    search_output: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(_line(search_output, tmp_path / "lesions", "--json")) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["path"] == str(tmp_path / "lesions")
    assert max(found["largest_difference"].values()) <= found["tolerance"] == 1e-5
    assert (found["n_images"], found["image_kind"]) == (16, "random")
    assert found["sha256"]["models/model.safetensors"] == ExportedModel.load(tmp_path / "lesions").identity.sha256


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--format", "onnx"], "ends in .onnx"),
        (["--allow", "everything"], "The intended use allows ['everything']"),
        (["--backbone-arguments", "[1]"], "Give a mapping"),
        (["--name", "no name"], "The name is 'no name'"),
        (["--statement", "$print()"], "would be code in a MONAI config"),
        (["--cohort-card", "absent.json"], "There is no absent.json"),
        (["--min-side", "0"], "min_side is 0"),
    ],
)
def test_what_cannot_be_exported_is_refused_with_a_sentence(
    more: list[str], sentence: str, search_output: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(_line(search_output, tmp_path / "tiny.zip", *more)) == 2
    assert sentence in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
