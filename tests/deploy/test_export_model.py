from __future__ import annotations

import hashlib
import json
import shutil
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from monai_fairtune.cli import main
from monai_fairtune.deploy import ImageClassifier
from monai_fairtune.deploy.export import ExportedModel, SearchOutput, describe, export_bundle, read_search_output
from monai_fairtune.exceptions import ConfigurationError, ImageError, WeightsError
from tests.deploy.exports import BACKBONE, CLASSES, USE, described, expected

Change = Callable[[Path], object]


@pytest.fixture
def folder(exported_folder: Path, tmp_path: Path) -> Path:
    """A bundle that may be changed."""
    return shutil.copytree(exported_folder, tmp_path / "bundle")


def _resealed(folder: Path, change: Callable[[dict[str, object]], object]) -> Path:
    """Changes the description and corrects the checksums, as somebody who means harm would."""
    path = folder / "configs" / "metadata.json"
    metadata = json.loads(path.read_text())
    change(metadata["fairtune"])
    path.write_text(json.dumps(metadata))
    names = sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())
    sums = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names if name != "SHA256SUMS"}
    (folder / "SHA256SUMS").write_text("".join(f"{sha256}  {name}\n" for name, sha256 in sums.items()))
    return folder


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_an_exported_model_gives_the_probabilities_of_the_search(
    kind: str, exported_folder: Path, exported_zip: Path, search_output: Path, images: list[Path]
) -> None:
    model: ImageClassifier = ExportedModel.load(exported_folder if kind == "folder" else exported_zip)
    found = model.probabilities(images)
    np.testing.assert_allclose(found, expected(search_output, images), atol=1e-6)
    assert found.std() > 0.01, "the images must differ for the model, or nothing is shown"


def test_an_exported_model_says_who_it_is_and_what_it_is_for(exported_zip: Path, source: SearchOutput) -> None:
    model = ExportedModel.load(exported_zip)
    with zipfile.ZipFile(exported_zip) as archive:
        weights = archive.read("tiny/models/model.safetensors")
    assert (model.identity.name, model.identity.version) == ("tiny", "1.2.0")
    assert model.identity.sha256 == hashlib.sha256(weights).hexdigest()
    assert model.class_names == CLASSES
    assert model.threshold == source.result["validation"]["threshold"]["value"]
    assert model.intended_use == USE


def test_no_image_gives_no_probability_and_a_damaged_one_is_refused(exported_zip: Path, tmp_path: Path) -> None:
    model = ExportedModel.load(exported_zip)
    assert model.probabilities([]).shape == (0,)
    (tmp_path / "broken.png").write_bytes(b"no picture")
    with pytest.raises(ImageError) as refused:
        model.probabilities([tmp_path / "broken.png"])
    assert str(tmp_path) not in str(refused.value)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda folder: (folder / "models" / "model.pt").write_bytes(b"other"), r"SHA-256 differs of 1 files, such as"),
        (lambda folder: (folder / "configs" / "inference.json").unlink(), r"lacks 1 files, such as \['configs/inf"),
        (lambda folder: (folder / "more.txt").write_text("more"), r"beyond what its SHA256SUMS lists, 1 files"),
        (lambda folder: (folder / "SHA256SUMS").unlink(), r"no SHA256SUMS"),
        (lambda folder: (folder / "SHA256SUMS").write_text("no list\n"), r"1 of 1 lines that are no checksum"),
        (lambda folder: (folder / "SHA256SUMS").write_text(""), r"beyond what its SHA256SUMS lists"),
    ],
    ids=["changed", "missing", "surplus", "no list", "broken list", "empty list"],
)
def test_a_bundle_that_is_not_as_it_was_exported_is_refused(change: Change, sentence: str, folder: Path) -> None:
    change(folder)
    with pytest.raises(WeightsError, match=sentence):
        ExportedModel.load(folder)


def test_what_a_hub_adds_to_a_folder_does_not_matter(folder: Path) -> None:
    (folder / ".gitattributes").write_text("*.pt filter=lfs")
    (folder / ".cache" / "huggingface").mkdir(parents=True)
    (folder / ".cache" / "huggingface" / "lock").write_text("")
    assert ExportedModel.load(folder).class_names == CLASSES


