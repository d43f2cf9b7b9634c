"""Lines that fit a console."""

from __future__ import annotations

import textwrap

__all__ = ["WIDTH", "n_of", "wrapped"]

WIDTH = 98
"""In characters."""


def n_of(n: int, what: str) -> str:
    """Returns how many there are of what.

    Example:
        >>> n_of(1, "image"), n_of(2, "image")
        ('1 image', '2 images')
    """
    return f"{n} {what}{'s' * (n != 1)}"


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
