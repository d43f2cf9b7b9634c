"""Options as MONAI's command line delivers them: numbers and truth values may arrive as text."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from monai_fairtune.exceptions import ConfigurationError

__all__ = ["folder", "is_absent", "mapping", "number", "numbers", "optional", "switch", "text", "texts", "whole"]

_ABSENT = frozenset({"", "null", "none"})
_TRUTH = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
_BETWEEN_NAMES = re.compile(r",\s*(?![\s\d.-])")  # "sex,age:40,60" holds two names: a bin starts with a digit
_Value = TypeVar("_Value")


def is_absent(value: object) -> bool:
    """Says whether an option is null, however it is spelled.

    Example:
        >>> [is_absent(value) for value in (None, "null", "", 0, "download")]
        [True, True, True, False, False]
    """
    return value is None or (isinstance(value, str) and value.strip().lower() in _ABSENT)


def optional(read: Callable[[str, object], _Value], name: str, value: object) -> _Value | None:
    """Returns what ``read`` makes of an option, or None where it is absent."""
    return None if is_absent(value) else read(name, value)


def text(name: str, value: object) -> str:
    """Returns an option that is a name or a path.

    Raises:
        ConfigurationError: if it is absent, or a list or a mapping.
    """
    if is_absent(value) or isinstance(value, (list, tuple, Mapping)):
        raise _refusal(name, value, "a name or a path")
    return str(value)


def folder(name: str, value: object) -> Path:
    """Returns an option that is a folder, ``~`` expanded; it need not exist.

    Raises:
        ConfigurationError: if it is absent, or a file lies there.
    """
    path = Path(text(name, value)).expanduser()
    if path.exists() and not path.is_dir():
        raise ConfigurationError(f"{name} is {value!r}, which is a file. Give a folder.")
    return path


def whole(name: str, value: object) -> int:
    """Returns an option that is a whole number.

    Raises:
        ConfigurationError: if it is none.

    Example:
        >>> whole("image_size", "70"), whole("n_trials", 12.0)
        (70, 12)
    """
    found = number(name, value, wanted="a whole number")
    if found != int(found):
        raise _refusal(name, value, "a whole number")
    return int(found)


def number(name: str, value: object, *, wanted: str = "a number") -> float:
    """Returns an option that is a finite number.

    Raises:
        ConfigurationError: if it is none.

    Example:
        >>> number("learning_rate", "1e-4")
        0.0001
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise _refusal(name, value, wanted)
    try:
        found = float(value)
    except ValueError as error:
        raise _refusal(name, value, wanted) from error
    if found != found or found in (float("inf"), float("-inf")):
        raise _refusal(name, value, wanted)
    return found


def switch(name: str, value: object) -> bool:
    """Returns an option that is on or off.

    Raises:
        ConfigurationError: if it is neither.

    Example:
        >>> switch("augmentation", "false")
        False
    """
    found = _TRUTH.get(str(value).strip().lower())
    if found is None:
        raise _refusal(name, value, "true or false")
    return found


def numbers(name: str, value: object) -> tuple[float, ...]:
    """Returns an option that is a list of numbers.

    Raises:
        ConfigurationError: if it is none.

    Example:
        >>> numbers("split_fractions", "[0.5, 0.3, 0.2]"), numbers("split_fractions", [0.5, "0.3", 0.2])
        ((0.5, 0.3, 0.2), (0.5, 0.3, 0.2))
    """
    parts: object = value.strip("[]() ").split(",") if isinstance(value, str) else value
    if is_absent(value) or not isinstance(parts, (list, tuple)):
        raise _refusal(name, value, "a list of numbers")
    return tuple(number(name, part, wanted="a list of numbers") for part in parts)


def texts(name: str, value: object) -> tuple[str, ...]:
    """Returns an option that is one text or a list of texts.

    Raises:
        ConfigurationError: if it is absent.

    Example:
        >>> texts("attribute", "age:40,60,75"), texts("attribute", "[sex, age:40,60]"), texts("attribute", ["sex"])
        (('age:40,60,75',), ('sex', 'age:40,60'), ('sex',))
    """
    if is_absent(value) or isinstance(value, Mapping):
        raise _refusal(name, value, "a name or a list of names")
    if isinstance(value, (list, tuple)):
        parts = [str(part) for part in value]
    else:
        whole_text = str(value).strip()
        is_list = whole_text.startswith("[") and whole_text.endswith("]")
        parts = _BETWEEN_NAMES.split(whole_text[1:-1]) if is_list else [whole_text]
    return tuple(part.strip().strip("'\"") for part in parts)


def mapping(name: str, value: object) -> dict[str, Any]:
    """Returns an option that is a mapping, or its JSON.

    Raises:
        ConfigurationError: if it is none.
    """
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except json.JSONDecodeError as error:
            raise _refusal(name, value, "a mapping, such as '{\"drop_path_rate\": 0.1}'") from error
    if not isinstance(value, Mapping):
        raise _refusal(name, value, "a mapping, such as '{\"drop_path_rate\": 0.1}'")
    return {str(key): entry for key, entry in value.items()}


def _refusal(name: str, value: object, wanted: str) -> ConfigurationError:
    if is_absent(value):
        return ConfigurationError(f"The option {name} is missing. Give {wanted}: --{name} VALUE.")
    return ConfigurationError(f"{name} is {value!r}. Give {wanted}.")