def test_a_zip_with_a_changed_or_a_surplus_file_is_refused(exported_zip: Path, tmp_path: Path) -> None:
    for name, content, sentence in (
        ("tiny/extra.py", b"print()", "beyond what"),
        ("../outside", b"", "outside its folder"),
        ("configs/metadata.json", b"{}", "outside its folder"),
    ):
        path = Path(shutil.copy(exported_zip, tmp_path / "copy.zip"))
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(name, content)
        with pytest.raises(WeightsError, match=sentence):
            ExportedModel.load(path)
    changed = bytearray(exported_zip.read_bytes())
    at = changed.index(b'"threshold"')
    changed[at + 3] ^= 1
    (tmp_path / "changed.zip").write_bytes(changed)
    with pytest.raises(WeightsError, match=r"cannot be read|SHA-256 differs"):
        ExportedModel.load(tmp_path / "changed.zip")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_zip_with_one_name_twice_is_refused(exported_zip: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(exported_zip, tmp_path / "copy.zip"))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("tiny/configs/inference.json", b"{}")
    with pytest.raises(WeightsError, match=r"under one name several"):
        ExportedModel.load(path)


def test_what_is_no_bundle_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "text.zip").write_text("no zip")
    for name in ("text.zip", "absent"):
        with pytest.raises(WeightsError, match=r"cannot be read: .*Give a folder or a zip"):
            ExportedModel.load(tmp_path / name)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda told: told["network"].update(backbone="os.system"), r"code outside timm and this package"),
        (lambda told: told["network"].update(backbone_arguments={"checkpoint_path": "x.pt"}), r"would load"),
        (lambda told: told["network"].update(weights="/etc/passwd"), r"describes a network by"),
        (lambda told: told["network"].update(image_size=24), r"takes images of .*'image_size': 24"),
        (lambda told: told["network"].update(n_classes=3), r"the network tells 3 apart"),
        (lambda told: told["network"].update(backbone_arguments={"patch_size": 0}), r"cannot be built"),
        (lambda told: told["network"].update(backbone_arguments={"depth": 2}), r"cannot be built"),
        (lambda told: told.update(filler="x" * (1 << 20)), r"has larger 1 files, such as \['configs/metadata.json'\]"),
        (lambda told: told.update(schema=2), r"schema 2"),
        (lambda told: told.update(threshold="0.5"), r"threshold is '0.5'"),
        (lambda told: told.update(threshold=2), r"threshold is 2"),
        (lambda told: told.update(class_names=["a"]), r"binary classifier has two"),
        (lambda told: told["intended_use"].update(min_side=0), r"min_side is 0"),
        (lambda told: told["intended_use"].update(other=0), r"holds 'other'"),
    ],
)
def test_a_description_that_means_harm_or_nothing_is_refused(
    change: Callable[[dict[str, object]], object], sentence: str, folder: Path
) -> None:
    with pytest.raises(WeightsError, match=sentence):
        ExportedModel.load(_resealed(folder, change))


@pytest.mark.parametrize(
    ("backbone", "arguments"), [("resnet18", {"block": 1}), ("vit_tiny_patch16_224", {"act_layer": "no such layer"})]
)
def test_whatever_a_backbone_raises_on_senseless_arguments_is_one_error(
    backbone: str, arguments: dict[str, object], folder: Path
) -> None:
    def change(told: Any) -> None:
        told["network"].update(backbone=backbone, backbone_arguments=arguments)

    with pytest.raises(WeightsError, match=r"cannot be built"):
        ExportedModel.load(_resealed(folder, change))


def test_a_linked_folder_in_a_bundle_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (folder / "models" / "more").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(WeightsError, match=r"as links to folders, 1 files, such as \['models/more'\]"):
        ExportedModel.load(folder)


def test_a_backbone_of_ones_own_must_be_allowed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder.parent / "own_backbone.py").write_text(
        "def make(**options):\n    from monai_fairtune.masks import tiny_vit\n    return tiny_vit(**options)\n"
    )
    monkeypatch.syspath_prepend(folder.parent)
    _resealed(folder, lambda told: told["network"].update(backbone="own_backbone.make"))  # type: ignore[attr-defined]
    with pytest.raises(WeightsError, match=r"allowed_backbones=\['own_backbone.make'\]"):
        ExportedModel.load(folder)
    assert "own_backbone" not in sys.modules
    assert ExportedModel.load(folder, allowed_backbones=["own_backbone.make"]).class_names == CLASSES


