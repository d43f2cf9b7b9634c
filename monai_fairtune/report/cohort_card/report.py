"""From a stored cohort card to a page and plots."""

from __future__ import annotations

from pathlib import Path

from monai_fairtune.report.cohort_card.context import card_context
from monai_fairtune.report.cohort_card.plots import card_plots
from monai_fairtune.report.cohort_card.reading import Card
from monai_fairtune.report.drawn import draw_all
from monai_fairtune.report.render import render_page, write_text
from monai_fairtune.report.stored import load_card

__all__ = ["write_cohort_card"]


def write_cohort_card(output_dir: Path) -> Path:
    """Writes ``cohort_card.html`` and ``plots/*.svg`` from ``cohort_card.json`` alone.

    Nothing is computed anew, and the same card gives the same bytes. The page is self-contained; it holds no image, no
    image's name and no patient.

    Args:
        output_dir: holds ``cohort_card.json``.

    Returns:
        The path of the page.

    Raises:
        ConfigurationError: if ``cohort_card.json`` is absent or cannot be read.
    """
    output_dir = Path(output_dir)
    card = Card(load_card(output_dir / "cohort_card.json"))
    plots = draw_all(card_plots(card), output_dir / "plots", png=False)
    return write_text(output_dir / "cohort_card.html", render_page("cohort_card.html", card_context(card, plots)))
