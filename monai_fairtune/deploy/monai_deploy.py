"""An exported model as a MONAI Deploy application: a folder of DICOM images in, structured reports out.

``python -m monai_fairtune.deploy.monai_deploy --input IN --output OUT --model BUNDLE`` runs it; in a MONAI Application
Package the paths come from ``HOLOSCAN_INPUT_PATH``, ``HOLOSCAN_OUTPUT_PATH`` and ``HOLOSCAN_MODEL_PATH``. Needs the
extra ``monai-deploy``.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from monai_fairtune.cohort.own_data.pseudonyms import read_key
from monai_fairtune.deploy.dicom import RunSummary, answer_files
from monai_fairtune.deploy.export import ExportedModel
from monai_fairtune.exceptions import ConfigurationError

__all__ = ["build_application"]

_log = logging.getLogger(__name__)


def build_application(arguments: Sequence[str] | None = None) -> Any:
    """Returns the application, a ``monai.deploy.core.Application`` with one operator; its ``run()`` answers.

    Files are read, refused and answered as ``dicom run`` does: within limits, by the bundle's own weights and intended
    use, none of its configs run. After the run, its ``summary`` is a ``RunSummary``. The key of the pseudonyms in
    ``predictions.csv`` is in the environment, ``FAIRTUNE_PSEUDONYM_KEY``.

    Args:
        arguments: of its command line, without the program's name; by default those of the process.

    Raises:
        ConfigurationError: if MONAI Deploy is not installed.
    """
    if find_spec("holoscan") is None or find_spec("monai.deploy") is None:
        raise ConfigurationError("MONAI Deploy is not installed. pip install 'monai-fairtune[dicom,monai-deploy]'.")
    from holoscan.conditions import CountCondition
    from monai.deploy.core import Application, Operator

    class AnswerOperator(Operator):  # type: ignore[misc]
        """Answers for all images of a folder; what it says is in files, so it has no ports."""

        def compute(self, *_: Any) -> None:
            self.fragment.summary = _answer(self.fragment.paths)

    class FairTuneApplication(Application):  # type: ignore[misc]
        """One operator that runs once."""

        summary: RunSummary | None = None

        def compose(self) -> None:
            context = Application.init_app_context(self.argv)
            self.paths = {name: Path(getattr(context, f"{name}_path")) for name in ("input", "output", "model")}
            self.add_operator(AnswerOperator(self, CountCondition(self, 1), name="answer"))

    return FairTuneApplication(None if arguments is None else [sys.executable, __name__, *arguments])


def _answer(paths: dict[str, Path]) -> RunSummary:
    logging.getLogger("highdicom").setLevel(
        logging.WARNING
    )  # MONAI Deploy logs at INFO, and highdicom names images there
    model = ExportedModel.load(paths["model"])
    summary = answer_files([paths["input"]], paths["output"], model, key=read_key(None))
    _log.info(summary.to_text())
    return summary


if __name__ == "__main__":
    build_application().run()
