"""Which mask is trained again with a fresh seed, and when."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from monai_fairtune.search.candidates import Candidate
from monai_fairtune.search.noise import shrunken_estimates

__all__ = ["is_repeat_turn", "most_promising"]

_N_PROMISING = 5


def is_repeat_turn(turn: int, share: float) -> bool:
    """Says whether a turn trains again; ``share`` of the turns do, evenly spread.

    Args:
        turn: from 0 for the first after the start-up; below 0 is the start-up.
        share: from 0 to 1.

    Example:
        >>> [turn for turn in range(20) if is_repeat_turn(turn, 0.2)]
        [4, 9, 14, 19]
    """
    return turn >= 0 and math.floor((turn + 1) * share + 1e-9) > math.floor(turn * share + 1e-9)


def most_promising(
    candidates: Sequence[Candidate], score: Callable[[float], float], n_promising: int = _N_PROMISING
) -> Candidate | None:
    """Returns the candidate to train again: of the best few, the one with the fewest seeds, the better if they tie.

    The best few are those with the best estimates of their true value. So the repeats go where the answer is decided,
    and a mask that was only lucky falls out of the few once its next values are known.

    Args:
        candidates: complete and feasible, in the order of their first trials.
        score: makes a larger value the better one.
        n_promising: how many are the best few.
    """
    estimates = shrunken_estimates([one.values for one in candidates])
    order = sorted(range(len(candidates)), key=lambda at: (-score(estimates[at]), at))
    few = [candidates[at] for at in order[:n_promising]]
    return min(few, key=lambda one: len(one.values), default=None)
