"""Whose sample each row is, as text that repeats once and whole numbers that repeat cheaply."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from monai_fairtune.exceptions import PredictionsError

__all__ = ["Identifiers"]

_T = TypeVar("_T", bound=np.generic)


@dataclass(frozen=True, eq=False)
class Identifiers:
    """The identifier of each of ``n`` samples; equal text is one identifier, so 7 and ``"7"`` are the same.

    Args:
        names: the distinct identifiers, sorted as text.
        codes: shape ``(n,)``, a position in ``names``.

    Example:
        >>> patients = Identifiers.read(["p2", "p1", "p2"])
        >>> patients.codes.tolist(), patients.n
        ([1, 0, 1], 2)
    """

    names: NDArray[np.str_]
    codes: NDArray[np.int64]

    @classmethod
    def read(cls, values: ArrayLike, what: str = "patient ids") -> Identifiers:
        """Returns the identifiers of a vector.

        Args:
            values: shape ``(n,)``, text or numbers, none missing.
            what: names them in messages.

        Raises:
            PredictionsError: if one is missing, or it is no vector.
        """
        given = values if isinstance(values, pd.Series) else np.asarray(values)
        if given.ndim != 1:
            raise PredictionsError(f"The {what} have shape {given.shape}. Give one value a label.")
        rows, distinct = pd.factorize(given)
        n_missing = int(np.count_nonzero(rows < 0))
        if n_missing:
            raise PredictionsError(
                f"{n_missing} of {len(rows)} {what} are missing. "
                "Give every image one: those without would count as the same."
            )
        names, position = np.unique(np.array([str(value) for value in distinct], dtype=np.str_), return_inverse=True)
        return cls(_frozen(names), _frozen(position[rows]))

    @classmethod
    def count(cls, n: int) -> Identifiers:
        """Returns ``n`` identifiers that all differ: the positions."""
        return cls(_frozen(np.arange(n).astype(np.str_)), _frozen(np.arange(n)))

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def n(self) -> int:
        """How many there are that differ."""
        return len(self.names)

    @cached_property
    def text(self) -> NDArray[np.str_]:
        """The identifier of each sample, as text: shape ``(n,)``."""
        return _frozen(self.names[self.codes])

    def n_among(self, member: NDArray[np.bool_]) -> int:
        """Returns how many there are that differ among the samples where ``member`` is true.

        Example:
            >>> Identifiers.read(["p2", "p1", "p2"]).n_among(np.array([True, False, True]))
            1
        """
        return int(np.count_nonzero(np.bincount(self.codes[member], minlength=self.n)))

    def take(self, index: ArrayLike) -> Identifiers:
        """Returns the identifiers at ``index`` (integers or a bool mask)."""
        chosen = self.codes[np.asarray(index)]
        is_used = np.bincount(chosen, minlength=self.n) > 0
        position = np.cumsum(is_used) - 1
        return Identifiers(_frozen(self.names[is_used]), _frozen(position[chosen]))


def _frozen(array: NDArray[_T]) -> NDArray[_T]:
    array.setflags(write=False)
    return array
