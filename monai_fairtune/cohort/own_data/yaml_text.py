"""YAML whose scalars are text: a cell ``no``, ``007`` or ``1`` is neither a Boolean nor a number."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import yaml

from monai_fairtune.exceptions import ConfigurationError

__all__ = ["flow", "read_yaml", "write_section"]

_WIDTH = 110


class _TextLoader(yaml.SafeLoader):
    """Resolves null alone, and refuses a key that is there twice."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        repeated = sorted({str(key) for key in keys if keys.count(key) > 1})
        if repeated:
            raise yaml.constructor.ConstructorError(None, None, f"{repeated} stand there twice", node.start_mark)
        return super().construct_mapping(node, deep)


class _PlainDumper(yaml.SafeDumper):
    """Writes a blank key as ``'': value``, where yaml would write a question mark."""

    def check_simple_key(self) -> bool:
        is_blank = isinstance(self.event, yaml.ScalarEvent) and self.event.value == ""
        return is_blank or bool(super().check_simple_key())


_TextLoader.yaml_implicit_resolvers = {
    first: [resolver for resolver in resolvers if resolver[0] == "tag:yaml.org,2002:null"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_yaml(path: Path) -> Any:
    """Returns what a file says: dictionaries, lists, text and None.

    Raises:
        ConfigurationError: if it cannot be read.
    """
    try:
        return yaml.load(path.read_text(encoding="utf-8"), _TextLoader)  # noqa: S506 - it is a SafeLoader
    except OSError as error:
        raise ConfigurationError(f"'{path}' cannot be read: {error.strerror}. Give the mapping's path.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise ConfigurationError(f"'{path}' is not YAML: {reason[:300]}. Correct it there.") from error


def flow(value: Any) -> str:
    """Returns a value in one line, as it can be copied into a file."""
    return _dumped(value, default_flow_style=True, width=math.inf).strip()


def write_section(name: str, value: Any, comments: tuple[str, ...]) -> str:
    """Returns one key of a file with comments above it."""
    body = _dumped({name: value}, width=_WIDTH)
    return "".join(f"# {line}\n" for comment in comments for line in comment.splitlines()) + body


def _dumped(value: Any, **how: Any) -> str:
    return str(yaml.dump(value, Dumper=_PlainDumper, sort_keys=False, allow_unicode=True, **how))
