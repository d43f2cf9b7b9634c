"""``monai-fairtune worker``: one of many processes of a distributed search."""

from __future__ import annotations

import argparse
from typing import Any

from monai_fairtune.cli.bundle_files import config_file, run_config
from monai_fairtune.cli.overrides import parse_overrides
from monai_fairtune.exceptions import ConfigurationError

__all__ = ["add_parser"]


def add_parser(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "worker",
        help="join a search that many machines share through a database",
        description="Trains for a study in a PostgreSQL database until it is finished: the same line on every machine, "
        "with the options of the search and --storage postgresql://host/database (the password in PGPASSFILE or "
        "PGPASSWORD) and an --output_dir that all share. On SIGTERM and SIGUSR1 it ends its epoch, gives its training "
        "back and exits with code 75.",
    )
    parser.add_argument("--config", nargs="+", metavar="FILE", help="as for search")
    parser.set_defaults(run=run, overrides=[])


def run(options: argparse.Namespace) -> int:
    """Runs the command."""
    from monai_fairtune.search.board import is_server, storage_url

    overrides = parse_overrides(options.overrides)
    storage = overrides.get("storage")
    if storage is None or not is_server(storage_url(str(storage))):
        raise ConfigurationError(
            f"A worker needs a database that others can reach, and the storage is {storage or 'not given'}. Give "
            "--storage postgresql://host/database, or run 'search --n_workers N' for several processes on one machine."
        )
    configs = options.config or [str(config_file("search.yaml"))]
    run_config(configs, {"n_workers": 1, "report": False, **overrides})
    return 0
