"""Which subgroup each sample belongs to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monai_fairtune.exceptions import PredictionsError

__all__ = ["MISSING", "Subgroups"]

MISSING = -1
"""The code of a sample whose attribute is not recorded."""


@dataclass(frozen=True, eq=False)
class Subgroups:
    """The subgroup of each of ``n`` samples under one sensitive attribute.

    Names are the identity of a subgroup; codes only point at them, so that a subgroup which is absent from a split
    or a batch stays itself.

    Args:
        attribute: the declaration, such as ``"age:60"``.
        names: every subgroup of the cohort, in a fixed order.
        codes: shape ``(n,)``, integers: a position in ``names``, or -1 where the attribute is missing.

    Raises:
        PredictionsError: if a code is not a whole number or points at no name, or two names are equal.

    Example:
        >>> sex = Subgroups("sex", ("female", "male"), [0, 1, -1, 1])
        >>> sex.n_missing, sex.counts()
        (1, {'female': 1, 'male': 2})
    """

    attribute: str
    names: tuple[str, ...]
    codes: NDArray[np.int64]

    def __init__(self, attribute: str, names: tuple[str, ...], codes: ArrayLike) -> None:
        given = np.asarray(codes)
        if given.size and given.dtype.kind not in "iu":
            raise PredictionsError(
                f"Subgroup codes of attribute {attribute!r} are of type {given.dtype}. "
                f"Give whole numbers, from -1 (missing) to {len(names) - 1}."
            )
        array = given.astype(np.int64)
        if array.ndim != 1 or (array.size and (array.min() < MISSING or array.max() >= len(names))):
            raise PredictionsError(
                f"Subgroup codes of attribute {attribute!r} have shape {array.shape} and values "
                f"{np.unique(array)[:5].tolist()} for {len(names)} subgroups. "
                f"Give one code a sample, from -1 (missing) to {len(names) - 1}."
            )
        if len(set(names)) != len(names):
            raise PredictionsError(f"Subgroup names {list(names)} repeat. Give each subgroup one name.")
        array.setflags(write=False)
        object.__setattr__(self, "attribute", attribute)
        object.__setattr__(self, "names", tuple(names))
        object.__setattr__(self, "codes", array)

    @classmethod
    def cross(cls, attribute: str, parts: Sequence[Subgroups]) -> Subgroups:
        """Returns the subgroups of an intersection: missing where one of its parts is.

        Args:
            attribute: the intersection's declaration.
            parts: the subgroups of the same samples under each of its attributes.

        Example:
            >>> sex, age = Subgroups("sex", ("f", "m"), [0, 1, -1]), Subgroups("age:60", ("<60", ">=60"), [1, 0, 0])
            >>> Subgroups.cross("sex*age:60", [sex, age]).counts()
            {'f & <60': 0, 'f & >=60': 1, 'm & <60': 1, 'm & >=60': 0}
        """
        names = tuple(" & ".join(combination) for combination in product(*(part.names for part in parts)))
        codes = np.zeros(len(parts[0]), dtype=np.int64)
        for part in parts:
            codes = codes * len(part.names) + part.codes
        missing = np.any([part.codes == MISSING for part in parts], axis=0)
        return cls(attribute, names, np.where(missing, MISSING, codes))

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def n_missing(self) -> int:
        """How many samples have no recorded value."""
        return int(np.count_nonzero(self.codes == MISSING))

    def member(self, name: str) -> NDArray[np.bool_]:
        """Returns which samples belong to the subgroup ``name``: shape ``(n,)``, bool.

        Raises:
            PredictionsError: if no subgroup has this name.
        """
        if name not in self.names:
            raise PredictionsError(
                f"Attribute {self.attribute!r} has no subgroup {name!r}. Its subgroups are {list(self.names)}."
            )
        return np.asarray(self.codes == self.names.index(name))

    def items(self) -> Iterator[tuple[str, NDArray[np.bool_]]]:
        """Yields each subgroup's name and its members, empty subgroups included."""
        for name in self.names:
            yield name, self.member(name)

    def counts(self) -> dict[str, int]:
        """Returns the number of samples of each subgroup."""
        return {name: int(member.sum()) for name, member in self.items()}

    def take(self, index: ArrayLike) -> Subgroups:
        """Returns the samples at ``index`` (integers or a bool mask), under the same names."""
        return Subgroups(self.attribute, self.names, self.codes[np.asarray(index)])
