"""MONAI's own commands on the bundle, each as a process, offline."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from monai_fairtune.cohort import Preprocessing
from monai_fairtune.masks import FairTuneNetwork, load_delta
from tests.bundle.bundle_runs import BUNDLE, CONFIGS, TINY, Outcome, run_process

_NETWORK = {"backbone": TINY["backbone"], "image_size": TINY["image_size"]}
_SHAPE = "[1,3,16,16]"


def _monai(command: str, *arguments: object, cwd: Path) -> Outcome:
    line = [sys.executable, "-m", "monai.bundle", *command.split(), *map(str, arguments)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(line, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300)
    return Outcome(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def study(searched: Path, weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A search's output folder, with the full checkpoint that exports start from."""
    folder = shutil.copytree(searched, tmp_path_factory.mktemp("exports") / "output")
    options = {"weights": weights, "output_dir": folder} | TINY
    outcome = run_process("inference.yaml", options, cwd=folder, command="run write_checkpoint")
    assert outcome.returncode == 0, outcome.stderr
    return folder


def _expected(study: Path, weights: Path, images: torch.Tensor) -> np.ndarray:
    network = FairTuneNetwork("monai_fairtune.masks.tiny_vit", weights, image_size=16)
    load_delta(study / "model.safetensors", network)
    logits: np.ndarray = network.eval()(images).detach().numpy()
    return logits


def test_the_metadata_passes_monais_schema_without_a_network(shared: Path, tmp_path: Path) -> None:
    schema = shutil.copy(shared / "data" / "monai_schema" / "meta_schema_20240725.json", tmp_path)
    metadata = CONFIGS / "metadata.json"
    outcome = _monai("verify_metadata", "--meta_file", metadata, "--filepath", schema, cwd=tmp_path)
    assert outcome.returncode == 0, outcome.stderr
    assert "metadata is verified with no error" in outcome.stdout


def test_the_default_network_takes_and_gives_what_the_metadata_says(tmp_path: Path) -> None:
    metadata, config = CONFIGS / "metadata.json", CONFIGS / "inference.yaml"
    outcome = _monai(
        "verify_net_in_out network_def",
        "--meta_file",
        metadata,
        "--config_file",
        config,
        "--device",
        "cpu",
        cwd=tmp_path,
    )
    assert outcome.returncode == 0, outcome.stderr
    assert "data shape of network is verified with no error" in outcome.stdout


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:`torch.jit:FutureWarning", "ignore:`torch.jit:DeprecationWarning")
@pytest.mark.parametrize(("command", "suffix"), [("ckpt_export", ".ts"), ("onnx_export", ".onnx")])
def test_an_exported_network_gives_the_logits_of_the_model(
    command: str, suffix: str, study: Path, weights: Path, tmp_path: Path
) -> None:
    path = tmp_path / f"model{suffix}"
    trace = ["--use_trace", "True"] if command == "ckpt_export" else []
    outcome = _monai(
        f"{command} network_def", "--filepath", path, "--ckpt_file", study / "models" / "model.pt",
        "--meta_file", CONFIGS / "metadata.json", "--config_file", CONFIGS / "inference.yaml",
        "--input_shape", _SHAPE, "--weights", weights, *trace,
        *(part for name, value in _NETWORK.items() for part in (f"--{name}", value)),
        cwd=tmp_path,
    )  # fmt: skip
    assert outcome.returncode == 0, outcome.stderr
    images = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    if suffix == ".ts":
        found = torch.jit.load(path)(images).detach().numpy()  # type: ignore[no-untyped-call]
    else:
        import onnxruntime

        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        found = session.run(None, {session.get_inputs()[0].name: images.numpy()})[0]
    np.testing.assert_allclose(found, _expected(study, weights, images), atol=1e-4)


@pytest.mark.slow
def test_mlflow_receives_the_subgroup_metrics_of_a_training(manifest: Path, weights: Path, tmp_path: Path) -> None:
    options = {"manifest": manifest, "attribute": "age:60", "weights": weights, "mask": "head only"} | TINY
    more = {"learning_rate": 1e-3, "max_epochs": 2, "tracking": "mlflow", "tensorboard": "true"}
    outcome = run_process("train.yaml", options | more, cwd=tmp_path)
    assert outcome.returncode == 0, outcome.stderr
    connection = sqlite3.connect(tmp_path / "output" / "mlruns.db")
    recorded = {name for (name,) in connection.execute("select distinct key from metrics")}
    connection.close()
    assert {"train_loss", "worst_group_auroc", "auroc_gap", "auroc", "largest_subgroup_loss"} <= recorded
    assert sum(name.startswith("auroc_age_60") for name in recorded) == 2
    assert list((tmp_path / "output" / "models" / "events").iterdir())


@pytest.mark.slow
def test_two_processes_train_together_and_leave_one_model(manifest: Path, weights: Path, tmp_path: Path) -> None:
    options = {"manifest": manifest, "attribute": "sex", "weights": weights, "mask": "bias"} | TINY
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2")
    outcome = run_process(
        ["train.yaml", "multi_gpu.yaml"],
        options | {"learning_rate": 1e-3, "max_epochs": 2, "batch_size": 7},
        cwd=tmp_path,
        launcher=launcher,
    )
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout.count("Key metric: worst_group_auroc best value") == 2
    network = FairTuneNetwork("monai_fairtune.masks.tiny_vit", weights, image_size=16)
    header = load_delta(tmp_path / "output" / "models" / "model.safetensors", network)
    assert header["preprocessing"] == Preprocessing(16).to_dict()


def test_the_bundle_ships_what_the_model_zoo_asks_for() -> None:
    for name in ("LICENSE", "docs/README.md", "configs/metadata.json", "configs/logging.conf", "configs/train.yaml"):
        assert (BUNDLE / name).stat().st_size > 0
