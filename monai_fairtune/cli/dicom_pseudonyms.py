"""``monai-fairtune dicom pseudonyms``: which file, image, study and patient a row of the tables is about."""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path
from typing import Any

from monai_fairtune.cli.key_file import add_key_file, read_key_file
from monai_fairtune.exceptions import ConfigurationError

__all__ = ["add_parser"]


def add_parser(jobs: Any) -> None:
    """Adds the command to those of ``dicom``."""
    parser = jobs.add_parser(
        "pseudonyms",
        help="say which files the rows of predictions.csv and refused.csv are about",
        description="Prints a CSV with each file's path beside the pseudonyms that dicom run gives it with this key. "
        "It undoes the pseudonyms: keep it where the images are.",
    )
    parser.add_argument("inputs", nargs="+", type=Path, metavar="FILE_OR_FOLDER", help="DICOM images")
    add_key_file(parser, "that the tables were written with")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Runs the command."""
    from monai_fairtune.deploy.dicom import find_pseudonyms
    from monai_fairtune.predictions import safe_cell

    if options.key_file is not None and not options.key_file.is_file():
        raise ConfigurationError("The key file does not exist. Give the one that the tables were written with.")
    writer = csv.writer(sys.stdout, lineterminator="\n")
    for row in find_pseudonyms(options.inputs, read_key_file(options.key_file)):
        writer.writerow(map(safe_cell, row))
    return 0
