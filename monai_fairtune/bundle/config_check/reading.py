"""Config files as plain data, within limits."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from monai_fairtune.exceptions import ConfigurationError

__all__ = ["config_files", "not_plain", "read_config"]

_SUFFIXES = (".json", ".yaml", ".yml")
_MAX_BYTES = 1 << 20


class _PlainLoader(yaml.SafeLoader):
    """Refuses aliases, which a few lines can multiply without end, and a key that is there twice."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("it holds an alias")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        _once([(self.construct_object(key, deep=True), None) for key, _ in node.value])
        return super().construct_mapping(node, deep)


def _once(pairs: Sequence[tuple[Any, Any]]) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key!r} is there twice")
        found[key] = value
    return found


def config_files(paths: Sequence[Path]) -> list[Path]:
    """Returns the config files among ``paths``; a bundle's folder stands for every file of its ``configs``.

    Raises:
        ConfigurationError: if there is no such file, or a folder holds none.
    """
    files: list[Path] = []
    for path in paths:
        found = sorted((path / "configs").glob("*")) if path.is_dir() else [path]
        configs = [file for file in found if file.suffix.lower() in _SUFFIXES]
        if not configs or not all(file.is_file() for file in configs):
            raise ConfigurationError(
                f"'{path}' is no config. Give a file that ends in {', '.join(_SUFFIXES)}, or a bundle's folder; "
                "Python is not read."
            )
        files += configs
    return files


def read_config(path: Path) -> dict[Any, Any]:
    """Returns what a file says; nothing in it is executed, expanded or followed.

    Raises:
        ConfigurationError: if it is no mapping, larger than 1 MiB, nested too deeply, or holds a YAML alias, a tag of
            Python, or a key twice.
    """
    try:
        found = _parse(path, _limited(path))
    except OSError as error:
        raise ConfigurationError(f"'{path}' cannot be read: {error.strerror}. Give a config that exists.") from error
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise not_plain(path, error) from error
    if not isinstance(found, dict):
        raise not_plain(path, f"it holds a {type(found).__name__} where a mapping is expected")
    return found


def not_plain(path: Path, reason: object) -> ConfigurationError:
    """Returns the error for a file that is no plain config."""
    told = " ".join(str(reason).split())[:300]
    return ConfigurationError(f"'{path}' cannot be checked: {told}. Write it as plain YAML or JSON.")


def _limited(path: Path) -> str:
    with path.open("rb") as file:
        content = file.read(_MAX_BYTES + 1)
    if len(content) > _MAX_BYTES:
        raise ValueError(f"it is larger than {_MAX_BYTES} bytes")
    return content.decode("utf-8")


def _parse(path: Path, text: str) -> Any:
    if path.suffix.lower() == ".json":
        return json.loads(text, object_pairs_hook=_once)
    return yaml.load(text, _PlainLoader)  # noqa: S506 - it is a SafeLoader
