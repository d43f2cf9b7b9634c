"""``monai-fairtune search``: the bundle's search."""

from __future__ import annotations

import argparse
from typing import Any

from monai_fairtune.cli.bundle_files import config_file, run_config
from monai_fairtune.cli.overrides import parse_overrides

__all__ = ["add_parser"]


def add_parser(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "search",
        help="search a mask for a cohort of your own",
        description="Runs a bundle's search. Everything else on the line overrides the config: --manifest M "
        "--attribute age:60 --backbone NAME --weights FILE --image_size 224 --n_trials 50 --output_dir DIR ...",
    )
    parser.add_argument(
        "--config",
        nargs="+",
        metavar="FILE",
        help="config files, later ones override; default: the shipped search.yaml",
    )
    parser.set_defaults(run=run, overrides=[])


def run(options: argparse.Namespace) -> int:
    """Runs the command."""
    configs = options.config or [str(config_file("search.yaml"))]
    run_config(configs, parse_overrides(options.overrides))
    return 0
