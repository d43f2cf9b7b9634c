"""Pseudonyms of patients: a keyed hash, so that nobody without the key can try out ids."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path

import pandas as pd

from monai_fairtune.exceptions import ConfigurationError

__all__ = ["KEY_FILE", "KEY_VARIABLE", "pseudonymize", "read_key"]

KEY_VARIABLE = "FAIRTUNE_PSEUDONYM_KEY"
KEY_FILE = "pseudonym.key"
_FEWEST = 32
_DIGITS = 16


def read_key(folder: Path) -> bytes:
    """Returns the key: of the environment, or of a file in ``folder`` that is made the first time.

    Raises:
        ConfigurationError: if it has fewer than 32 characters.
        OSError: if the file cannot be read or made.
    """
    given = os.environ.get(KEY_VARIABLE)
    where = KEY_VARIABLE if given is not None else f"'{folder / KEY_FILE}'"
    key = (_key_of_file(folder / KEY_FILE) if given is None else given).strip().encode()
    if len(key) < _FEWEST:
        raise ConfigurationError(
            f"The key in {where} has {len(key)} characters. Give at least {_FEWEST}, as openssl rand -hex 32 prints."
        )
    return key


def pseudonymize(ids: pd.Series[str], key: bytes) -> pd.Series[str]:
    """Returns 16 hexadecimal digits for each id: the head of its HMAC with SHA-256."""
    return ids.map({each: hmac.new(key, each.encode(), hashlib.sha256).hexdigest()[:_DIGITS] for each in ids.unique()})


def _key_of_file(path: Path) -> str:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="utf-8")
    with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 - pathlib opens no descriptors
        file.write(secrets.token_hex(32) + "\n")
    return path.read_text(encoding="utf-8")
