"""Cheap scores for many masks, from the training of one: screening proposes, training decides."""

from monai_fairtune.screening.screen import ScreenedMask, screen_masks

__all__ = ["ScreenedMask", "screen_masks"]
