"""What became of a download, as a page of text."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING

from monai_fairtune.cohort.console import n_of, wrapped
from monai_fairtune.cohort.paths import summarize
from monai_fairtune.cohort.prepared import check_command, counts_text
from monai_fairtune.cohort.readers.reader import options_of

if TYPE_CHECKING:
    from monai_fairtune.cohort.readers.prepare import PreparedCohort

__all__ = ["prepared_text"]

_NAME = 14


def prepared_text(prepared: PreparedCohort) -> str:
    """Returns the page: the dataset, its rules, the choices, the counts, and what to do next."""
    parts = [_heading(prepared), _rules(prepared), _choices(prepared), _counts(prepared), _next(prepared)]
    return "\n\n".join(text for part in parts if (text := "\n".join(part)))


def _heading(prepared: PreparedCohort) -> Iterator[str]:
    about = prepared.reader.about
    yield about.title
    yield from wrapped(f"Licence: {about.licence}. {about.access}")
    yield from wrapped(f"Cite: {about.citation}.")


def _rules(prepared: PreparedCohort) -> Iterator[str]:
    about = prepared.reader.about
    attributes = dict(about.attributes)
    for name in _absent(prepared):
        attributes[name] = f"absent, no table of it was found: {about.attributes[name]}"
    rules = {"label": about.label, **attributes, "patient_id": about.patients, "split": about.split}
    for name, rule in rules.items():
        yield from wrapped(rule, first=f"{name:{_NAME}}", indent=" " * _NAME)


def _choices(prepared: PreparedCohort) -> Iterator[str]:
    helps = {each.name: each.metadata["help"] for each in dataclasses.fields(prepared.reader)}  # type: ignore[arg-type]
    for name, value in options_of(prepared.reader).items():
        yield from wrapped(f"Choice: {name} = {value} ({helps[name]}).")


def _counts(prepared: PreparedCohort) -> Iterator[str]:
    found, counts = prepared.found, prepared.counts
    share = f" ({counts['n_positive'] / counts['n']:.1%})" if counts["n"] else ""
    yield from wrapped(
        f"{n_of(found.n_read, 'image')} named, {counts['n']} of them kept, of {n_of(counts['n_patients'], 'patient')}; "
        f"{counts['n_positive']}{share} have label 1."
    )
    yield from counts_text("Not recorded", counts["not_recorded"])
    yield from counts_text("Left out", prepared.dropped)
    for what, names in (
        ("Missing", found.missing),
        ("Not decoded", list(prepared.unreadable)),
        ("Named by no table and left alone", found.surplus),
    ):
        if names:
            yield from wrapped(f"{what}: {n_of(len(names), 'file')}, {summarize(names, 3)}.")
    for reason in list(prepared.unreadable.values())[:1]:
        yield from wrapped(f"Why the first is not decoded: {reason}")
    if prepared.linked_folders:
        yield from wrapped(
            f"Links to folders are not followed: {summarize(prepared.linked_folders)}. Put the folders in their place."
        )
    mismatches = prepared.mismatches
    for name, (n, published) in mismatches.items():
        yield from wrapped(f"Not as published: {n} {name} found, {published} published.")
    agreed = [f"{n} {name}" for name, n in prepared.reader.about.published.items() if name not in mismatches]
    if agreed:
        yield from wrapped(f"As published: {', '.join(agreed)}.")


def _next(prepared: PreparedCohort) -> Iterator[str]:
    if prepared.manifest is None:
        return
    yield f"Manifest: {prepared.manifest}"
    if prepared.study:
        yield f"Next: {check_command(prepared.manifest, prepared.data_root, prepared.study)}"
    else:
        yield from wrapped(
            f"Next: give the tables of {', '.join(_absent(prepared))}, or add a column of a sensitive attribute to the "
            "manifest. Nothing can be assessed without one."
        )


def _absent(prepared: PreparedCohort) -> list[str]:
    """Returns the attributes of the dataset that the manifest has no column of."""
    return [name for name in prepared.reader.about.attributes if name not in prepared.rows.columns]
