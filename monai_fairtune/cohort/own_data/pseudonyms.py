"""Pseudonyms of patients: a keyed hash, so that nobody without the key can try out ids."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path

import pandas as pd

from monai_fairtune.exceptions import ConfigurationError

__all__ = ["KEY_FILE", "KEY_VARIABLE", "keyed_pseudonym", "pseudonymize", "read_key"]

KEY_VARIABLE = "FAIRTUNE_PSEUDONYM_KEY"
KEY_FILE = "pseudonym.key"
_FEWEST = 32
_DIGITS = 16


def read_key(path: Path | None) -> bytes:
    """Returns the key: of the environment, or of a file that is made the first time.

    Raises:
        ConfigurationError: if there is neither, or it has fewer than 32 characters.
        OSError: if the file cannot be read or made.
    """
    given = os.environ.get(KEY_VARIABLE)
    if given is None and path is None:
        raise ConfigurationError(f"There is no key for the pseudonyms. Name a file for it, or set {KEY_VARIABLE}.")
    where = KEY_VARIABLE if given is not None else f"'{path}'"
    key = (_key_of_file(path) if given is None and path is not None else given or "").strip().encode()
    if len(key) < _FEWEST:
        raise ConfigurationError(
            f"The key in {where} has {len(key)} characters. Give at least {_FEWEST}, as openssl rand -hex 32 prints."
        )
    return key


def keyed_pseudonym(identifier: str, key: bytes) -> str:
    """Returns 16 hexadecimal digits that stand for an id: the head of its HMAC with SHA-256."""
    return hmac.new(key, identifier.encode(), hashlib.sha256).hexdigest()[:_DIGITS]


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
    return path.read_text(encoding="utf-8")
