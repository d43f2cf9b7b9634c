"""The networks of these tests, as a search names them."""

from __future__ import annotations

__all__ = ["PLAIN", "TINY"]

TINY = "monai_fairtune.masks.tiny_vit.tiny_vit"
PLAIN = "monai_fairtune.testing.networks.PlainNetwork"
