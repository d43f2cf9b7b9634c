"""Why something in a config is not allowed."""

from __future__ import annotations

__all__ = ["NotAllowedError"]


class NotAllowedError(Exception):
    """A config does more than a reviewer would let pass unread; the message says what."""
