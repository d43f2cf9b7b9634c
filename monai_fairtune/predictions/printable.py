"""Text as a terminal shows it and does not obey it."""

from __future__ import annotations

import unicodedata

__all__ = ["printable"]


def printable(text: str) -> str:
    r"""Returns the text with control characters, which could steer a terminal or reorder a line, made visible.

    Example:
        >>> printable("a\x1b[2Jb")
        'a�[2Jb'
    """
    return "".join("\N{REPLACEMENT CHARACTER}" if unicodedata.category(c)[0] == "C" else c for c in text)
