"""Pseudonyms of patients and images: the same id has the same one in every file that is written under the same key."""

from __future__ import annotations

import hashlib
import hmac
import os

from monai_fairtune.exceptions import ConfigurationError

__all__ = ["KEY_VARIABLE", "check_key", "environment_key", "keyed_pseudonym", "pseudonym"]

KEY_VARIABLE = "FAIRTUNE_PSEUDONYM_KEY"
"""The environment variable that may hold the key, which no output holds."""

_FEWEST = 32
_DIGITS = 16


def environment_key() -> bytes | None:
    """Returns the key of the environment, or None.

    Raises:
        ConfigurationError: if it has fewer than 32 characters.
    """
    given = os.environ.get(KEY_VARIABLE)
    return None if given is None else check_key(given, KEY_VARIABLE)


def check_key(text: str, where: str) -> bytes:
    """Returns a key from its text.

    Args:
        text: white space around it does not count.
        where: it was found, for the message.

    Raises:
        ConfigurationError: if it has fewer than 32 characters.
    """
    key = text.strip().encode()
    if len(key) < _FEWEST:
        raise ConfigurationError(
            f"The key in {where} has {len(key)} characters. Give at least {_FEWEST}, as openssl rand -hex 32 prints."
        )
    return key


def keyed_pseudonym(identifier: str, key: bytes) -> str:
    """Returns 16 hexadecimal digits that stand for an id: the head of its HMAC with SHA-256."""
    return hmac.new(key, identifier.encode(), hashlib.sha256).hexdigest()[:_DIGITS]


def pseudonym(identifier: str, key: bytes | None = None) -> str:
    """Returns 16 hexadecimal digits that stand for an id: keyed, or without a key the head of its SHA-256.

    Without a key it hides an id from a reader's eye, not from someone who can list the ids that are possible.

    Example:
        >>> pseudonym("patient 7")
        '380e1c6279a5068f'
    """
    if key is not None:
        return keyed_pseudonym(identifier, key)
    return hashlib.sha256(identifier.encode()).hexdigest()[:_DIGITS]
