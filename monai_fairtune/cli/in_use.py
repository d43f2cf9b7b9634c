"""``monai-fairtune in-use``: what a deployed model answered, logged under pseudonyms and audited over time."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monai_fairtune.cli import in_use_audit
from monai_fairtune.cli.answer_log import open_log
from monai_fairtune.cli.key_file import add_key_file

if TYPE_CHECKING:
    from monai_fairtune.deploy.in_use import Recorded

__all__ = ["add_parser"]

_KEY = "of the pseudonyms, made if it is not there; keep it away from the log"


def add_parser(commands: Any) -> None:
    """Adds the command with its jobs."""
    parser = commands.add_parser("in-use", help="log what a deployed model answers, and audit it over time")
    jobs = parser.add_subparsers(title="jobs", metavar="JOB", required=True)
    _add_answers(jobs)
    _add_attributes(jobs)
    _add_outcomes(jobs)
    in_use_audit.add_parser(jobs)


def _add_answers(jobs: Any) -> None:
    parser = _parser(jobs, "add", "add answers", "one row an image that one model has answered")
    for name in ("image", "patient", "score", "time"):
        default = "patient_id" if name == "patient" else name
        parser.add_argument(f"--{name}", default=default, metavar="COLUMN", help="default: %(default)s")
    for name in ("study", "accession"):
        parser.add_argument(f"--{name}", metavar="COLUMN", help="if there is one")
    parser.add_argument(
        "--attribute", nargs="+", default=[], metavar="COLUMN", help="sensitive attributes in the table"
    )
    parser.add_argument("--model-sha256", required=True, metavar="HEX", help="of the weights' file")
    parser.add_argument("--model-name", default="model", metavar="NAME", help="default: %(default)s")
    parser.add_argument("--model-version", default="", metavar="TEXT", help="default: none")
    parser.add_argument("--threshold", type=float, required=True, metavar="P", help="the model's operating point")
    parser.set_defaults(run=run_add)


def _add_attributes(jobs: Any) -> None:
    parser = _parser(jobs, "attributes", "add sensitive attributes from another table", "one row an id")
    _add_scope(parser, ("image", "study", "accession", "patient"))
    parser.add_argument("--attribute", nargs="+", required=True, metavar="COLUMN", help="columns to take")
    parser.set_defaults(run=run_attributes)


def _add_outcomes(jobs: Any) -> None:
    parser = _parser(jobs, "outcomes", "add labels that have become known", "one row an id")
    _add_scope(parser, ("image", "study", "accession"))
    parser.add_argument("--label", default="label", metavar="COLUMN", help="0 or 1, blank where not known")
    parser.set_defaults(run=run_outcomes)


def _parser(jobs: Any, name: str, words: str, rows: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = jobs.add_parser(name, help=words)
    parser.add_argument("log", type=Path, metavar="LOG", help="the log, made if it is not there")
    parser.add_argument("table", type=Path, metavar="TABLE", help=f"CSV, or Parquet with pyarrow: {rows}")
    add_key_file(parser, _KEY)
    return parser


def _add_scope(parser: argparse.ArgumentParser, scopes: tuple[str, ...]) -> None:
    parser.add_argument("--by", required=True, choices=scopes, help="what the ids are of")
    parser.add_argument("--id", required=True, metavar="COLUMN", help="holds the ids")


def run_add(options: argparse.Namespace) -> int:
    """Adds answers."""
    from monai_fairtune.deploy import ModelIdentity
    from monai_fairtune.deploy.in_use import answers_of_table

    names = {name: getattr(options, name) for name in ("image", "patient", "score", "time", "study", "accession")}
    columns = {name: column for name, column in names.items() if column is not None}
    answers = answers_of_table(options.table, columns, options.attribute)
    model = ModelIdentity(options.model_name, options.model_version, options.model_sha256)
    found = open_log(options.log, options.key_file).add(answers, model, options.threshold)
    print(f"{found.n_added} answers added, {found.n_known} known already.")
    if found.n_different:
        print(f"{found.n_different} images had another answer of this model before; the first one stays. Find out why.")
    if found.n_other_values:
        print(f"{found.n_other_values} attributes of images had another value before; the first one stays.")
    if found.first_threshold is not None:
        print(
            f"The log has this model with the threshold {found.first_threshold:g}, not {options.threshold:g}; the "
            "first one stays. 'in-use audit --threshold' takes another."
        )
    return 0


def run_attributes(options: argparse.Namespace) -> int:
    """Adds attributes."""
    from monai_fairtune.deploy.in_use import attributes_of_table

    values = attributes_of_table(options.table, options.id, options.attribute)
    return _tell(open_log(options.log, options.key_file).add_attributes(values, options.by), "values")


def run_outcomes(options: argparse.Namespace) -> int:
    """Adds labels."""
    from monai_fairtune.deploy.in_use import outcomes_of_table

    labels = outcomes_of_table(options.table, options.id, options.label)
    return _tell(open_log(options.log, options.key_file).add_outcomes(labels, options.by), "labels")


def _tell(found: Recorded, what: str) -> int:
    print(f"{found.n_added} {what} added, {found.n_unchanged} known already.")
    if found.n_unmatched:
        print(
            f"{found.n_unmatched} ids are of no answer so far; what is said of them is kept. If there are many, look "
            "at --by and --id."
        )
    return 0
