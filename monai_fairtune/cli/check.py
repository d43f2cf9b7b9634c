"""``monai-fairtune check``: what a cohort holds, before any training."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from monai_fairtune.cli.cohort_card import write_card
from monai_fairtune.exceptions import ConfigurationError

__all__ = ["add_parser"]


def add_parser(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "check",
        help="decode every image of a manifest, find leaks, count subgroups, write a cohort card",
        description="Decodes and hashes every image, finds leaks between splits and images that look alike, counts "
        "subgroups, says what goes with the label that should not, and the smallest AUROC gap that the test split can "
        "show. With --output-dir it writes a cohort card and the splits as a file.",
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
    parser.add_argument(
        "--split-by",
        metavar="FILTER",
        help="test on these rows, such as site=B|C or year>=2019, and draw the other splits from other patients",
    )
    parser.add_argument("--split-file", metavar="FILE", help="use the splits of a splits.csv that this command wrote")
    parser.add_argument("--where", metavar="FILTER", help="keep matching rows, such as plane=axial")
    parser.add_argument("--seed", type=int, default=0, help="of the split (default: 0)")
    parser.add_argument(
        "--acquisition",
        nargs="+",
        default=[],
        metavar="COLUMN",
        help="how images came about, such as site scanner kvp:80,100: does it tell label or subgroup?",
    )
    parser.add_argument(
        "--near-duplicates",
        type=int,
        metavar="BITS",
        help="in how many of 256 bits images that look alike may differ (default: 20); "
        "needs pip install 'monai-fairtune[quality]', without which they are not searched for",
    )
    parser.add_argument(
        "--no-images",
        action="store_true",
        help="check the table alone: images are not opened, so that damage, copies and quality stay unknown",
    )
    parser.add_argument(
        "--output-dir", metavar="DIR", help="receives cohort_card.html, cohort_card.json, plots/ and splits.csv"
    )
    parser.add_argument(
        "--suppress-below",
        type=int,
        metavar="N",
        help="withhold subgroups of fewer than N images, patients or images of a class from the card; 10 is usual",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Runs the command."""
    from monai_fairtune.cohort import check_manifest
    from monai_fairtune.subgroups import SensitiveAttribute

    if options.no_images and options.near_duplicates is not None:
        raise ConfigurationError("--near-duplicates needs the images, and --no-images leaves them out. Give one.")
    if options.suppress_below is not None and options.output_dir is None:
        raise ConfigurationError("--suppress-below is about the cohort card. Give --output-dir as well.")
    found = check_manifest(
        Path(options.manifest),
        SensitiveAttribute.parse_all(options.attribute),
        data_root=options.data_root,
        split_fractions=options.split_fractions,
        split_by=options.split_by,
        split_file=options.split_file,
        where=options.where,
        seed=options.seed,
        acquisition=options.acquisition,
        images=not options.no_images,
        near_duplicates=options.near_duplicates,
    )
    card = None
    if options.output_dir is not None:
        card = write_card(found, options.manifest, Path(options.output_dir), suppress_below=options.suppress_below)
    sys.stdout.write(json.dumps(found.to_dict(), indent=1) + "\n" if options.json else found.to_text() + "\n")
    if card is not None:
        out = sys.stderr if options.json else sys.stdout
        print(f"Cohort card: {card}\nsplits.csv there names images: share the card without it.", file=out)
    return 0
