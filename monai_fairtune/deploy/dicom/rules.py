"""What a file must comply with before a model sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeAlias

from monai_fairtune.deploy.classifier import IntendedUse
from monai_fairtune.exceptions import ConfigurationError

__all__ = ["Frame", "ReadingLimits", "ReadingRules"]

Frame: TypeAlias = int | Literal["middle"]
"""Which frame of several is the image: its number from 1, or the middle one, the earlier of two."""


@dataclass(frozen=True)
class ReadingLimits:
    """What reading one file may take.

    Attributes:
        n_bytes: of the file, at most.
        n_pixels: rows times columns of the image, at most; larger ones are refused before they are decoded.
        seconds: for one file, at most.
        n_memory: bytes of address space of the process that reads, at most.
    """

    n_bytes: int = 1 << 29
    n_pixels: int = 1 << 26
    seconds: float = 30.0
    n_memory: int = 1 << 32

    def __post_init__(self) -> None:
        if min(self.n_bytes, self.n_pixels, self.seconds, self.n_memory) <= 0:
            raise ConfigurationError(f"A limit of reading is not above 0: {self}. Give positive limits.")


@dataclass(frozen=True)
class ReadingRules:
    """What a file must comply with.

    Attributes:
        use: which images the model may answer for.
        limits: what reading one file may take.
        frame: which frame of several is the image; with None, files of several frames are refused.
    """

    use: IntendedUse = field(default_factory=IntendedUse)
    limits: ReadingLimits = field(default_factory=ReadingLimits)
    frame: Frame | None = None

    def __post_init__(self) -> None:
        if isinstance(self.frame, int) and self.frame < 1:
            raise ConfigurationError(f"The frame is {self.frame}. Give a number from 1, or 'middle'.")

    def to_dict(self) -> dict[str, Any]:
        """Returns plain data, for :meth:`from_dict` in another process."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ReadingRules:
        """Returns what :meth:`to_dict` was called on, also after a way through JSON."""
        use: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in data["use"].items()
        }
        return cls(IntendedUse(**use), ReadingLimits(**data["limits"]), data["frame"])
