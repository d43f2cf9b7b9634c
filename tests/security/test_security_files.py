"""Files that are read hold data: no code in them is run, whoever wrote them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from monai_fairtune.bundle import apply_mask, list_images, save_model
from monai_fairtune.cli import main
from monai_fairtune.cohort import Preprocessing
from monai_fairtune.exceptions import FairTuneError, ManifestError, MaskError, WeightsError
from monai_fairtune.masks import FairTuneNetwork, load_delta, read_delta_metadata, save_delta
from tests.security.canaries import Canary

Err = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def network() -> FairTuneNetwork:
    """A small network; no test here gets as far as to change it."""
    return FairTuneNetwork("monai_fairtune.masks.tiny_vit", n_classes=2, image_size=16)


def test_a_checkpoint_of_a_training_is_not_unpickled(network: FairTuneNetwork, canary: Canary, tmp_path: Path) -> None:
    torch.save({"head.weight": canary}, tmp_path / "model.pt")
    with pytest.raises(Exception, match="Weights only load failed"):
        save_model(network, str(tmp_path), preprocessing=Preprocessing(16), class_names=("0", "1"))


@pytest.mark.parametrize("part", ["partition", "network", "components"])
def test_a_mask_file_names_parts_and_runs_none(
    part: str, network: FairTuneNetwork, canary: Canary, tmp_path: Path
) -> None:
    for text in (*canary.texts, "os.system", "monai_fairtune.cli.main"):
        mask = network.anchors()["full"].to_dict() | {part: {text: True} if part == "components" else text}
        (tmp_path / "mask.json").write_text(json.dumps(mask))
        with pytest.raises(FairTuneError):
            apply_mask(network, str(tmp_path / "mask.json"), str(tmp_path))


@pytest.mark.parametrize("content", [b"\x80\x04cposix\nsystem\n.", b"[1]", b"{"])
def test_a_mask_file_that_is_no_json_object_is_refused(
    content: bytes, network: FairTuneNetwork, tmp_path: Path
) -> None:
    (tmp_path / "mask.json").write_bytes(content)
    with pytest.raises(MaskError):
        apply_mask(network, str(tmp_path / "mask.json"), str(tmp_path))


def test_the_header_of_a_model_builds_nothing(network: FairTuneNetwork, canary: Canary, tmp_path: Path) -> None:
    save_delta(tmp_path / "own.safetensors", network, preprocessing={}, class_names=["0", "1"])
    header = read_delta_metadata(tmp_path / "own.safetensors")
    for name in (*canary.texts, "os.system"):
        metadata = {key: json.dumps(value) for key, value in (header | {"backbone": name}).items()}
        save_file({"x": torch.zeros(1)}, tmp_path / "m.safetensors", metadata=metadata)
        with pytest.raises(WeightsError, match="is bound to backbone"):
            load_delta(tmp_path / "m.safetensors", network)


def test_an_enormous_header_of_a_model_is_refused(network: FairTuneNetwork, tmp_path: Path) -> None:
    (tmp_path / "m.safetensors").write_bytes((1 << 60).to_bytes(8, "little") + b"{}")
    with pytest.raises(WeightsError, match="cannot be read"):
        load_delta(tmp_path / "m.safetensors", network)


@pytest.mark.parametrize(
    "name", ["../secret.png", "{root}/../secret.png", "inside/../../secret.png", "link.png", "folder/secret.png"]
)
def test_inference_reads_no_image_outside_its_folder(name: str, tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "inside").mkdir(parents=True)
    (tmp_path / "secret.png").write_bytes(b"secret")
    (root / "link.png").symlink_to(tmp_path / "secret.png")
    (root / "folder").symlink_to(tmp_path)
    manifest = tmp_path / "manifest.csv"
    manifest.write_text(f"image\n{name.format(root=root)}\n")
    with pytest.raises(ManifestError, match="outside the data root"):
        list_images(None, str(manifest), str(root))


def test_a_password_of_the_database_is_never_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Err, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("FAIRTUNE_STORAGE", "postgresql://me:sEcReT@127.0.0.1:1/studies")
    caplog.set_level("DEBUG")
    assert main(["status", "--storage", "environment", "--output-dir", str(tmp_path)]) == 75
    said = capsys.readouterr()
    assert "reached" in said.err
    assert "sEcReT" not in said.out + said.err + caplog.text
    assert main(["status", "--storage", "postgresql://me:sEcReT@127.0.0.1/x", "--output-dir", str(tmp_path)]) == 2
    assert "sEcReT" not in capsys.readouterr().err
