"""``monai-fairtune demo``: the whole path on a synthetic cohort, offline."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from monai_fairtune.cli.bundle_files import config_file, run_config

__all__ = ["add_parser"]

_SETTINGS = {
    "attribute": "age:60",
    "split_fractions": [0.35, 0.4, 0.25],
    "backbone": "monai_fairtune.masks.tiny_vit",
    "image_size": 48,
    "max_epochs": 6,
    "batch_size": 32,
    "augmentation": False,
    "learning_rates": [3e-4, 3e-3],
    "n_trials": 16,
    "n_startup_trials": 8,
}


def add_parser(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "demo",
        help="search on a synthetic cohort: no network, no GPU, about three minutes",
        description="Writes a synthetic cohort of PNG and DICOM files in which one subgroup is rarer and shows the "
        "finding differently, searches a mask for a tiny pretrained Vision Transformer, and writes a report.",
    )
    parser.add_argument(
        "--output-dir", default="fairtune-demo", metavar="DIR", help="receives everything (default: fairtune-demo)"
    )
    parser.add_argument("--n-trials", type=int, default=_SETTINGS["n_trials"], help="trainings (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of cohort and search (default: 0)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Runs the command."""
    from monai_fairtune.cohort import write_synthetic_cohort
    from monai_fairtune.masks import TINY_VIT_WEIGHTS

    folder = Path(options.output_dir)
    manifest = folder / "cohort" / "manifest.csv"
    if not manifest.exists():
        write_synthetic_cohort(manifest.parent, seed=options.seed)
    overrides = _SETTINGS | {
        "manifest": str(manifest),
        "weights": str(TINY_VIT_WEIGHTS),
        "output_dir": str(folder),
        "n_trials": options.n_trials,
        "seed": options.seed,
    }
    run_config([str(config_file("search.yaml"))], overrides)
    return 0
