"""``monai-fairtune prepare``: the manifest of a dataset as it is downloaded."""

from __future__ import annotations

import argparse
import json
import sys
import types
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin, get_type_hints

from monai_fairtune.cli import prepare_table
from monai_fairtune.cli.cohort_card import write_card
from monai_fairtune.exceptions import InputError

if TYPE_CHECKING:
    from monai_fairtune.cohort.readers import CohortReader, PreparedCohort

__all__ = ["add_parser"]


def add_parser(commands: Any) -> None:
    """Adds the command. What follows it is parsed by ``run``: each dataset has options of its own."""
    parser = commands.add_parser("prepare", help="write the manifest of a dataset as it is downloaded", add_help=False)
    parser.set_defaults(run=run, overrides=[])


def run(options: argparse.Namespace) -> int:
    """Runs the command."""
    from monai_fairtune.cohort.readers import READERS, prepare_cohort

    chosen = _parser(READERS).parse_args(options.overrides)
    if "run" in chosen:
        return int(chosen.run(chosen))
    reader = chosen.kind(**{each.name: getattr(chosen, each.name) for each in fields(chosen.kind)})
    prepared = prepare_cohort(
        reader,
        chosen.root,
        chosen.output_dir,
        resize=chosen.resize,
        allow_missing=chosen.allow_missing,
        n_workers=chosen.n_workers,
    )
    print(json.dumps(prepared.to_dict(), indent=1) if chosen.json else prepared.to_text())
    if prepared.manifest is None:
        print(f"monai-fairtune: {_why_none(prepared)}", file=sys.stderr)
        return 1
    print(_card(prepared, prepared.manifest), file=sys.stderr if chosen.json else sys.stdout)
    return 0


def _why_none(prepared: PreparedCohort) -> str:
    """Says why there is no manifest."""
    from monai_fairtune.cohort.console import n_of

    n_read = prepared.found.n_read
    if prepared.rows.empty:
        return (
            f"Of {n_of(n_read, 'image')} named none is left, and no manifest was written. Complete the download, or "
            "make other choices."
        )
    n_lost = len(prepared.found.missing) + len(prepared.unreadable)
    return (
        f"Missing or not decoded: {n_lost} of {n_of(n_read, 'image')}; no manifest was written. Complete the download, "
        "or leave these images out with --allow-missing."
    )


def _card(prepared: PreparedCohort, manifest: Path) -> str:
    """Writes the cohort card, from the table alone, and says where it is, or why there is none."""
    from monai_fairtune.cohort import check_manifest
    from monai_fairtune.subgroups import SensitiveAttribute

    if not prepared.study:
        return "No cohort card: the manifest has no sensitive attribute."
    attributes = SensitiveAttribute.parse_all(prepared.study)
    try:
        found = check_manifest(manifest, attributes, data_root=prepared.data_root, images=False)
    except InputError as error:
        return f"No cohort card: {error}"
    return f"Cohort card of the table alone: {write_card(found, manifest, manifest.parent)}"


def _parser(readers: Mapping[str, type[CohortReader]]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="monai-fairtune prepare",
        description="Reads the original download of a dataset, which stays as it is, and writes manifest.csv, "
        "prepared.json and a cohort card. Every choice that changes a number is an option of the dataset.",
    )
    datasets = parser.add_subparsers(title="datasets", metavar="DATASET", required=True)
    for name, kind in readers.items():
        _add_dataset(datasets, name, kind)
    prepare_table.add_parser(datasets)
    return parser


def _add_dataset(datasets: Any, name: str, kind: type[CohortReader]) -> None:
    from monai_fairtune.cohort.hashing import n_threads

    about = kind.about
    parser = datasets.add_parser(
        name,
        help=about.title,
        description=f"{about.title}. Licence: {about.licence}. {about.access}",
        epilog=f"Read from the root: {about.layout}. Label {about.label}.",
    )
    parser.add_argument("--root", type=Path, required=True, metavar="DIR", help="what was downloaded, unpacked")
    parser.add_argument("--output-dir", type=Path, required=True, metavar="DIR", help="receives everything")
    parser.add_argument("--resize", type=int, metavar="N", help="write images of N x N pixels as PNG")
    parser.add_argument("--allow-missing", action="store_true", help="leave out images that are missing or damaged")
    parser.add_argument(
        "--n-workers", type=int, default=n_threads(), metavar="N", help="threads that write (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    choices = parser.add_argument_group("choices")
    hints = get_type_hints(kind)
    for each in fields(kind):  # type: ignore[arg-type]
        choices.add_argument(
            f"--{each.name.replace('_', '-')}",
            default=each.default,
            help=f"{each.metadata['help']} (default: {each.default})".replace("%", "%%"),
            **_values(hints[each.name]),
        )
    parser.set_defaults(kind=kind)


def _values(hint: Any) -> dict[str, Any]:
    """Returns what argparse needs to know of an option's type: a Literal, or a plain type that may be None."""
    if get_origin(hint) is Literal:
        return {"choices": get_args(hint)}
    plain = [each for each in get_args(hint) if each is not types.NoneType] or [hint]
    return {"type": plain[0], "metavar": plain[0].__name__.upper()}
