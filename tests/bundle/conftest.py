"""The bundle, run as users run it."""

from __future__ import annotations

import logging
import runpy
import sys
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.bundle.bundle_runs import QUICK, TINY, Outcome, RunBundle, command_line, run_process, write_cohort
from tests.servers.fixtures import database, postgres

__all__ = ["database", "postgres"]


@pytest.fixture(scope="session")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The manifest of 160 patients with one small PNG each."""
    return write_cohort(tmp_path_factory.mktemp("cohort"))


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of the tiny network, so that it counts as pretrained."""
    import torch
    from safetensors.torch import save_file

    from monai_fairtune.masks import tiny_vit

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        network = tiny_vit(img_size=16)
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    save_file(network.state_dict(), path)
    return path


@pytest.fixture
def run_bundle(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[RunBundle]:
    """Runs ``python -m monai.bundle`` inside this process: the same code path, without the seconds of importing."""
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
    logging.disable(logging.WARNING)  # MONAI's loggers keep the standard output of the test that came first

    def run(config: str | list[str], options: Mapping[str, object], *, command: str = "run") -> Outcome:
        arguments = command_line(command, config, options)
        extra = ["--logging_file", "False"] if command.startswith("run") else []
        monkeypatch.setattr(sys, "argv", ["monai.bundle", *arguments, *extra])
        capsys.readouterr()
        returncode = 0
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="parsing config_file")
            try:
                runpy.run_module("monai.bundle", run_name="__main__", alter_sys=True)
            except (RuntimeError, ValueError, KeyboardInterrupt) as error:
                with pytest.raises(SystemExit) as exit_:
                    sys.excepthook(type(error), error, error.__traceback__)
                returncode = int(str(exit_.value.code))
        return Outcome(returncode, *capsys.readouterr())

    yield run
    logging.disable(logging.NOTSET)


@pytest.fixture(scope="session")
def searched(manifest: Path, weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output folder of a small search, run from the command line as users run it."""
    folder = tmp_path_factory.mktemp("searched")
    options = {"manifest": manifest, "attribute": "sex", "weights": weights} | TINY | QUICK
    outcome = run_process("search.yaml", options, cwd=folder)
    assert outcome.returncode == 0, outcome.stderr
    (folder / "stdout.txt").write_text(outcome.stdout)
    (folder / "stderr.txt").write_text(outcome.stderr)
    return folder / "output"
