"""``monai-fairtune compare``: models on the same test patients."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from monai_fairtune.cli.audit import add_resampling, resampling_of
from monai_fairtune.exceptions import ConfigurationError

__all__ = ["add_parser"]


def add_parser(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "compare",
        help="compare models on the same test patients",
        description="Reads report.json of each folder, which audit and search have written, and the predictions "
        "kept with it, and compares the first model with each other one, patient by patient: differences with "
        "intervals, non-inferiority, and which subgroups lost. Writes comparison.json.",
    )
    parser.add_argument(
        "folders", nargs="+", metavar="DIR", help="the first holds the candidate, the others its references"
    )
    parser.add_argument(
        "--margin", type=float, default=0.02, help="of non-inferiority in overall AUROC (default: %(default)s)"
    )
    parser.add_argument("--output-dir", metavar="DIR", help="receives comparison.json; default: the first folder")
    parser.add_argument("--min-per-class", type=int, default=10, metavar="N", help="default: %(default)s")
    add_resampling(parser, "at least 100")
    parser.add_argument("--json", action="store_true", help="print comparison.json")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Runs the command."""
    from monai_fairtune.audit import compare_folders, comparison_text
    from monai_fairtune.predictions import write_json

    resampling = resampling_of(options)
    if resampling is None:
        raise ConfigurationError("A comparison without replicates has no interval. Give --replicates 2000.")
    found = compare_folders(
        [Path(folder) for folder in options.folders],
        margin=options.margin,
        min_per_class=options.min_per_class,
        resampling=resampling,
    )
    path = Path(options.output_dir or options.folders[0]) / "comparison.json"
    write_json(path, found)
    out = sys.stderr if options.json else sys.stdout
    print(f"{comparison_text(found)}\n\nComparison: {path}", file=out)
    if options.json:
        print(json.dumps(found, indent=1, allow_nan=False))
    return 0
