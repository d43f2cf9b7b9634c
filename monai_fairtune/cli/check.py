"""``monai-fairtune check``: what a cohort holds, before any training."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import replace
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
        "show. With --output-dir it writes a cohort card and the splits as a file. Exit code 1: something must be "
        "mended, or a search would refuse each attribute given.",
    )
    parser.add_argument("manifest", metavar="MANIFEST", help="CSV with image, label, patient_id and attributes")
    parser.add_argument(
        "--attribute", nargs="+", required=True, metavar="A", help="such as sex, age:60, skin_type:1-2,3-6, sex*age:60"
    )
    parser.add_argument(
        "--min-per-class",
        type=int,
        metavar="N",
        help="fewest positives, and fewest negatives, of a subgroup; default: as for a search",
    )
    _add_splits(parser)
    _add_images(parser)
    _add_card(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def _add_splits(parser: argparse.ArgumentParser) -> None:
    """Adds the options of which rows are used, and for what."""
    parser.add_argument(
        "--split-fractions", nargs=3, type=float, metavar=("TRAIN", "VALIDATION", "TEST"), help="redraw the splits"
    )
    parser.add_argument(
        "--split-by",
        metavar="FILTER",
        help="test on these rows, such as site=B|C or year>=2019, and draw the other splits from other patients",
    )
    parser.add_argument("--split-file", metavar="FILE", help="use the splits of a splits.csv that this command wrote")
    parser.add_argument(
        "--folds",
        type=int,
        metavar="K",
        help="for cross-validation: also write K files of splits, each of which tests on another part of the patients",
    )
    parser.add_argument("--where", metavar="FILTER", help="keep matching rows, such as plane=axial")
    parser.add_argument("--seed", type=int, default=0, help="of the split (default: 0)")


def _add_images(parser: argparse.ArgumentParser) -> None:
    """Adds the options of where images are, how they came about and whether they are opened."""
    parser.add_argument(
        "--data-root", metavar="DIR", help="what image paths are relative to; default: the CSV's folder"
    )
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


def _add_card(parser: argparse.ArgumentParser) -> None:
    """Adds the options of the cohort card."""
    parser.add_argument(
        "--output-dir", metavar="DIR", help="receives cohort_card.html, cohort_card.json, plots/, splits.csv and folds/"
    )
    parser.add_argument(
        "--suppress-below",
        type=int,
        metavar="N",
        help="withhold subgroups of fewer than N images, patients or images of a class from the card; 10 is usual",
    )


def run(options: argparse.Namespace) -> int:
    """Runs the command."""
    from monai_fairtune.cohort import check_manifest, draw_test_folds
    from monai_fairtune.cohort.eligibility import DEFAULT_MIN_PER_CLASS
    from monai_fairtune.subgroups import SensitiveAttribute

    _refuse_contradictions(options)
    attributes = SensitiveAttribute.parse_all(options.attribute)
    how_to_split: dict[str, Any] = {
        "split_fractions": options.split_fractions,
        "where": options.where,
        "seed": options.seed,
    }
    folds = None  # drawn first: those that cannot be had are refused before every image is decoded
    if options.folds is not None:
        folds = draw_test_folds(options.manifest, attributes, options.folds, **how_to_split)
    found = check_manifest(
        Path(options.manifest),
        attributes,
        data_root=options.data_root,
        split_by=options.split_by,
        split_file=options.split_file,
        acquisition=options.acquisition,
        images=not options.no_images,
        near_duplicates=options.near_duplicates,
        min_per_class=DEFAULT_MIN_PER_CLASS if options.min_per_class is None else options.min_per_class,
        **how_to_split,
    )
    if folds is not None:
        found = replace(found, folds=folds.splits)
    told, told_as_text = found.to_dict(), [found.to_text()]
    also = []
    if options.output_dir is not None:
        card = write_card(found, options.manifest, Path(options.output_dir), suppress_below=options.suppress_below)
        also.append(f"Cohort card: {card}\nsplits.csv there names images: share the card without it.")
    if folds is not None:  # written last: what ends the command above leaves the folds of an earlier call
        told["folds"] = folds.write(options.output_dir)
        told_as_text.append(_folds_text(told["folds"]))
    print(json.dumps(told, indent=1) if options.json else "\n".join(told_as_text))
    print(*also, sep="\n", end="\n" if also else "", file=sys.stderr if options.json else sys.stdout)
    return 0 if found.passed else 1


def _refuse_contradictions(options: argparse.Namespace) -> None:
    if options.no_images and options.near_duplicates is not None:
        raise ConfigurationError("--near-duplicates needs the images, and --no-images leaves them out. Give one.")
    for name in ("suppress_below", "folds"):
        if getattr(options, name) is not None and options.output_dir is None:
            raise ConfigurationError(f"--{name.replace('_', '-')} is about what is written. Give --output-dir as well.")
    if options.folds is not None and (options.split_by is not None or options.split_file is not None):
        raise ConfigurationError("--folds draws whom to test, and --split-by or --split-file says it. Ask for one.")


def _folds_text(folds: Mapping[str, Any]) -> str:
    lines = [folds["rule"]]
    for fold in folds["folds"]:
        test = fold["test"]
        lines.append(
            f"folds/{fold['file']}: tests {test['n']} images of {test['n_patients']} patients, {test['n_positive']} of "
            f"class 1; SHA-256 {fold['sha256'][:16]}..."
        )
    return "\n".join(lines)
