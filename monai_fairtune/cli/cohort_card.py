"""The cohort card, as the commands that look a cohort over write it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from monai_fairtune.cohort import CohortCheck

__all__ = ["write_card"]


def write_card(found: CohortCheck, manifest: str | Path, folder: Path, *, suppress_below: int | None = None) -> Path:
    """Writes ``cohort_card.html``, ``cohort_card.json``, ``plots`` and ``splits.csv``, and returns the page's path."""
    from monai_fairtune.audit import suppress_small_card
    from monai_fairtune.cohort.card import card_content, with_cautions, write_splits
    from monai_fairtune.predictions import write_json
    from monai_fairtune.report import write_cohort_card

    content = card_content(found, manifest)
    if suppress_below is not None:
        content = suppress_small_card(content, suppress_below)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "cohort_card.json", {**with_cautions(content), "splits_file": write_splits(found, folder)})
    return write_cohort_card(folder)
