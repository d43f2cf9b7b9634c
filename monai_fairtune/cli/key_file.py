"""The key of the pseudonyms, as commands name it."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from monai_fairtune.exceptions import ConfigurationError

__all__ = ["add_key_file", "read_key_file"]


def add_key_file(parser: argparse.ArgumentParser, what: str) -> None:
    """Adds the option of the key of the pseudonyms."""
    parser.add_argument("--key-file", type=Path, metavar="FILE", help=f"key {what}. Or set FAIRTUNE_PSEUDONYM_KEY")


def read_key_file(key_file: Path | None) -> bytes:
    """Returns the key of the pseudonyms.

    Raises:
        ConfigurationError: if there is none, there are two, or it cannot be read or made.
    """
    from monai_fairtune.cohort.own_data.pseudonyms import read_key
    from monai_fairtune.predictions import KEY_VARIABLE

    if key_file is not None and KEY_VARIABLE in os.environ:
        raise ConfigurationError(f"Both --key-file and {KEY_VARIABLE} are given. Give one key.")
    try:
        return read_key(key_file)
    except OSError as error:
        raise ConfigurationError(
            f"The key file cannot be read or made: {error.strerror}. Give another --key-file."
        ) from error
