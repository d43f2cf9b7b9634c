"""``monai-fairtune status``: how far a search is."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monai_fairtune.cli.recover import add_study_options

if TYPE_CHECKING:
    from monai_fairtune.search.status import SearchStatus

__all__ = ["add_parser", "status_text"]

_CLEAR = "\x1b[2J\x1b[H"


def add_parser(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "status",
        help="show how far a search is",
        description="Shows finished trials, the best objective so far, what each worker is at and the time left. "
        "It reads, and changes nothing.",
    )
    add_study_options(parser)
    parser.add_argument("--watch", action="store_true", help="show it again every few seconds until the search ends")
    parser.add_argument("--every", type=float, default=5.0, metavar="SECONDS", help="for --watch (default: 5)")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Runs the command."""
    from monai_fairtune.search.status import read_status

    while True:
        status = read_status(Path(options.output_dir), options.storage, options.study)
        if options.watch and not options.json and sys.stdout.isatty():
            print(_CLEAR, end="")
        print(json.dumps(status.to_dict()) if options.json else status_text(status), flush=True)
        if not options.watch or status.is_finished:
            return 0
        time.sleep(options.every)


def status_text(status: SearchStatus) -> str:
    """Returns a status as a few lines for a terminal."""
    states = ", ".join(f"{n} {state}" for state, n in sorted(status.trials.items())) or "none yet"
    lines = [
        "Finished." if status.is_finished else f"{sum(status.trials.values())} of {status.n_trials} trials.",
        f"Trials: {states}; {status.n_retrainings} retrainings of finalists.",
    ]
    lines += [f"Best {name} on validation so far: {value:.3f}" for name, value in status.best.items()]
    if status.seconds_per_training is not None:
        lines.append(f"Seconds a training: {status.seconds_per_training:.1f}")
    if status.seconds_left is not None:
        workers = f"{len(status.running)} worker{'s' if len(status.running) > 1 else ''}"
        lines.append(f"About {_duration(status.seconds_left)} left with {workers}.")
    lines += [f"  {job.worker:<30} {job.doing}  (lease {job.lease_seconds:.0f} s)" for job in status.running]
    if status.n_waiting:
        lines.append(f"{status.n_waiting} jobs wait for a worker.")
    if status.faults:
        found = ", ".join(f"{n} {fault.replace('_', ' ')}" for fault, n in sorted(status.faults.items()))
        lines.append(f"Attempts that failed: {found}.")
    return "\n".join(lines)


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{seconds:.0f} s" if minutes < 2 else f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"
