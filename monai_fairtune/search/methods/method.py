"""What a search method is: it proposes what to train next, from what is known, and remembers nothing."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from monai_fairtune.exceptions import ConfigurationError
from monai_fairtune.search.space import SearchSpace

__all__ = ["Direction", "Observation", "Proposal", "SearchMethod"]

Direction = Literal["minimize", "maximize"]


@dataclass(frozen=True)
class Observation:
    """What a method may know of one finished trial.

    Args:
        parameters: mask bits by component name, and the learning rate.
        state: complete, pruned or failed.
        values: one for each objective; None unless complete.
        violations: by constraint's name; the trial is feasible where all are at or below 0. Empty if failed.
        intermediate: the first objective by epoch.
        notes: what the method said of its own proposal.
    """

    parameters: Mapping[str, Any]
    state: Literal["complete", "pruned", "failed"]
    values: tuple[float, ...] | None = None
    violations: Mapping[str, float] = field(default_factory=dict)
    intermediate: Mapping[int, float] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Proposal:
    """What to train next.

    Args:
        parameters: mask bits by component name, and the learning rate.
        notes: plain JSON that the method wants to see again with the observation.
    """

    parameters: Mapping[str, Any]
    notes: Mapping[str, Any] = field(default_factory=dict)


class SearchMethod(ABC):
    """Proposes masks and learning rates.

    A proposal is a function of its arguments alone, so that a study which was interrupted, or runs on several
    workers, proposes the same.

    Attributes:
        name: as configurations spell it.
        advice: when to use it, in one sentence.
        takes_several_objectives: whether it can search a Pareto front.
    """

    name: ClassVar[str]
    advice: ClassVar[str]
    takes_several_objectives: ClassVar[bool] = False

    @property
    @abstractmethod
    def description(self) -> str:
        """The sampler and its pinned arguments, for the report."""

    def check(self, space: SearchSpace, directions: Sequence[Direction]) -> None:  # noqa: ARG002
        """Refuses what the method cannot search, before anything is trained.

        Raises:
            ConfigurationError: if there are several objectives and the method takes one.
        """
        if len(directions) > 1 and not self.takes_several_objectives:
            raise ConfigurationError(
                f"Method {self.name!r} takes one objective and {len(directions)} are given. "
                "Name one objective, or choose a method that searches a Pareto front."
            )

    @abstractmethod
    def propose(
        self,
        space: SearchSpace,
        history: Sequence[Observation],
        directions: Sequence[Direction],
        *,
        seed: int,
        attempt: int = 0,
    ) -> Proposal | None:
        """Returns what to train next, or None where the method has nothing left to propose.

        Args:
            space: of masks and learning rates.
            history: finished trials within the space, in the order of their numbers; as trials finish, it grows at
                its end.
            directions: of each objective.
            seed: fixes the draw.
            attempt: counts from 0 the proposals for the same trial that the search could not use, since the mask
                was trained before or tunes too much.
        """
