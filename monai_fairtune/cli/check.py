"""``monai-fairtune check``: what a cohort holds, before any training."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

__all__ = ["add_parser"]


def add_parser(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "check",
        help="decode every image of a manifest, find leaks, count subgroups",
        description="Decodes and hashes every image, finds leaks between splits, counts subgroups and says the "
        "smallest AUROC gap that the test split can show.",
    )
    parser.add_argument("manifest", metavar="MANIFEST", help="CSV with image, label, patient_id and attributes")
    parser.add_argument(
        "--attribute", nargs="+", required=True, metavar="A", help="such as sex, age:60, skin_type:1-2,3-6, sex*age:60"
    )
    parser.add_argument(
        "--data-root", metavar="DIR", help="what image paths are relative to; default: the CSV's folder"
    )
    parser.add_argument(
        "--split-fractions", nargs=3, type=float, metavar=("TRAIN", "VALIDATION", "TEST"), help="redraw the splits"
    )
    parser.add_argument("--where", metavar="FILTER", help="keep matching rows, such as plane=axial")
    parser.add_argument("--seed", type=int, default=0, help="of the split (default: 0)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Runs the command."""
    from monai_fairtune.cohort import check_manifest
    from monai_fairtune.subgroups import SensitiveAttribute

    found = check_manifest(
        Path(options.manifest),
        SensitiveAttribute.parse_all(options.attribute),
        data_root=options.data_root,
        split_fractions=options.split_fractions,
        where=options.where,
        seed=options.seed,
    )
    sys.stdout.write(json.dumps(found.to_dict(), indent=1) + "\n" if options.json else found.to_text() + "\n")
    return 0
