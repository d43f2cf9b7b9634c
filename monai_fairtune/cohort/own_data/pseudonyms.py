"""Pseudonyms of patients: a keyed hash, so that nobody without the key can try out ids."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import pandas as pd

from monai_fairtune.cohort.prepared import refuse_output_in
from monai_fairtune.exceptions import ConfigurationError
from monai_fairtune.predictions import KEY_VARIABLE, check_key, environment_key, keyed_pseudonym

__all__ = ["KEY_FILE", "pseudonymize", "read_key", "refuse_pseudonyms_in"]

KEY_FILE = "pseudonym.key"


def read_key(path: Path | None) -> bytes:
    """Returns the key: of the environment, or of a file that is made the first time.

    Raises:
        ConfigurationError: if there is neither, or it has fewer than 32 characters.
        OSError: if the file cannot be read or made.
    """
    key = environment_key()
    if key is not None:
        return key
    if path is None:
        raise ConfigurationError(f"There is no key for the pseudonyms. Name a file for it, or set {KEY_VARIABLE}.")
    return check_key(_key_of_file(path), f"'{path}'")


def refuse_pseudonyms_in(root: Path, folder: Path) -> None:
    """Keeps the root as it is, and the key of pseudonyms that an earlier version let a folder in it hold.

    Raises:
        ConfigurationError: if the output folder is the root, or below it.
    """
    try:
        refuse_output_in(root, folder)
    except ConfigurationError as error:
        key = folder / KEY_FILE
        if not key.is_file():
            raise
        raise ConfigurationError(
            f"{error} Move '{key}' there first: with another key, patients get other pseudonyms."
        ) from error


def pseudonymize(ids: pd.Series[str], key: bytes) -> pd.Series[str]:
    """Returns the pseudonym of each id."""
    return ids.map({each: keyed_pseudonym(each, key) for each in ids.unique()})


def _key_of_file(path: Path) -> str:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="utf-8")
    with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 - pathlib opens no descriptors
        file.write(secrets.token_hex(32) + "\n")
        file.flush()
        os.fsync(file.fileno())  # before anything stands under a pseudonym
    return path.read_text(encoding="utf-8")
