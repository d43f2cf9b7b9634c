"""Outlines of markers, of the sizes that matplotlib gives them."""

from __future__ import annotations

import math
from collections.abc import Mapping

from monai_fairtune.report.plots_shapes import Point

__all__ = ["OUTLINES"]

_REACH = math.sqrt(0.5)
"""Half the diagonal of a square of side 1."""
_SIXTH = 1 / 6

OUTLINES: Mapping[str, tuple[Point, ...]] = {
    "s": ((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)),
    "D": ((0, -_REACH), (_REACH, 0), (0, _REACH), (-_REACH, 0)),
    "d": ((0, -_REACH), (0.6 * _REACH, 0), (0, _REACH), (-0.6 * _REACH, 0)),
    "^": ((0, 0.5), (-0.5, -0.5), (0.5, -0.5)),
    "v": ((0, -0.5), (0.5, 0.5), (-0.5, 0.5)),
    "P": (
        *((-_SIXTH, -0.5), (_SIXTH, -0.5), (_SIXTH, -_SIXTH), (0.5, -_SIXTH), (0.5, _SIXTH), (_SIXTH, _SIXTH)),
        *((_SIXTH, 0.5), (-_SIXTH, 0.5), (-_SIXTH, _SIXTH), (-0.5, _SIXTH), (-0.5, -_SIXTH), (-_SIXTH, -_SIXTH)),
    ),
    "|": ((0, -0.5), (0, 0.5)),
}
"""Marker to the corners of its outline, in units of its size, upwards positive; the circle ``o`` has none."""
