"""Options of a command line as data: MONAI would run them as code."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from monai_fairtune.bundle.command_line import unknown_option
from monai_fairtune.exceptions import ConfigurationError

if TYPE_CHECKING:
    from monai.bundle import ConfigParser

__all__ = ["set_options"]

_PARTS = frozenset({"imports", "initialize", "run", "finalize"})  # also where they are empty
_MARKS = re.compile("[$@%#]")  # with these MONAI begins code, references and macros, and separates ids


def set_options(parser: ConfigParser, options: Mapping[str, object]) -> None:
    """Sets options of a config to the very values given, whatever text they hold.

    MONAI evaluates a value that begins with ``$``, follows one that begins with ``@`` or ``%``, and instantiates a
    mapping with ``_target_``. Here ``$x.csv`` is the name of a file.

    Args:
        parser: holds the config, not yet parsed.
        options: by name; the values are text, numbers, truth values, None, or lists of these.

    Raises:
        ConfigurationError: if the config has no such option, what goes by the name is a part of the config rather
            than an option, or a list holds something else.
    """
    config = parser.get()
    names = [name for name in config if name.isidentifier() and name not in _PARTS and not _is_built(config[name])]
    for name, value in options.items():
        if name not in names:
            raise unknown_option(name, names)
        parser[name] = _as_data(name, value)


def _is_built(value: object) -> bool:
    """Says whether an entry of a config describes what is built or run, and is no default of an option."""
    if isinstance(value, list):
        return any(isinstance(each, Mapping) or (isinstance(each, str) and _MARKS.match(each)) for each in value)
    return isinstance(value, Mapping)


def _as_data(name: str, value: object) -> object:
    if isinstance(value, (list, tuple)):
        return [_as_data(name, each) for each in value]
    if isinstance(value, Mapping):
        raise ConfigurationError(f"--{name} holds the mapping {dict(value)!r}. Give names or numbers.")
    if isinstance(value, str) and _MARKS.search(value):
        return "$" + _MARKS.sub(
            lambda mark: f"\\x{ord(mark[0]):02x}", ascii(value)
        )  # an expression that is only a text
    return value
