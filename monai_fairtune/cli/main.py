"""``monai-fairtune``: one command a job."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence

from monai_fairtune import __version__
from monai_fairtune.cli import (
    audit,
    check,
    check_config,
    compare,
    demo,
    dicom,
    export,
    in_use,
    prepare,
    recover,
    search,
    status,
    worker,
)
from monai_fairtune.exceptions import find_error

__all__ = ["main"]

_COMMANDS = (demo, prepare, check, check_config, audit, search, worker, status, recover, compare, export, dicom, in_use)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command.

    Args:
        arguments: by default those of the process.

    Returns:
        The exit code: 0 done, 1 failed, 2 wrong usage or bad input, 64 the configuration does not match the study,
        75 try again later, 130 interrupted.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a name that a terminal cannot show ends no command
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
