"""``monai-fairtune dicom``: a model where DICOM images are."""

from __future__ import annotations

from typing import Any

from monai_fairtune.cli import dicom_pseudonyms, dicom_run, dicom_serve, dicom_web

__all__ = ["add_parser"]

_JOBS = (dicom_run, dicom_serve, dicom_web, dicom_pseudonyms)


def add_parser(commands: Any) -> None:
    """Adds the command with its jobs."""
    parser = commands.add_parser(
        "dicom", help="answer for DICOM images: of files, of an archive, or as a node that listens"
    )
    jobs = parser.add_subparsers(title="jobs", metavar="JOB", required=True)
    for job in _JOBS:
        job.add_parser(jobs)
