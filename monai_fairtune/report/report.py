"""From a stored result to a page that opens anywhere."""

from __future__ import annotations

from pathlib import Path

from monai_fairtune.report.context import page_context
from monai_fairtune.report.figures import draw_plots
from monai_fairtune.report.reading import Reading
from monai_fairtune.report.render import render_page, write_text
from monai_fairtune.report.stored import load_result

__all__ = ["write_report"]


def write_report(output_dir: Path) -> Path:
    """Writes ``report.html`` and ``plots/`` from the ``result.json`` of a finished search.

    Nothing is trained, loaded or computed anew, and the same result gives the same bytes. The page is self-contained:
    it loads nothing, and its content security policy allows no script but its own, which sorts tables.

    Args:
        output_dir: holds ``result.json``; receives ``report.html`` and ``plots/*.svg`` and ``*.png``.

    Returns:
        The path of ``report.html``.

    Raises:
        ConfigurationError: if ``result.json`` is absent or cannot be read.
    """
    output_dir = Path(output_dir)
    reading = Reading(load_result(output_dir / "result.json"))
    plots = draw_plots(reading, output_dir / "plots")
    return write_text(output_dir / "report.html", render_page("report.html", page_context(reading, plots)))
