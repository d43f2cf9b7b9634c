"""The content of a cohort card: what may be passed on about a cohort, without images, their names, or patients."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Any

from monai_fairtune.cohort.check import CohortCheck
from monai_fairtune.cohort.duplicates import contradictions
from monai_fairtune.cohort.hashing import file_sha256
from monai_fairtune.cohort.quality import alarms
from monai_fairtune.cohort.quality.cautions import finding_cautions
from monai_fairtune.cohort.split_file import write_split_file

__all__ = ["card_content", "with_cautions", "write_splits"]


def card_content(check: CohortCheck, manifest: str | Path) -> dict[str, Any]:
    """Returns the content of ``cohort_card.json``, cautions of findings apart: see :func:`with_cautions`.

    Args:
        check: of the cohort.
        manifest: the file that was checked.
    """
    path, looked = Path(manifest), check.looked
    return {
        "schema": 1,
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "versions": {"monai_fairtune": version("monai-fairtune")},
        "manifest": {"file": path.name, "sha256": file_sha256(path)},
        "prepared": check.cohort.prepared,
        "n": check.cohort.n,
        "attributes": list(check.recorded.attributes),
        "intersections": list(check.recorded.intersections),
        "problems": list(check.find_problems(naming=False)),
        "refused": list(check.refused),
        "cautions": [] if looked is None else list(contradictions(looked.duplicates, naming=False)),
        "images": None
        if looked is None
        else {
            "n_decoded": check.cohort.n - len(looked.unreadable),
            "n_unreadable": len(looked.unreadable),
            "n_equal_files": len(looked.duplicates),
            "n_equal_files_across_splits": sum(len(group.splits) > 1 for group in looked.duplicates),
        },
        **check.findings(),
        "alarms": {
            "level": alarms.LEVEL,
            "cramers_v": alarms.STRONG,
            "auroc": alarms.TELLING,
            "standardised_difference": alarms.LARGE_DIFFERENCE,
            "robust_z": alarms.UNLIKE,
        },
    }


def with_cautions(card: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the card with what its findings warn of; those that are withheld warn of nothing."""
    return {**card, "cautions": [*card["cautions"], *finding_cautions(card)]}


def write_splits(check: CohortCheck, folder: Path) -> dict[str, str]:
    """Writes ``splits.csv`` and returns its name and SHA-256."""
    path = folder / "splits.csv"
    return {"file": path.name, "sha256": write_split_file(path, check.cohort.image_names, check.cohort.splits)}
