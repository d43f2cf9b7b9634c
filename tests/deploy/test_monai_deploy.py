"""An exported model runs as a MONAI Deploy application, where MONAI Deploy is installed."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import pytest

from monai_fairtune.deploy.export import ExportedModel
from monai_fairtune.deploy.monai_deploy import build_application
from monai_fairtune.exceptions import ConfigurationError
from tests.deploy.dicom_files import CANARIES, picture, write_image

_HAS_IT = find_spec("holoscan") is not None


@pytest.mark.skipif(_HAS_IT, reason="MONAI Deploy is installed")
def test_without_monai_deploy_a_sentence_says_how_to_install_it() -> None:
    with pytest.raises(ConfigurationError, match=r"pip install 'monai-fairtune\[dicom,monai-deploy\]'"):
        build_application([])


@pytest.mark.skipif(not _HAS_IT, reason="MONAI Deploy is not installed; pip install 'monai-fairtune[monai-deploy]'")
def test_the_application_answers_with_the_models_own_probabilities_and_names_no_patient(
    exported_zip: Path, tmp_path: Path
) -> None:
    files = [write_image(tmp_path / "in" / f"{n}.dcm", picture(0.2 * n), number=n) for n in (1, 2, 3)]
    where = {"input": tmp_path / "in", "output": tmp_path / "out", "model": exported_zip}
    paths = [part for name, path in where.items() for part in (f"--{name}", str(path))]
    # A process of its own: Holoscan warns, logs and schedules for the whole process.
    outcome = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "monai_fairtune.deploy.monai_deploy", *paths],
        env=os.environ | {"FAIRTUNE_PSEUDONYM_KEY": "k" * 64},
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stderr
    found = pd.read_csv(tmp_path / "out" / "predictions.csv")["score"]
    assert sorted(found) == pytest.approx(sorted(ExportedModel.load(exported_zip).probabilities(files)))
    assert len(list((tmp_path / "out" / "reports").glob("*.dcm"))) == 1
    assert "3 files: 3 answered in 1 reports" in outcome.stderr
    assert not [name for name, value in CANARIES.items() if value in outcome.stdout + outcome.stderr]
    assert "1.2.3.100" not in outcome.stderr
