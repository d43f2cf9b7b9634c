"""``monai-fairtune prepare table``: the manifest of a hospital's own images and table."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

__all__ = ["add_parser"]

_OPEN_QUESTIONS = 2


def add_parser(datasets: Any) -> None:
    """Adds the command to those of ``prepare``."""
    parser = datasets.add_parser(
        "table",
        help="your own images, with a table that says what they show",
        description="Without --mapping: reads the images' headers and the table, and writes mapping.yaml, a proposal "
        "for you to review. With it: writes manifest.csv and prepared.json as the mapping says. Ends with 2 while the "
        "label, the key or another question is open.",
    )
    parser.add_argument(
        "--root", type=Path, required=True, metavar="DIR", help="holds the images: DICOM, NIfTI, PNG, JPEG, TIFF or NPY"
    )
    parser.add_argument(
        "--table", type=Path, required=True, metavar="FILE", help="CSV, spreadsheet (.xlsx) or MONAI datalist (.json)"
    )
    parser.add_argument("--output-dir", type=Path, required=True, metavar="DIR", help="receives everything")
    parser.add_argument("--mapping", type=Path, metavar="FILE", help="the mapping that you reviewed")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Runs the command."""
    from monai_fairtune.cohort.console import n_of
    from monai_fairtune.cohort.own_data import prepare_table, propose_mapping

    given = (options.root, options.table, options.output_dir)
    if options.mapping is not None:
        _print(prepare_table(*given, options.mapping), as_json=options.json)
        return 0
    proposal = propose_mapping(*given)
    _print(proposal, as_json=options.json)
    if proposal.questions:
        print(
            f"monai-fairtune: No manifest was written. Answer {n_of(len(proposal.questions), 'question')} in "
            f"'{proposal.path}', then give that file with --mapping.",
            file=sys.stderr,
        )
        return _OPEN_QUESTIONS
    return 0


def _print(what: Any, *, as_json: bool) -> None:
    print(json.dumps(what.to_dict(), indent=1) if as_json else what.to_text())
