"""The log of answers, as commands that answer name it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from monai_fairtune.cli.key_file import read_key_file
from monai_fairtune.exceptions import ConfigurationError

if TYPE_CHECKING:
    from monai_fairtune.deploy.in_use import AnswerLog

__all__ = ["add_answer_log", "open_log"]


def add_answer_log(parser: argparse.ArgumentParser) -> None:
    """Adds the option of a command that answers to log what it answers."""
    parser.add_argument(
        "--answer-log", type=Path, metavar="LOG", help="receives each answer with sex and age, for 'in-use audit'"
    )


def open_log(path: Path, key_file: Path | None) -> AnswerLog:
    """Returns a log.

    Raises:
        ConfigurationError: if its key lies beside it.
    """
    from monai_fairtune.deploy.in_use import AnswerLog

    if key_file is not None and key_file.resolve().parent == path.resolve().parent:
        raise ConfigurationError(
            "The key file lies beside the log: whoever copies the folder has both. Keep it elsewhere."
        )
    return AnswerLog(path, read_key_file(key_file))
