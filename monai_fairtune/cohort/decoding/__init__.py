"""From an image file to pixel values in [0, 1]."""

from monai_fairtune.cohort.decoding.decode import SUFFIXES, decode_image

__all__ = ["SUFFIXES", "decode_image"]
