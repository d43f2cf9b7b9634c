"""``monai-fairtune dicom web``: studies of a DICOMweb archive in, reports back into it."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from monai_fairtune.cli.dicom_serve import require_node
from monai_fairtune.cli.exported_model import add_model, load_model
from monai_fairtune.exceptions import ConfigurationError

__all__ = ["add_parser"]


def add_parser(jobs: Any) -> None:
    """Adds the command to those of ``dicom``."""
    parser = jobs.add_parser(
        "web",
        help="answer for studies of a DICOMweb archive, and store the reports there",
        description="Fetches studies by DICOMweb, answers for their images and stores a structured report in each. "
        "Credentials are read from FAIRTUNE_DICOMWEB_USER and FAIRTUNE_DICOMWEB_PASSWORD, or FAIRTUNE_DICOMWEB_TOKEN. "
        "Asked again, it stores the same reports under the same identifiers.",
    )
    parser.add_argument("--url", required=True, help="of the service, for instance https://archive.local/dicom-web")
    add_model(parser)
    parser.add_argument("--study", nargs="+", default=[], metavar="UID", help="Study Instance UIDs")
    parser.add_argument("--date", metavar="YYYYMMDD[-YYYYMMDD]", help="instead: all studies of these days")
    parser.add_argument("--modality", help="of the studies of these days, for instance DX")
    parser.add_argument("--authority", type=Path, metavar="PEM", help="checks the archive's certificate")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Runs the command."""
    require_node()
    from monai_fairtune.deploy.dicom import ImageReader, ReadingRules, answer_study
    from monai_fairtune.deploy.node import DicomWebArchive

    if bool(options.study) == bool(options.date):
        raise ConfigurationError("Neither or both of --study and --date are given. Give one of them.")
    archive = DicomWebArchive(options.url, authority=options.authority)
    studies = options.study or archive.find_studies(options.date, options.modality)
    model = load_model(options)
    found = {"n_studies": len(studies), "n_images": 0, "n_answered": 0, "n_reports": 0}
    with ImageReader(ReadingRules(model.intended_use)) as reader:
        for number, study in enumerate(studies, start=1):
            with tempfile.TemporaryDirectory(prefix="fairtune-dicomweb-") as folder:
                answer = answer_study(archive.fetch(study, Path(folder)), model, reader)
            if answer.report is not None:
                archive.store([answer.report])
                found["n_reports"] += 1
            found["n_images"] += len(answer.answers)
            found["n_answered"] += sum(each.probability is not None for each in answer.answers)
            print(f"{number} of {len(studies)} studies", file=sys.stderr)
    print(json.dumps(found) if options.json else _text(found))
    return 0


def _text(found: dict[str, int]) -> str:
    return (
        f"{found['n_studies']} studies with {found['n_images']} images: {found['n_answered']} images answered for, "
        f"{found['n_reports']} reports stored."
    )