def test_a_searchs_backbone_of_ones_own_must_be_allowed(
    search_output: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "searched_backbone.py").write_text("from monai_fairtune.masks import tiny_vit as make\n")
    monkeypatch.syspath_prepend(tmp_path)
    output, weights = tmp_path / "output", search_output.parent / "weights.safetensors"
    shutil.copytree(search_output, output)
    with safe_open(output / "model.safetensors", "pt") as file:
        tensors, told = {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118
    renamed = {name: value.replace(BACKBONE, "searched_backbone.make") for name, value in told.items()}
    save_file(tensors, output / "model.safetensors", renamed)
    with pytest.raises(WeightsError, match=r"--allow-backbone NAME"):
        read_search_output(output, weights=weights)
    assert "searched_backbone" not in sys.modules
    line = ["export", str(output), "--output", str(tmp_path / "own.ts"), "--format", "torchscript"]
    allowed = ["--weights", str(weights), "--allow-backbone", "searched_backbone.make"]
    assert main([*line, *allowed]) == 0


def test_weights_that_are_not_finite_are_refused(folder: Path) -> None:
    path = folder / "models" / "model.safetensors"
    state = load_file(path)
    state["backbone.head.bias"][0] = float("nan")
    save_file(state, path)
    with pytest.raises(WeightsError, match=r"not finite in \['backbone.head.bias'\]"):
        ExportedModel.load(_resealed(folder, lambda told: None))


def test_a_device_that_is_not_there_is_refused(exported_zip: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"device is 'cuda:99', which is not available"):
        ExportedModel.load(exported_zip, device="cuda:99")


def test_no_config_of_a_bundle_is_run(folder: Path, tmp_path: Path) -> None:
    config = folder / "configs" / "inference.json"
    content = json.loads(config.read_text())
    content["imports"] = [f"$open({str(tmp_path / 'ran')!r}, 'w').close()"]
    config.write_text(json.dumps(content))
    ExportedModel.load(_resealed(folder, lambda told: None))
    assert not (tmp_path / "ran").exists()


def test_the_same_model_gives_the_same_bytes(source: SearchOutput, exported_zip: Path, tmp_path: Path) -> None:
    again = export_bundle(source, described(source), tmp_path / "again.zip").path
    assert again.read_bytes() == exported_zip.read_bytes()


def test_an_export_never_overwrites_and_leaves_nothing_behind(source: SearchOutput, tmp_path: Path) -> None:
    (tmp_path / "taken.zip").write_text("mine")
    with pytest.raises(ConfigurationError, match=r"exists already"):
        export_bundle(source, described(source), tmp_path / "taken.zip")
    assert [path.name for path in tmp_path.iterdir()] == ["taken.zip"]


@pytest.mark.parametrize(("name", "version"), [("a b", "0.1.0"), ("../up", "0.1.0"), ("tiny", "one"), ("tiny", "1")])
def test_a_name_or_version_that_no_hub_takes_is_refused(source: SearchOutput, name: str, version: str) -> None:
    with pytest.raises(ConfigurationError, match=r"The (name|version) is"):
        describe(source, name=name, version=version)


def test_texts_that_monai_would_run_are_not_exported(source: SearchOutput, tmp_path: Path) -> None:
    from dataclasses import replace

    harmful = describe(replace(source, class_names=("a", "$print()")), name="tiny")
    with pytest.raises(ConfigurationError, match=r"would be code in a MONAI config"):
        export_bundle(source, harmful, tmp_path / "tiny.zip")
    assert list(tmp_path.iterdir()) == []


def test_the_weights_that_a_model_was_tuned_on_must_be_given(search_output: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"--weights FILE"):
        read_search_output(search_output)
    with pytest.raises(ConfigurationError, match=r"There is no result.json"):
        read_search_output(tmp_path)


def test_a_result_that_does_not_tell_its_network_is_refused(search_output: Path, tmp_path: Path) -> None:
    result = json.loads((search_output / "result.json").read_text())
    (tmp_path / "result.json").write_text(json.dumps(result | {"network": {}}))
    with pytest.raises(ConfigurationError, match=r"does not tell \['backbone', .*describe_experiment"):
        read_search_output(tmp_path)


def test_the_packages_own_weights_need_not_be_given(tmp_path: Path) -> None:
    from monai_fairtune.cohort import Preprocessing
    from monai_fairtune.masks import TINY_VIT_WEIGHTS, FairTuneNetwork, save_delta
    from monai_fairtune.testing.example_result import example_result

    network = FairTuneNetwork("monai_fairtune.masks.tiny_vit", TINY_VIT_WEIGHTS, image_size=48)
    network.apply_mask(network.anchors()["head only"])
    save_delta(
        tmp_path / "model.safetensors", network, preprocessing=Preprocessing(48).to_dict(), class_names=["0", "1"]
    )
    (tmp_path / "result.json").write_text(json.dumps(example_result(n_trials=12, n_epochs=2)))
    assert read_search_output(tmp_path).network.backbone_sha256 == network.backbone_sha256
