"""``monai-fairtune export``: a search's model as something to install elsewhere."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monai_fairtune.exceptions import ConfigurationError

if TYPE_CHECKING:
    from monai_fairtune.deploy import IntendedUse
    from monai_fairtune.deploy.export import Exported, ExportOptions

__all__ = ["add_parser"]

_GRAPHS = ("onnx", "torchscript")


def add_parser(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "export",
        help="write the model of a search as a MONAI bundle, ONNX or TorchScript, with a model card and checksums",
        description="Merges what a search tuned with the backbone's weights and writes a model that needs neither, "
        "after it was seen to give the same probabilities as the search's.",
    )
    parser.add_argument("folder", metavar="DIR", help="the search's output folder")
    parser.add_argument("--format", choices=("bundle", *_GRAPHS), default="bundle", help="default: %(default)s")
    parser.add_argument("--output", required=True, metavar="PATH", help="a bundle's .zip or folder; .onnx; .ts")
    parser.add_argument("--weights", metavar="FILE", help="of the backbone, as the search was given them; or download")
    parser.add_argument("--backbone-arguments", metavar="JSON", help="as the search was given them")
    parser.add_argument(
        "--allow-backbone", action="append", default=[], metavar="NAME", help="code of your own that the search tuned"
    )
    parser.add_argument("--class-names", nargs=2, metavar=("NAME0", "NAME1"), help="default: those of the search")
    parser.add_argument("--name", help="default: that of PATH, without its version and ending")
    parser.add_argument("--version", default="0.1.0", help="of the model (default: %(default)s)")
    parser.add_argument(
        "--with", nargs="+", choices=_GRAPHS, default=[], dest="graphs", help="what a bundle holds as well"
    )
    parser.add_argument("--images", metavar="DIR", help="compare models on these images; default: on noise")
    parser.add_argument("--cohort-card", metavar="FILE", help="cohort_card.json of the data, for the model card")
    parser.add_argument("--authors", default="not stated", metavar="TEXT", help="of the model")
    parser.add_argument("--licence", metavar="FILE", help="becomes LICENSE; default: Apache-2.0")
    parser.add_argument("--suppress-below", type=int, metavar="N", help="withhold cells with fewer; 10 is usual")
    _add_use(parser)
    parser.add_argument("--json", action="store_true", help="print what was written, as JSON")
    parser.set_defaults(run=run)


def _add_use(parser: Any) -> None:
    use = parser.add_argument_group("intended use", "Of DICOM images, those that do not fit are refused later on.")
    use.add_argument("--statement", default="", metavar="TEXT", help="what the model is for, in one sentence")
    use.add_argument("--modality", nargs="+", default=[], metavar="CODE", help="such as DX CR; default: any")
    use.add_argument("--body-part", nargs="+", default=[], metavar="CODE", help="such as CHEST; default: any")
    use.add_argument("--view", nargs="+", default=[], metavar="CODE", help="such as PA AP; default: any")
    use.add_argument("--min-side", type=int, default=1, metavar="PIXELS", help="of the shorter side (default: 1)")
    use.add_argument("--allow", nargs="+", default=[], metavar="WHAT", help="such as secondary_capture; default: none")


def run(options: argparse.Namespace) -> int:
    """Runs the command."""
    from monai_fairtune.bundle import mapping, optional
    from monai_fairtune.deploy.export import (
        SUFFIXES,
        describe,
        export_bundle,
        export_graph,
        read_search_output,
        without_small_cells,
    )

    output = Path(options.output)
    if options.format != "bundle" and (options.graphs or output.suffix != SUFFIXES[options.format]):
        raise ConfigurationError(
            f"Format {options.format} writes one file that ends in {SUFFIXES[options.format]}. Name such a file as "
            "--output, and leave --with to bundles."
        )
    more, use = _more(options), _intended_use(options)
    source = read_search_output(
        Path(options.folder),
        weights=options.weights,
        backbone_arguments=optional(mapping, "backbone_arguments", options.backbone_arguments),
        class_names=options.class_names and tuple(options.class_names),
        allowed_backbones=options.allow_backbone,
    )
    if options.suppress_below is not None:
        source = without_small_cells(source, options.suppress_below)
    stem = output.stem if output.suffix in (".zip", *SUFFIXES.values()) else output.name
    name = options.name or stem.removesuffix(f"_v{options.version}")
    description = describe(source, name=name, version=options.version, intended_use=use)
    if options.format == "bundle":
        exported = export_bundle(source, description, output, more)
    else:
        exported = export_graph(options.format, source, description, output, more)
    _tell(options, exported, f"{name} {options.version}")
    return 0


def _more(options: argparse.Namespace) -> ExportOptions:
    from monai_fairtune.deploy.export import ExportOptions
    from monai_fairtune.report.stored import load_card

    return ExportOptions(
        graphs=tuple(dict.fromkeys(options.graphs)),
        images=None if options.images is None else Path(options.images),
        licence=None if options.licence is None else Path(options.licence),
        cohort_card=None if options.cohort_card is None else load_card(Path(options.cohort_card)),
        authors=options.authors,
    )


def _intended_use(options: argparse.Namespace) -> IntendedUse:
    from monai_fairtune.deploy import IntendedUse
    from monai_fairtune.deploy.dicom.intended_use import require_known_waivers

    use = IntendedUse(
        modalities=tuple(options.modality),
        body_parts=tuple(options.body_part),
        views=tuple(options.view),
        min_side=options.min_side,
        allows=tuple(options.allow),
        statement=options.statement,
    )
    require_known_waivers(use)
    return use


def _tell(options: argparse.Namespace, exported: Exported, title: str) -> None:
    from monai_fairtune.deploy.export import TOLERANCE

    out = sys.stderr if options.json else sys.stdout
    print(f"Exported {title}: {exported.path}", file=out)
    for name, difference in exported.largest_difference.items():
        print(
            f"  {name}: probabilities differ from the search's by at most {difference:.1e} on {exported.n_images} "
            f"{exported.image_kind} images (allowed: {TOLERANCE:g}); SHA-256 {exported.sha256[name]}",
            file=out,
        )
    if options.json:
        found = {
            "path": str(exported.path),
            "sha256": dict(exported.sha256),
            "largest_difference": dict(exported.largest_difference),
            "tolerance": TOLERANCE,
            "n_images": exported.n_images,
            "image_kind": exported.image_kind,
        }
        print(json.dumps(found, indent=1))
