"""Where a function changes its sign."""

from __future__ import annotations

import math
from collections.abc import Callable

__all__ = ["crossing"]


def crossing(function: Callable[[float], float], low: float, high: float, tolerance: float = 1e-13) -> float:
    """Returns where a continuous function is 0 between two numbers at which its signs differ.

    SciPy's root finders would do; importing them takes longer than all that is looked for here.

    Args:
        function: of one number.
        low: one end; which sign the function has there does not matter.
        high: the other end.
        tolerance: the step below which the search stops, at most this far from the zero.

    Example:
        >>> round(crossing(lambda x: x**2 - 2, 0.0, 2.0), 12)
        1.414213562373

    Source:
        Ridders, "A new algorithm for computing a single root of a real continuous function", IEEE Transactions on
        Circuits and Systems 26 (1979).
    """
    at_low, at_high = function(low), function(high)
    if at_low == 0 or at_high == 0:
        return low if at_low == 0 else high
    found = math.inf
    while abs(high - low) > tolerance:
        middle = (low + high) / 2
        at_middle = function(middle)
        if at_middle == 0:
            return middle
        bend = at_middle / math.sqrt(at_middle**2 - at_low * at_high)
        before, found = found, middle + (middle - low) * math.copysign(bend, bend * (at_low - at_high))
        at_found = function(found)
        if at_found == 0 or abs(found - before) < tolerance:
            return found
        if (at_middle < 0) != (at_found < 0):
            low, at_low, high, at_high = middle, at_middle, found, at_found
        elif (at_low < 0) != (at_found < 0):
            high, at_high = found, at_found
        else:
            low, at_low = found, at_found
    return (low + high) / 2
