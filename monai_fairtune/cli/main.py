"""``monai-fairtune``: one command a job."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from monai_fairtune import __version__
from monai_fairtune.cli import check, demo, search
from monai_fairtune.exceptions import ConfigurationError, find_error

__all__ = ["main"]

_COMMANDS = (demo, check, search)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command.

    Args:
        arguments: by default those of the process.

    Returns:
        The exit code: 0 done, 1 failed, 2 wrong usage or bad input, 64 the configuration does not match the study,
        75 try again later, 130 interrupted.
    """
    parser = argparse.ArgumentParser(
        prog="monai-fairtune",
        description="Search which components of a pretrained network to fine-tune, so that a medical image classifier "
        "works best for its worst-off subgroup.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in _COMMANDS:
        command.add_parser(commands)
    options, overrides = parser.parse_known_args(arguments)
    if overrides and not hasattr(options, "overrides"):
        parser.error(f"unrecognized arguments: {' '.join(overrides)}")
    options.overrides = overrides
    try:
        return int(options.run(options))
    except KeyboardInterrupt:
        print("Interrupted. The same command goes on where it stopped.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (ValueError, RuntimeError) as error:
        known = find_error(error)
        if known is None:
            raise
        print(f"monai-fairtune: {known}", file=sys.stderr)
        return known.exit_code


def parse_overrides(arguments: Sequence[str]) -> dict[str, object]:
    """Returns ``--name value`` pairs, values read as YAML where that gives a list, a number or a truth value.

    Raises:
        ConfigurationError: if a name has no value, or a value no name.

    Example:
        >>> parse_overrides(["--attribute", "age:60", "--split_fractions", "[0.6, 0.2, 0.2]", "--seed=1"])
        {'attribute': 'age:60', 'split_fractions': [0.6, 0.2, 0.2], 'seed': 1}
    """
    import yaml

    pairs: dict[str, object] = {}
    rest = [part for argument in arguments for part in _split(argument)]
    if len(rest) % 2 or any(not name.startswith("--") for name in rest[::2]):
        raise ConfigurationError(f"The overrides are {' '.join(arguments)!r}. Give pairs, such as --n_trials 20.")
    for name, value in zip(rest[::2], rest[1::2], strict=True):
        try:
            parsed = yaml.safe_load(value)
        except yaml.YAMLError:
            parsed = value
        pairs[name[2:]] = value if isinstance(parsed, dict) or parsed is None else parsed
    return pairs


def _split(argument: str) -> list[str]:
    name, equals, value = argument.partition("=")
    return [name, value] if argument.startswith("--") and equals else [argument]
