"""A model card as a page and as Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from monai_fairtune.report.answer import key_figures
from monai_fairtune.report.markdown import plain, table_lines
from monai_fairtune.report.model_card.reading import ModelFacts, Section
from monai_fairtune.report.model_card.sections import card_sections
from monai_fairtune.report.render import render_page, write_text
from monai_fairtune.report.wording import shorten

__all__ = ["write_model_card"]


def write_model_card(facts: ModelFacts, page: Path) -> tuple[Path, Path]:
    """Writes a model card twice, as HTML and as Markdown; the same facts give the same bytes.

    The page is self-contained: it loads nothing, and its content security policy allows no script but its own, which
    sorts tables. Neither holds an image, a patient or a path.

    Args:
        facts: what is told.
        page: the path of the page; the Markdown lies beside it and ends in ``.md``.

    Returns:
        The paths of both.
    """
    sections = card_sections(facts)
    written = write_text(page, render_page("model_card.html", _context(facts, sections)))
    return written, write_text(page.with_suffix(".md"), _markdown(facts, sections))


def _context(facts: ModelFacts, sections: list[Section]) -> dict[str, Any]:
    raw = facts.reading.raw
    return {
        "title": f"Model card of {shorten(facts.name, 80)} {facts.version}",
        "created": str(raw.get("created") or "").replace("T", " ").replace("+00:00", " UTC"),
        "version": str((raw.get("versions") or {}).get("monai_fairtune", "")),
        "key_figures": key_figures(facts.reading),
        "sections": sections,
    }


def _markdown(facts: ModelFacts, sections: list[Section]) -> str:
    lines = [f"# Model card of {plain(facts.name)} {plain(facts.version)}", ""]
    for section in sections:
        lines += [f"## {section.title}", "", *_blocks(section)]
    return "\n".join(lines).rstrip() + "\n"


def _blocks(section: Section) -> Iterator[str]:
    for text in section.paragraphs:
        yield from (plain(text), "")
    if section.facts:
        yield from (*(f"* **{plain(name)}**: {plain(value)}" for name, value in section.facts), "")
    for table in section.tables:
        yield from (*table_lines(table), "")
    if section.items:
        yield from (*(f"* {plain(item)}" for item in section.items), "")
