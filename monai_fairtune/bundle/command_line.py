"""What was asked of ``python -m monai.bundle``, and whether the config understands it."""

from __future__ import annotations

import difflib
import inspect
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from monai_fairtune.exceptions import ConfigurationError

__all__ = ["refuse_unknown_options", "runs_monai_bundle", "unknown_option"]

_TRACKING = frozenset({"tracking_uri", "experiment_name", "run_name", "save_execute_config", "workflow_type"})


def runs_monai_bundle() -> bool:
    """Says whether this process is ``python -m monai.bundle``, under torchrun or not."""
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    return spec is not None and spec.name == "monai.bundle.__main__"


def refuse_unknown_options(arguments: Sequence[str]) -> None:
    """Refuses options that neither MONAI nor the config files on the line know.

    Args:
        arguments: the command line after the program's name, such as ``["run", "--config_file", "search.yaml"]``.

    Raises:
        ConfigurationError: naming the option, and one that it resembles.
    """
    from monai.bundle.scripts import run

    given = _options(arguments)
    known = set(inspect.signature(run).parameters) | _TRACKING
    for path in _config_files(given):
        known |= set(_read(path))
    for name in given:
        key = name.removeprefix("+").replace("#", "::").split("::")[0]
        if key not in known and key.removeprefix("no") not in known:
            raise unknown_option(name, known, key)


def unknown_option(name: str, known: Iterable[str], key: str | None = None) -> ConfigurationError:
    """Returns the error for an option that does not exist, naming one that it resembles.

    Args:
        name: as given, without its dashes.
        known: names that exist.
        key: the part of the name that was looked for among them; by default all of it.
    """
    close = difflib.get_close_matches(key or name, known, n=1)
    hint = f"Did you mean --{close[0]}?" if close else "The bundle's docs/README.md lists the options."
    return ConfigurationError(f"There is no option --{name}. {hint}")


def _options(arguments: Sequence[str]) -> dict[str, str]:
    """Returns option names, spelled as Fire reads them, and the text that follows each."""
    options: dict[str, str] = {}
    for position, argument in enumerate(arguments):
        if argument.startswith("--") and len(argument) > 2:
            name, equals, value = argument[2:].partition("=")
            following = arguments[position + 1] if position + 1 < len(arguments) else ""
            options[name.replace("-", "_")] = value if equals else following
    return options


def _config_files(given: dict[str, str]) -> list[Path]:
    listed = given.get("config_file", "").strip("[]() ").split(",")
    paths = [Path(part.strip(" '\"")) for part in listed]
    return [path for path in paths if path.is_file()]


def _read(path: Path) -> dict[str, Any]:
    from monai.bundle import ConfigParser

    return dict(ConfigParser.load_config_file(path))
