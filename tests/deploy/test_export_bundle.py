"""What is in an exported bundle, and what MONAI makes of it, offline."""

from __future__ import annotations

import copy
import csv
import json
import logging
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from monai_fairtune.bundle.config_check import check_config
from monai_fairtune.cohort import Preprocessing
from monai_fairtune.deploy.export import (
    TOLERANCE,
    ExportedModel,
    ExportOptions,
    SearchOutput,
    describe,
    export_bundle,
)
from monai_fairtune.deploy.export.parity import reference
from monai_fairtune.exceptions import ConfigurationError, ExportError, ManifestError
from monai_fairtune.masks import FairTuneNetwork
from tests.bundle.bundle_runs import CONFIGS
from tests.deploy.exports import SIZE, described, expected

_FILES = {
    "LICENSE", "SHA256SUMS", "configs/inference.json", "configs/logging.conf", "configs/metadata.json",
    "docs/README.md", "docs/model_card.html", "docs/model_card.md", "models/model.pt", "models/model.safetensors",
}  # fmt: skip


def _monai(*arguments: object, cwd: Path) -> str:
    line = [sys.executable, "-m", "monai.bundle", *map(str, arguments)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(line, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_bundle_holds_what_the_model_zoo_asks_for(exported_folder: Path, exported_zip: Path) -> None:
    assert _names(exported_folder) == _FILES
    with zipfile.ZipFile(exported_zip) as archive:
        assert set(archive.namelist()) == {f"tiny/{name}" for name in _FILES}
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=exported_folder, check=True)


def test_nothing_in_a_bundle_tells_where_it_was_made(exported_folder: Path, search_output: Path) -> None:
    private = [str(search_output.parent).encode(), str(Path.cwd()).encode(), str(Path.home()).encode() + b"/"]
    for name in _FILES:
        content = (exported_folder / name).read_bytes()
        assert not [text for text in private if text in content], name


def test_the_two_weight_files_hold_the_same_plain_tensors(exported_folder: Path) -> None:
    state = torch.load(exported_folder / "models" / "model.pt", weights_only=True)
    other = load_file(exported_folder / "models" / "model.safetensors")
    assert state.keys() == other.keys()
    assert all(torch.equal(state[name], other[name]) and type(state[name]) is torch.Tensor for name in state)


def test_the_metadata_hold_each_subgroup_with_its_intervals(exported_folder: Path, source: SearchOutput) -> None:
    metadata = json.loads((exported_folder / "configs" / "metadata.json").read_text())
    test = metadata["fairtune"]["test"]
    assert list(test["attributes"]) == ["age:60", "sex"]
    for attribute, entry in test["attributes"].items():
        told = source.result["test"]["attributes"][attribute]
        for subgroup, values in entry["subgroups"].items():
            assert values["auroc"] == told["subgroups"][subgroup]["auroc"]
            assert {"value", "low", "high"} <= set(values["tpr"])
    assert "curves" not in json.dumps(test)
    assert test["threshold"] == source.result["test"]["threshold"]
    assert metadata["intended_use"].startswith("Finds what the tests look for.")
    image = metadata["network_data_format"]["inputs"]["image"]
    assert (image["spatial_shape"], image["modality"]) == ([SIZE, SIZE], "DX, CR")


def test_the_metadata_pass_monais_schema_without_a_network(exported_folder: Path, shared: Path, tmp_path: Path) -> None:
    schema = shutil.copy(shared / "data" / "monai_schema" / "meta_schema_20240725.json", tmp_path)
    metadata = exported_folder / "configs" / "metadata.json"
    _monai("verify_metadata", "--meta_file", metadata, "--filepath", schema, cwd=tmp_path)


def test_the_network_takes_and_gives_what_the_metadata_say(exported_folder: Path, tmp_path: Path) -> None:
    configs = exported_folder / "configs"
    files = ("--meta_file", configs / "metadata.json", "--config_file", configs / "inference.json")
    _monai("verify_net_in_out", "network_def", *files, "--device", "cpu", cwd=tmp_path)


@pytest.mark.filterwarnings("ignore:parsing config_file")
def test_the_config_has_every_property_that_monai_asks_for(exported_folder: Path, images: list[Path]) -> None:
    from monai.bundle import ConfigWorkflow

    workflow = ConfigWorkflow(
        str(exported_folder / "configs" / "inference.json"),
        meta_file=str(exported_folder / "configs" / "metadata.json"),
        workflow_type="infer",
        logging_file=False,
        bundle_root=str(exported_folder),
        dataset_dir=str(images[0].parent),
    )
    workflow.initialize()
    assert workflow.check_properties() == []
    assert workflow.version == "1.2.0"


def test_the_configs_pass_the_check_for_what_they_would_execute(exported_folder: Path) -> None:
    found = check_config(sorted((exported_folder / "configs").glob("*.json")))
    assert len(found.findings) > 20
    assert not found.refused


@pytest.mark.filterwarnings("ignore:parsing config_file", "ignore:.*bundle", "ignore:No hash value provided")
def test_monai_downloads_the_zip_and_loads_its_weights_by_name(
    exported_zip: Path, search_output: Path, images: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from monai.bundle import download, load

    download("tiny", url=exported_zip.as_uri(), bundle_dir=tmp_path, progress=False)
    monkeypatch.setattr(logging.getLogger(), "handlers", logging.getLogger().handlers[:])  # MONAI configures logging
    network = load("tiny", bundle_dir=tmp_path, workflow_type="inference", source="github", device="cpu")
    batch = torch.stack([Preprocessing(SIZE).decode(path) for path in images])
    found = torch.softmax(network.eval()(batch).detach().double(), dim=1)[:, 1]
    np.testing.assert_allclose(found, expected(search_output, images), atol=1e-6)


def test_monai_runs_a_bundle_on_a_folder_of_images(
    exported_zip: Path, search_output: Path, images: list[Path], tmp_path: Path
) -> None:
    with zipfile.ZipFile(exported_zip) as archive:
        archive.extractall(tmp_path)
    folders = ("--bundle_root", "tiny", "--dataset_dir", images[0].parent, "--output_dir", "predictions")
    _monai("run", "--config_file", "tiny/configs/inference.json", *folders, cwd=tmp_path)
    with (tmp_path / "predictions" / "predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["image"] for row in rows] == [path.name for path in images]
    probabilities = [float(row["probability"]) for row in rows]
    np.testing.assert_allclose(probabilities, expected(search_output, images), atol=1e-5)
    threshold = json.loads((tmp_path / "tiny" / "configs" / "inference.json").read_text())["threshold"]
    assert [row["class"] for row in rows] == [("benign", "malignant")[p >= threshold] for p in probabilities]


def test_a_model_that_answers_otherwise_is_not_exported(source: SearchOutput, tmp_path: Path) -> None:
    other = replace(source, network=copy.deepcopy(source.network))
    other.network.register_forward_hook(lambda module, given, logits: logits + torch.tensor([0.0, 1e-3]))
    with pytest.raises(ExportError, match=r"differ by up to .* where 1e-05 is allowed"):
        export_bundle(other, described(other), tmp_path / "tiny.zip")
    assert list(tmp_path.iterdir()) == []


def test_models_are_compared_on_the_images_that_are_given(
    source: SearchOutput, images: list[Path], tmp_path: Path
) -> None:
    exported = export_bundle(source, described(source), tmp_path / "tiny", ExportOptions(images=images[0].parent))
    assert (exported.n_images, exported.image_kind) == (len(images), "given")
    assert "on 6 given images" in (tmp_path / "tiny" / "docs" / "model_card.md").read_text()
    (tmp_path / "none").mkdir()
    with pytest.raises(ManifestError, match=r"No image lies below"):
        export_bundle(source, described(source), tmp_path / "other", ExportOptions(images=tmp_path / "none"))


def test_a_grey_residual_network_with_batch_statistics_is_exported_as_well(
    source: SearchOutput, images: list[Path], tmp_path: Path
) -> None:
    network = FairTuneNetwork("resnet10t", image_size=32, n_channels=1).eval()
    grey = replace(source, network=network, preprocessing=Preprocessing(32, 1).to_dict())
    exported = export_bundle(grey, described(grey), tmp_path / "grey.zip", ExportOptions(graphs=("torchscript",)))
    assert max(exported.largest_difference.values()) <= TOLERANCE
    batch = torch.stack([Preprocessing(32, 1).decode(path) for path in images])
    found = torch.softmax(network(batch).detach().double(), dim=1)[:, 1]
    np.testing.assert_allclose(ExportedModel.load(exported.path).probabilities(images), found, atol=1e-6)


def test_noise_is_not_all_alike_for_the_model(source: SearchOutput) -> None:
    with reference(source, None) as compared:
        assert compared.probabilities.std() > 0.01
        assert len({path.stat().st_size for path in compared.paths}) > 8


def test_a_licence_of_ones_own_is_taken(source: SearchOutput, tmp_path: Path) -> None:
    (tmp_path / "terms.txt").write_text("Ask first.")
    export_bundle(source, described(source), tmp_path / "a", ExportOptions(licence=tmp_path / "terms.txt"))
    assert (tmp_path / "a" / "LICENSE").read_text() == "Ask first."
    with pytest.raises(ConfigurationError, match=r"cannot be read: No such file"):
        export_bundle(source, described(source), tmp_path / "b", ExportOptions(licence=tmp_path / "absent"))


def test_logging_is_that_of_the_bundle_that_searches(exported_folder: Path) -> None:
    assert (exported_folder / "configs" / "logging.conf").read_text() == (CONFIGS / "logging.conf").read_text()


def test_the_licence_is_the_packages_unless_another_is_given(exported_folder: Path) -> None:
    assert (exported_folder / "LICENSE").read_text() == Path("LICENSE").read_text()


def test_without_a_use_the_documents_say_so(source: SearchOutput, tmp_path: Path) -> None:
    export_bundle(source, describe(source, name="tiny"), tmp_path / "tiny")
    readme, card = ((tmp_path / "tiny" / "docs" / name).read_text() for name in ("README.md", "model_card.md"))
    assert "No use was stated" in readme
    assert "No use was stated" in card
