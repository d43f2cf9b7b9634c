"""``monai-fairtune recover``: repair after faults."""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path
from typing import Any

__all__ = ["add_parser", "add_study_options"]


def add_parser(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "recover",
        help="repair a search after faults",
        description="Checks every stored result, moves damaged ones aside so that they are trained again, deletes "
        "half-written files, takes back the leases of dead workers and lets jobs wait again that were given up. A "
        "search that is simply started again does most of this by itself.",
    )
    add_study_options(parser)
    parser.add_argument(
        "--workers",
        metavar="NAME",
        help="take back the leases of workers whose names (host:process, as status shows them) start so",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def add_study_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options that say which study."""
    parser.add_argument("--output-dir", required=True, metavar="DIR", help="of the search")
    parser.add_argument("--storage", help="as the search was given it; default: study.db in DIR")
    parser.add_argument("--study", default="monai-fairtune", help="its name in the storage (default: %(default)s)")


def run(options: argparse.Namespace) -> int:
    """Runs the command."""
    from monai_fairtune.search.recovery import recover

    found = recover(Path(options.output_dir), options.storage, options.study, workers=options.workers)
    if options.json:
        print(json.dumps(dataclasses.asdict(found)))
        return 0
    print(f"{found.n_results} results are sound; {found.n_damaged} were damaged and moved aside.")
    print(f"{found.n_half_written} half-written files deleted, {found.n_released} leases taken back, ", end="")
    print(f"{found.n_requeued} jobs wait again that were given up.")
    print("The search's own command goes on where it was.")
    return 0
