"""What a model card is written from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from monai_fairtune.report.cohort_card.reading import Card
from monai_fairtune.report.reading import Reading
from monai_fairtune.report.tables import Table

__all__ = ["ModelFacts", "Section"]


@dataclass(frozen=True)
class ModelFacts:
    """A model, as the search that found it and the bundle that holds it tell.

    Args:
        reading: of the search's result.
        name: of the model.
        version: of the model.
        authors: of the model.
        intended_use: ``statement``, ``modalities``, ``body_parts``, ``views``, ``allows`` and ``min_side``.
        checked: how it was compared with the search's network when it was exported, in a sentence.
        versions: of the packages that it was exported with.
        sha256: of the files that it consists of, by name.
        cohort: the card of its data; None where none was given.
    """

    reading: Reading
    name: str
    version: str
    authors: str
    intended_use: Mapping[str, Any]
    checked: str
    versions: Mapping[str, str]
    sha256: Mapping[str, str]
    cohort: Card | None = None


@dataclass(frozen=True)
class Section:
    """One part of the card, alike in HTML and Markdown.

    Args:
        key: of its anchor.
        title: of it.
        paragraphs: first.
        facts: names and values, below them.
        tables: below these.
        items: a list, last.
    """

    key: str
    title: str
    paragraphs: list[str] = field(default_factory=list)
    facts: list[tuple[str, str]] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    items: list[str] = field(default_factory=list)
