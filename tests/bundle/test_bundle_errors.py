"""Interruptions and errors, as a process's user sees them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from monai_fairtune.bundle import plain_errors
from tests.bundle.bundle_runs import TINY, RunBundle, command_line, read_rows, write_rows


def test_nothing_is_installed_in_other_programs() -> None:
    before = sys.excepthook
    plain_errors()
    assert sys.excepthook is before


def test_errors_of_others_keep_their_traceback(
    manifest: Path, run_bundle: RunBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[BaseException] = []

    def hook(_: type[BaseException], error: BaseException, __: object) -> None:
        seen.append(error)
        raise SystemExit(1)

    monkeypatch.setattr(sys, "excepthook", hook)
    outcome = run_bundle("search.yaml", {"manifest": manifest, "attribute": "sex", "settings": "$1/0"} | TINY)
    assert outcome.returncode == 1
    assert isinstance(seen[0].__cause__, ZeroDivisionError)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"key_metric": "accuracy"}, "key_metric is 'accuracy'. Choose one of auroc, worst_group_auroc"),
        ({"attribute": "site"}, "'b' holds"),
        ({"mask": "nothing"}, "Mask 'nothing' cannot be read"),
        ({"learning_rate": "fast"}, "learning_rate is 'fast'"),
        ({"learning_rate": -1}, "The learning rate is -1"),
    ],
)
def test_a_training_is_refused_before_any_image_is_decoded(
    change: dict[str, object], words: str, manifest: Path, weights: Path, tmp_path: Path, run_bundle: RunBundle
) -> None:

    rows = [row | {"site": "b" if row["label"] == "1" else "a"} for row in read_rows(manifest)]
    table = write_rows(tmp_path / "manifest.csv", rows)
    given = {"manifest": table, "data_root": manifest.parent, "attribute": "sex", "weights": weights, "mask": "full"}
    outcome = run_bundle(
        "train.yaml", given | TINY | {"learning_rate": 1e-3, "output_dir": tmp_path / "output"} | change
    )
    assert outcome.returncode == 2
    assert words in outcome.sentence
    assert not (tmp_path / "output").exists()


def test_a_training_that_is_interrupted_says_so_in_one_line(manifest: Path, weights: Path, tmp_path: Path) -> None:
    given = {"manifest": manifest, "attribute": "sex", "weights": weights, "mask": "full", "learning_rate": 1e-4}
    line = command_line("run", "train.yaml", given | TINY | {"max_epochs": 100000})
    with subprocess.Popen(
        [sys.executable, "-m", "monai.bundle", *line],
        cwd=tmp_path,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Tests that run in the background of a shell inherit a SIGINT that is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    ) as process:
        deadline = time.monotonic() + 200
        while not (tmp_path / "output" / "models" / "model.pt").exists() and time.monotonic() < deadline:
            time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        try:
            stdout, stderr = process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    assert process.returncode == 130
    assert stderr.splitlines()[-1] == "Interrupted."
    assert "Traceback" not in stdout + stderr
