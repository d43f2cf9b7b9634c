"""What a hostile file says: if anything runs it, a file appears."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["Canary"]


@dataclass(frozen=True)
class Canary:
    """A file that exists once code of a hostile input has run.

    Args:
        path: the file; its folder exists.
    """

    path: Path

    @property
    def code(self) -> str:
        """A Python expression that creates the file."""
        return f"__import__('pathlib').Path({str(self.path)!r}).touch()"

    @property
    def shell(self) -> str:
        """A shell command that creates the file."""
        return f"touch {self.path}"

    @property
    def texts(self) -> tuple[str, ...]:
        """Texts that one reader or another would run."""
        return (
            f"${self.code}",
            self.code,
            f"{{{{ {self.code} }}}}",
            f"!!python/object/apply:os.system ['{self.shell}']",
            f"$({self.shell})",
            f"`{self.shell}`",
            f"=cmd|'/C {self.shell}'!A0",
            f"<script>{self.code}</script>",
        )

    def __reduce__(self) -> tuple[object, ...]:
        """Pickles as a call that creates the file."""
        return Path.touch, (self.path,)

    def is_alive(self) -> bool:
        """Says whether nothing has run so far."""
        return not self.path.exists()
