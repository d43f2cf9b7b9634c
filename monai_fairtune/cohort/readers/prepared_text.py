"""What became of a download, as a page of text."""

from __future__ import annotations

import dataclasses
import shlex
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

from monai_fairtune.cohort.paths import summarize
from monai_fairtune.cohort.readers.reader import options_of

if TYPE_CHECKING:
    from monai_fairtune.cohort.readers.prepare import PreparedCohort

__all__ = ["prepared_text"]

_WIDTH = 98
_NAME = 14


def prepared_text(prepared: PreparedCohort) -> str:
    """Returns the page: the dataset, its rules, the choices, the counts, and what to do next."""
    parts = [_heading(prepared), _rules(prepared), _choices(prepared), _counts(prepared), _next(prepared)]
    return "\n\n".join(text for part in parts if (text := "\n".join(part)))


def _heading(prepared: PreparedCohort) -> Iterator[str]:
    about = prepared.reader.about
    yield about.title
    yield from _wrap(f"Licence: {about.licence}. {about.access}")
    yield from _wrap(f"Cite: {about.citation}.")


def _rules(prepared: PreparedCohort) -> Iterator[str]:
    about = prepared.reader.about
    rules = {"label": about.label, **about.attributes, "patient_id": about.patients, "split": about.split}
    for name, rule in rules.items():
        if name in prepared.rows.columns or name == "split":
            yield from _item(name, rule)


def _choices(prepared: PreparedCohort) -> Iterator[str]:
    helps = {each.name: each.metadata["help"] for each in dataclasses.fields(prepared.reader)}  # type: ignore[arg-type]
    for name, value in options_of(prepared.reader).items():
        yield from _wrap(f"Choice: {name} = {value} ({helps[name]}).")


def _counts(prepared: PreparedCohort) -> Iterator[str]:
    found, rows = prepared.found, prepared.rows
    n_positive = int((rows["label"] == "1").sum())
    share = f" ({n_positive / len(rows):.1%})" if len(rows) else ""
    yield from _wrap(
        f"{found.n_read} images are named, {len(rows)} of them kept, of {rows['patient_id'].nunique()} patients; "
        f"{n_positive}{share} have label 1."
    )
    for what, counts in (("Not recorded", prepared.not_recorded), ("Left out", prepared.dropped)):
        if any(counts.values()):
            yield from _wrap(f"{what}: {', '.join(f'{name} ({n})' for name, n in counts.items() if n)}.")
    for what, names in (
        ("Missing", found.missing),
        ("Not decoded", list(prepared.unreadable)),
        ("Named by no table and left alone", found.surplus),
    ):
        if names:
            yield from _wrap(f"{what}: {len(names)} files, {summarize(names, 3)}.")
    mismatches = prepared.mismatches
    for name, (n, published) in mismatches.items():
        yield from _wrap(f"Not as published: {n} {name} found, {published} published.")
    agreed = [f"{n} {name}" for name, n in prepared.reader.about.published.items() if name not in mismatches]
    if agreed:
        yield from _wrap(f"As published: {', '.join(agreed)}.")


def _next(prepared: PreparedCohort) -> Iterator[str]:
    if prepared.manifest is None:
        return
    yield f"Manifest: {prepared.manifest}"
    command = ["monai-fairtune", "check", str(prepared.manifest), "--data-root", str(prepared.data_root)]
    yield f"Next: {shlex.join([*command, '--attribute', *prepared.study])}"


def _item(name: str, text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=f"{name:{_NAME}}", subsequent_indent=" " * _NAME)


def _wrap(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
