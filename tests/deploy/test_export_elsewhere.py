"""A bundle where there is nothing but it, Python and pip."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from monai_fairtune.cli import main
from tests.bundle.bundle_runs import QUICK, TINY, run_process, write_cohort
from tests.deploy.exports import expected, write_backbone

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]


def _run(*line: object, cwd: Path) -> None:
    # Nothing leads Python back to this environment, or to a hub.
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL"))}
    environment = kept | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(list(map(str, line)), cwd=cwd, env=environment, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Path]:
    """Python of a virtual environment that ``pip install`` of this package alone has filled, without any extra.

    ``.ci/run`` names the one of the README's first command; otherwise gigabytes are installed for the test.
    """
    if given := os.environ.get("FAIRTUNE_BASE_PYTHON"):
        yield Path(given).absolute()
        return
    if not request.config.getoption("--nightly"):
        pytest.skip("FAIRTUNE_BASE_PYTHON names no Python with this package alone; --nightly installs one")
    folder = tmp_path_factory.mktemp("elsewhere")
    _run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT, cwd=folder)
    _run(sys.executable, "-m", "venv", folder / "venv", cwd=folder)
    python = folder / "venv" / "bin" / "python"
    _run(python, "-m", "pip", "install", "--quiet", *folder.glob("*.whl"), cwd=folder)
    yield python
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output folder of a real search; cohort and backbone's weights lie beside it."""
    folder = tmp_path_factory.mktemp("search")
    options = {"manifest": write_cohort(folder / "cohort"), "attribute": "sex", "weights": write_backbone(folder)}
    outcome = run_process("search.yaml", options | TINY | QUICK, cwd=folder)
    assert outcome.returncode == 0, outcome.stderr
    return folder / "output"


def test_a_bundle_runs_in_a_fresh_environment_and_gives_the_probabilities_of_the_search(
    python: Path, searched: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "photographs"
    folder.mkdir()
    for seed in range(6):
        pixels = np.random.default_rng(seed).normal(100 + 20 * seed, 30, (450, 600, 3))
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / f"{seed}.jpg")
    bundle = ("--output", tmp_path / "tiny.zip", "--weights", searched.parent / "weights.safetensors")
    assert main(["export", *map(str, (searched, *bundle, "--images", folder))]) == 0
    with zipfile.ZipFile(tmp_path / "tiny.zip") as archive:
        archive.extractall(tmp_path)
    config = ("--config_file", "tiny/configs/inference.json", "--bundle_root", "tiny")
    _run(python, "-m", "monai.bundle", "run", *config, "--dataset_dir", folder, "--output_dir", "out", cwd=tmp_path)
    with (tmp_path / "out" / "predictions.csv").open() as file:
        found = {row["image"]: float(row["probability"]) for row in csv.DictReader(file)}
    paths = sorted(folder.iterdir())
    assert list(found) == [path.name for path in paths]
    np.testing.assert_allclose(list(found.values()), expected(searched, paths), atol=1e-5)
    # The same zip as data, without MONAI's configs, and nothing but what pip installed.
    script = (
        "import sys; from pathlib import Path; from monai_fairtune.deploy.export import ExportedModel\n"
        "assert sys.prefix in ExportedModel.load.__code__.co_filename\n"
        "found = ExportedModel.load(Path('tiny.zip')).probabilities(sorted(Path('photographs').iterdir()))\n"
        "Path('found.txt').write_text(' '.join(map(str, found)))"
    )
    _run(python, "-c", script, cwd=tmp_path)
    again = [float(text) for text in (tmp_path / "found.txt").read_text().split()]
    np.testing.assert_allclose(again, expected(searched, paths), atol=1e-6)
