"""From a stored audit to a page, plots, a model card and an appendix."""

from __future__ import annotations

from pathlib import Path

from monai_fairtune.report.audit.appendix import appendix, hashes
from monai_fairtune.report.audit.context import audit_context
from monai_fairtune.report.audit.engineer import audit_plots
from monai_fairtune.report.audit.model_card import model_card
from monai_fairtune.report.audit.reading import Audit
from monai_fairtune.report.drawn import draw_all
from monai_fairtune.report.render import render_page, write_text
from monai_fairtune.report.stored import load_report

__all__ = ["write_audit_report"]


_BESIDE = ("subgroups.csv", "predictions.csv")
"""What an audit writes besides, before its page."""


def write_audit_report(output_dir: Path, *, png: bool = False) -> Path:
    """Writes the page of an audit, its plots, its model card and its appendix from ``report.json`` alone.

    Nothing is computed anew, and the same report gives the same bytes. What ``report.json`` withholds of small
    subgroups is shown as withheld. The page is self-contained and serves three readers: clinicians first, then
    engineers, then regulators.

    Args:
        output_dir: holds ``report.json``, binary, multi-class or multi-label; receives ``report.html``,
            ``plots/*.svg``, ``model_card.md`` and ``appendix.json`` with the SHA-256 of each.
        png: whether the plots are written as PNG as well.

    Returns:
        The path of ``report.html``.

    Raises:
        ConfigurationError: if ``report.json`` is absent or cannot be read.
    """
    output_dir = Path(output_dir)
    source = output_dir / "report.json"
    audit = Audit(load_report(source))
    plots = draw_all(audit_plots(audit), output_dir / "plots", png=png)
    drawn = [output_dir / "plots" / f"{key}.{kind}" for key in plots for kind in (("png", "svg") if png else ("svg",))]
    card = write_text(output_dir / "model_card.md", model_card(audit))
    beside = [output_dir / name for name in _BESIDE if (output_dir / name).is_file()]
    artifacts = hashes(output_dir, [source, card, *drawn, *beside])
    page = write_text(output_dir / "report.html", render_page("audit.html", audit_context(audit, plots, artifacts)))
    write_text(output_dir / "appendix.json", appendix(audit, {**artifacts, **hashes(output_dir, [page])}))
    return page
