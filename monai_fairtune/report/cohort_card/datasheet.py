"""The questions of a datasheet, answered as far as the data and its preparation can."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from monai_fairtune.report.cohort_card.reading import Card
from monai_fairtune.report.wording import enumerate_words, printable

__all__ = ["collection", "distribution", "motivation", "preprocessing"]

_UNKNOWN = "Not recorded: only whoever collected the data can say."
Answers = list[tuple[str, str]]


def motivation(card: Card) -> Answers:
    """Returns what the cohort is and what its label means."""
    names = card.raw["class_names"]
    label = card.about.get("label") or (f"0 is {names[0]}; 1 is {names[1]}" if names != ["0", "1"] else None)
    return _answers(
        ("dataset", card.about.get("title")),
        ("label", label),
        ("for what purpose, by whom and with whose funds it was created", None),
    )


def collection(card: Card) -> Answers:
    """Returns how the data came about."""
    attributes = card.about.get("attributes") or {}
    recorded = "; ".join(f"{name}: {words}" for name, words in attributes.items()) or None
    return _answers(
        ("recorded attributes", recorded),
        ("patients", card.about.get("patients")),
        ("known of acquisition", enumerate_words(card.acquisition) or "no column was named (--acquisition)"),
        ("how patients were chosen, and whether they consented", None),
        ("ethical review", None),
    )


def preprocessing(card: Card) -> Answers:
    """Returns what was done to the data before this card."""
    prepared, images = card.prepared, card.raw["images"]
    decoded = "images were not opened" if images is None else f"{images['n_decoded']} of {card.raw['n']} images"
    return _answers(
        ("reader", prepared.get("reader") or "none: the manifest was given as it is"),
        *((f"option {name}", value) for name, value in (prepared.get("options") or {}).items()),
        ("images read from the download", prepared.get("n_read") if prepared else "unknown"),
        *((f"left out: {reason}", n) for reason, n in (prepared.get("dropped") or {}).items()),
        ("resized to", prepared.get("resize") or "not by the preparation"),
        ("decoded", decoded),
    )


def distribution(card: Card) -> Answers:
    """Returns the terms of the data, and the hashes by which it is known again."""
    manifest, splits = card.raw["manifest"], card.raw.get("splits_file") or {}
    return _answers(
        ("licence", card.about.get("licence")),
        ("access", card.about.get("access")),
        ("citation", card.about.get("citation")),
        ("manifest", manifest["file"]),
        ("SHA-256 of the manifest", manifest["sha256"]),
        ("SHA-256 of splits.csv", splits.get("sha256")),
        *((f"SHA-256 of {name}", sha256) for name, sha256 in (card.prepared.get("tables") or {}).items()),
        ("who maintains it, and how errors are reported", None),
    )


def _answers(*pairs: tuple[str, Any]) -> Answers:
    return [(printable(str(name)), _UNKNOWN if value is None else _told(value)) for name, value in pairs]


def _told(value: object) -> str:
    if isinstance(value, Mapping):
        return printable("; ".join(f"{key}: {item}" for key, item in value.items()))
    if isinstance(value, list | tuple):
        return printable(enumerate_words([str(item) for item in value]) or "none")
    return printable("yes" if value is True else "no" if value is False else str(value))
