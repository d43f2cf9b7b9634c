"""The model of commands that answer with one."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from monai_fairtune.deploy.export import ExportedModel

__all__ = ["add_model", "load_model"]


def add_model(parser: argparse.ArgumentParser) -> None:
    """Adds the options of which model answers, and where."""
    parser.add_argument("--model", type=Path, required=True, metavar="PATH", help="an exported bundle, folder or zip")
    parser.add_argument("--device", default="cpu", help="where the model computes (default: %(default)s)")


def load_model(options: argparse.Namespace) -> ExportedModel:
    """Returns the model that ``add_model`` asks for."""
    from monai_fairtune.deploy.export import ExportedModel

    return ExportedModel.load(options.model, options.device)
