"""``monai-fairtune audit``: assesses any model from a table of its predictions."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from monai_fairtune.exceptions import ConfigurationError

if TYPE_CHECKING:
    from monai_fairtune.audit import Audit, OverTime
    from monai_fairtune.metrics import Resampling

__all__ = [
    "add_parser",
    "add_resampling",
    "add_results",
    "add_windows",
    "asked_results",
    "over_time_of",
    "resampling_of",
    "tell",
]


def add_parser(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "audit",
        help="assess any model, subgroup by subgroup, from a table of its predictions",
        description="Reads a table with one row an image, prints what can be seen at all (counts, eligibility, minimum "
        "detectable gap), and writes report.json, report.html, plots, subgroups.csv and predictions.csv.",
    )
    parser.add_argument("predictions", metavar="PREDICTIONS", help="CSV, or Parquet with pyarrow")
    parser.add_argument("--label", nargs="+", required=True, metavar="COLUMN", help="0 or 1; one, or one a finding")
    parser.add_argument("--score", nargs="+", required=True, metavar="COLUMN", help="of the finding; or one a class")
    parser.add_argument(
        "--attribute",
        nargs="+",
        required=True,
        metavar="A",
        help="such as sex, age:60, skin_type:1-2,3-6, sex*age:60, scanner",
    )
    parser.add_argument("--classes", nargs="+", metavar="NAME", help="of the score columns, if not score_<NAME>")
    parser.add_argument("--kind", choices=("probability", "logit"), default="probability", help="of the scores")
    parser.add_argument("--patient", metavar="COLUMN", help="whose image it is; default: each image its own patient")
    parser.add_argument("--sample", metavar="COLUMN", help="the image's id, to pair models; default: the row's number")
    parser.add_argument(
        "--split-column", metavar="COLUMN", help="test is assessed, validation chooses the threshold; default: all rows"
    )
    parser.add_argument("--threshold", type=float, metavar="P", help="on the probability; default: see --split-column")
    parser.add_argument(
        "--merge-small", action="store_true", help="merge subgroups below --min-per-class, and list them"
    )
    parser.add_argument("--drop-missing", action="store_true", help="leave rows without label or score out, and count")
    windows = add_windows(parser)
    windows.add_argument("--time", metavar="COLUMN", help="when each image was read, as 2026-05-31; needed for windows")
    add_results(parser)
    parser.set_defaults(run=run)


def add_results(parser: argparse.ArgumentParser) -> None:
    """Adds the options of what is shown and written."""
    parser.add_argument("--min-per-class", type=int, default=10, metavar="N", help="default: %(default)s")
    parser.add_argument("--suppress-below", type=int, metavar="N", help="withhold cells with fewer; 10 is usual")
    parser.add_argument("--png", action="store_true", help="write the plots as PNG as well as SVG")
    parser.add_argument("--no-predictions", action="store_true", help="write no predictions.csv")
    add_resampling(parser, "0: no intervals")
    parser.add_argument("--json", action="store_true", help="print report.json; the rest goes to standard error")
    parser.add_argument("--output-dir", required=True, metavar="DIR", help="receives everything")


def add_windows(parser: argparse.ArgumentParser) -> Any:
    """Adds the options of an audit over time, and returns their group."""
    group = parser.add_argument_group("over time", "each window is held against a reference; alarms by a stated rule")
    group.add_argument("--window", metavar="W", help="month, quarter or a number of days; default: month")
    group.add_argument(
        "--reference",
        metavar="R",
        help="how many windows at the beginning, or the report.json of an audit with its predictions.csv; default: 1",
    )
    group.add_argument("--alpha", type=float, metavar="P", help="chance of any false alarm of a family; default: 0.05")
    group.add_argument("--horizon", type=int, metavar="N", help="within so many windows; default: 12")
    group.add_argument("--fail-on-alarm", action="store_true", help="exit code 1 if the last window has an alarm")
    return group


def over_time_of(options: argparse.Namespace, time: str) -> OverTime:
    """Returns how a table is cut into windows by its column ``time``."""
    from monai_fairtune.audit import OverTime
    from monai_fairtune.metrics import Surveillance

    cut = {name: getattr(options, name) for name in ("window", "reference") if getattr(options, name) is not None}
    rule = {name: getattr(options, name) for name in ("alpha", "horizon") if getattr(options, name) is not None}
    if "reference" in cut:
        cut["reference"] = int(options.reference) if options.reference.isdecimal() else Path(options.reference)
    return OverTime(time, rule=Surveillance(**rule), **cut)


def add_resampling(parser: argparse.ArgumentParser, least: str) -> None:
    """Adds the options of intervals and tests; ``least`` says what the fewest replicates are."""
    parser.add_argument("--replicates", type=int, default=2000, metavar="N", help=f"of the bootstrap; {least}")
    parser.add_argument("--permutations", type=int, default=2000, metavar="N", help="of the gap test")
    parser.add_argument("--seed", type=int, default=0, help="of both (default: %(default)s)")


def resampling_of(options: argparse.Namespace) -> Resampling | None:
    """Returns how intervals are computed, or None if none were asked for."""
    from monai_fairtune.metrics import Resampling

    if options.replicates == 0:
        return None
    return Resampling(
        n_replicates=options.replicates,
        n_permutations=options.permutations,
        seed=options.seed,
        n_processes=Resampling().threads,
    )


def run(options: argparse.Namespace) -> int:
    """Runs the command."""
    from monai_fairtune.audit import audit, read_table, require_free

    require_free(Path(options.output_dir))
    over_time = _over_time(options)
    table, source = read_table(options.predictions, _columns(options), numbers=options.score)
    found = audit(
        table,
        label=_one_or_several(options.label),
        score=_one_or_several(options.score),
        attributes=options.attribute,
        kind=options.kind,
        classes=options.classes,
        patient=options.patient,
        sample=options.sample,
        split=options.split_column,
        threshold=options.threshold,
        merge_small=options.merge_small,
        drop_missing=options.drop_missing,
        source=source,
        over_time=over_time,
        **asked_results(options),
    )
    return tell(found, options)


def _over_time(options: argparse.Namespace) -> OverTime | None:
    if options.time is not None:
        return over_time_of(options, options.time)
    names = ("window", "reference", "alpha", "horizon", "fail_on_alarm")
    idle = [f"--{name.replace('_', '-')}" for name in names if getattr(options, name) not in (None, False)]
    if idle:
        raise ConfigurationError(
            f"{', '.join(idle)} are about windows, and no column of times is named. Give --time COLUMN."
        )
    return None


def asked_results(options: argparse.Namespace) -> dict[str, Any]:
    """Returns the arguments of ``audit`` that ``add_results`` asks for; what can be seen at all is printed."""
    from monai_fairtune.audit import design_text

    return {
        "min_per_class": options.min_per_class,
        "suppress_below": options.suppress_below,
        "resampling": resampling_of(options),
        "on_design": lambda design: print(design_text(design), file=_out(options), flush=True),
    }


def tell(found: Audit, options: argparse.Namespace) -> int:
    """Writes and prints what an audit found, and returns the exit code."""
    from monai_fairtune.audit import result_text, windows_text

    out = _out(options)
    page = found.write(options.output_dir, predictions=not options.no_predictions, png=options.png)
    report = found.to_dict()
    for note in report["audit"]["notes"]:
        print(f"\nNote: {note}", file=out)
    parts = [result_text(report), *([windows_text(report)] if "windows" in report else [])]
    print("\n" + "\n\n".join([*parts, f"Report: {page}"]), file=out)
    if (page.parent / "predictions.csv").exists():
        print("predictions.csv there is about single patients: share the report without it.", file=out)
    if options.json:
        print(json.dumps(report, indent=1, allow_nan=False))
    return int(options.fail_on_alarm and _last_has_alarm(report))


def _out(options: argparse.Namespace) -> TextIO:
    return sys.stderr if options.json else sys.stdout


def _last_has_alarm(report: Mapping[str, Any]) -> bool:
    each = report["windows"]["each"] if "windows" in report else []
    return bool(each) and any(alarm["window"] == each[-1]["name"] for alarm in report["alarms"])


def _columns(options: argparse.Namespace) -> list[str]:
    from monai_fairtune.subgroups import SensitiveAttribute

    declared = SensitiveAttribute.parse_all(options.attribute)
    others = (options.patient, options.sample, options.split_column, options.time)
    names = [*options.label, *options.score, *(column.name for attribute in declared for column in attribute.columns)]
    both = sorted(set(options.score) & {*options.label, *names[len(options.label) + len(options.score) :]})
    if both:
        raise ConfigurationError(f"The columns {both} are named as scores and as something else. Name each for one.")
    return [*names, *(name for name in others if name)]


def _one_or_several(names: Sequence[str]) -> str | list[str]:
    return names[0] if len(names) == 1 else list(names)
