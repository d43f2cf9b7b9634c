"""Lines that fit a console."""

from __future__ import annotations

import textwrap

__all__ = ["WIDTH", "wrapped"]

WIDTH = 98
"""In characters."""


def wrapped(text: str, *, first: str = "", indent: str = "  ") -> list[str]:
    """Returns lines of at most ``WIDTH`` characters. Only a word that is longer is cut, so that names can be copied.

    Args:
        text: of one paragraph.
        first: what the first line begins with.
        indent: what the others begin with.

    Example:
        >>> wrapped("sex female, male", first="- ")
        ['- sex female, male']
    """
    return textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=indent, break_on_hyphens=False)
