"""``monai-fairtune in-use audit``: a log of answers, window by window."""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path
from typing import Any

from monai_fairtune.cli.audit import add_results, add_windows, asked_results, over_time_of, tell

__all__ = ["add_parser"]


def add_parser(jobs: Any) -> None:
    """Adds the command to those of ``in-use``."""
    parser = jobs.add_parser(
        "audit",
        help="audit the answers of one model over time",
        description="Audits the windows that are over; writes what 'audit' writes. No key is needed.",
    )
    parser.add_argument("log", type=Path, metavar="LOG", help="the log")
    parser.add_argument("--attribute", nargs="+", required=True, metavar="A", help="such as sex, age:60, sex*age:60")
    parser.add_argument("--model", metavar="HEX", help="first digits of its SHA-256, where the log has several")
    parser.add_argument("--threshold", type=float, metavar="P", help="default: the model's, or the reference's")
    windows = add_windows(parser)
    windows.add_argument(
        "--since",
        type=_day,
        metavar="DATE",
        help="the first window holds it, such as 2026-05-31; default: the latest 120 windows",
    )
    add_results(parser)
    parser.set_defaults(run=run)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no date such as 2026-05-31") from error


def run(options: argparse.Namespace) -> int:
    """Runs the command."""
    from monai_fairtune.audit import require_free
    from monai_fairtune.deploy.in_use import audit_log

    require_free(Path(options.output_dir))
    given = {} if options.threshold is None else {"threshold": options.threshold}
    found = audit_log(
        options.log,
        over_time_of(options, "time"),
        model=options.model,
        since=options.since,
        attributes=options.attribute,
        **given,
        **asked_results(options),
    )
    return tell(found, options)
