"""Seeds that say what they belong to."""

from __future__ import annotations

import hashlib

__all__ = ["derive_seed"]


def derive_seed(*parts: str | int) -> int:
    """Returns a seed in [0, 2**31) that depends on every part, and on nothing else.

    Example:
        >>> derive_seed(0, "mask", 1) == derive_seed(0, "mask", 1) != derive_seed(0, "mask", 2)
        True
    """
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") & 0x7FFFFFFF
