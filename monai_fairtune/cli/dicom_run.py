"""``monai-fairtune dicom run``: DICOM files in, structured reports and a table of probabilities out."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from monai_fairtune.cli.answer_log import add_answer_log, open_log
from monai_fairtune.cli.exported_model import add_model, load_model
from monai_fairtune.cli.key_file import add_key_file, read_key_file
from monai_fairtune.exceptions import ConfigurationError

__all__ = ["add_parser"]


def add_parser(jobs: Any) -> None:
    """Adds the command to those of ``dicom``."""
    parser = jobs.add_parser(
        "run",
        help="answer for DICOM files",
        description="Reads DICOM images, each within limits of time and memory, and writes a structured report for "
        "each study, predictions.csv, and refused.csv with the images that the model is not for. Started again, it "
        "goes on with what has no answer.",
    )
    parser.add_argument("inputs", nargs="+", type=Path, metavar="FILE_OR_FOLDER", help="DICOM images")
    add_model(parser)
    parser.add_argument("--output-dir", type=Path, required=True, metavar="DIR", help="receives everything")
    add_key_file(parser, "of the pseudonyms, made if it is not there; keep it outside of DIR")
    add_answer_log(parser)
    parser.add_argument(
        "--frame",
        type=_frame,
        metavar="N",
        help="of several frames take this one, from 1, or 'middle'; default: refuse",
    )
    parser.add_argument(
        "--seconds", type=float, default=30.0, metavar="S", help="to read one file, at most (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Runs the command."""
    from monai_fairtune.deploy.dicom import ReadingLimits, ReadingRules, answer_files

    _require_outside(options.key_file, options.output_dir)
    key = read_key_file(options.key_file)
    model = load_model(options)
    found = answer_files(
        options.inputs,
        options.output_dir,
        model,
        key=key,
        log=None if options.answer_log is None else open_log(options.answer_log, options.key_file),
        rules=ReadingRules(model.intended_use, ReadingLimits(seconds=options.seconds), options.frame),
        progress=True,
    )
    print(json.dumps(found.to_dict(), indent=1) if options.json else found.to_text())
    return 0


def _frame(text: str) -> int | str:
    if text == "middle":
        return text
    try:
        return int(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number from 1 nor 'middle'") from error


def _require_outside(key_file: Path | None, output_dir: Path) -> None:
    if key_file is not None and key_file.resolve().is_relative_to(output_dir.resolve()):
        raise ConfigurationError(
            "The key file lies in the output folder, and would be passed on with it. Keep it elsewhere."
        )
