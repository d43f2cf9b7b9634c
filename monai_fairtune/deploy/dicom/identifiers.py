"""Identifiers that are the same whenever the same is answered again."""

from __future__ import annotations

import hashlib
import uuid

__all__ = ["code_of", "derived_uid"]

_NAMESPACE = uuid.UUID("9d5f0a3e-6a0b-5c57-9c3a-3f6f9a6f2f11")
_LONGEST_CODE = 16


def derived_uid(*parts: str) -> str:
    """Returns a DICOM UID that depends on ``parts`` alone: a name-based UUID below the root 2.25.

    Example:
        >>> derived_uid("1.2.3", "series") == derived_uid("1.2.3", "series") != derived_uid("1.2", ".3series")
        True

    Source:
        DICOM PS3.5, B.2; RFC 9562, 5.5.
    """
    return f"2.25.{uuid.uuid5(_NAMESPACE, chr(0).join(parts)).int}"


def code_of(prefix: str, text: str) -> str:
    """Returns a code value of 16 characters that stands for ``text`` alone.

    Example:
        >>> code_of("CLASS", "melanoma")
        'CLASS-391406B656'
    """
    digits = hashlib.sha256(text.encode()).hexdigest().upper()
    return f"{prefix}-{digits}"[:_LONGEST_CODE]
