"""How much of the answer may be luck: noise between seeds, optimism, and what is not told apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from monai_fairtune.report.reading import Reading
from monai_fairtune.report.stored import finite, stated
from monai_fairtune.report.tables import Cell, Table
from monai_fairtune.report.wording import enumerate_words, isolate, number, objective_words, percent, shorten, signed

__all__ = ["alike_sentence", "faults_sentence", "luck_lines", "luck_sentences", "optimism_table"]

_MOST_NAMES = 6


def optimism_table(reading: Reading) -> Table | None:
    """Returns the deciding objective of the answer where it was searched, selected and tested, side by side."""
    told: Mapping[str, Any] = reading.raw.get("optimism") or {}
    if not told:
        return None
    n_seeds = int(told.get("n_seeds") or 1)
    table = Table(
        "optimism",
        f"The {objective_words(reading.objective)} of the answer, from the search to the test split",
        ["where", "value", "what it is"],
    )
    seeds = "one training" if n_seeds == 1 else f"the mean of {n_seeds} seeds"
    rows = [
        ("validation, in the search", told.get("searched"), f"{seeds}; by this it became a finalist"),
        ("validation, noise taken into account", told.get("estimate"), "drawn towards the mean of all masks"),
        ("validation, retrained", told.get("validation"), "the delivered model"),
        ("selection", told.get("selection"), "the mean of the retrainings; by this it was chosen"),
        ("selection, the delivered model", told.get("delivered_selection"), "the best of its retrainings"),
        ("test", {"value": told.get("test"), "reason": told.get("reason")}, "the delivered model; read at the end"),
    ]
    for where, value, meaning in rows:
        table.add(where, [table.value(stated(value)), Cell(meaning, numeric=False)], strong=where == "test")
    return table


def luck_sentences(reading: Reading) -> list[str]:
    """Returns what the noise says, as sentences; none for a result that was written before it was measured."""
    return [text for text in (_optimism(reading), _noise(reading), _not_told_apart(reading)) if text]


def luck_lines(reading: Reading) -> list[str]:
    """Returns the same in short, for a terminal."""
    alike = alike_sentence(reading)
    return [text for text in (_optimism(reading), alike or _not_told_apart(reading)) if text]


def alike_sentence(reading: Reading) -> str:
    """Returns that the best fixed method is not told apart from the answer, where that is so."""
    best = reading.best_fixed
    if best is None or reading.raw["method"] != "found mask":
        return ""
    if best.name not in {one["name"] for one in _alike(reading)}:
        return ""
    return (
        f"On validation “{isolate(shorten(best.name, 60))}” is not told apart from the found mask: they differ by no "
        "more than one mask with different seeds does."
    )


def faults_sentence(reading: Reading) -> str:
    """Returns how many trainings had to be tried again, and after what; empty where none had."""
    told: Mapping[str, Any] = reading.raw.get("faults") or {}
    if not told.get("n_repeated_attempts"):
        return ""
    kinds = enumerate_words([f"{n} by “{kind.replace('_', ' ')}”" for kind, n in (told.get("by_kind") or {}).items()])
    n = told["n_repeated_attempts"]
    text = f"{n} attempt{'s' if n > 1 else ''} at a training came to nothing ({kinds}) and were made again."
    n_halved = told.get("n_halved_batches") or 0
    return text + (f" {n_halved} trained with half the batch, since memory ran out." if n_halved else "")


def _optimism(reading: Reading) -> str:
    told: Mapping[str, Any] = reading.raw.get("optimism") or {}
    found, searched, test = (finite(told.get(key)) for key in ("found", "searched", "test"))
    if found is None or searched is None or test is None:
        return ""
    words = objective_words(reading.objective)
    values = f"the {words} was {number(searched)} on validation when the search picked it and is {number(test)} on test"
    if found > 0:
        return f"The search was too optimistic by {number(found)}: {values}."
    return f"No optimism was found ({signed(-found)} on test): {values}. The test patients may be easier."


def _noise(reading: Reading) -> str:
    noise: Mapping[str, Any] = reading.raw.get("noise") or {}
    if not noise:
        return ""
    seeds, masks = stated(noise.get("seeds")), stated(noise.get("masks"))
    if seeds.value is None:
        return f"How much seeds matter cannot be said: {seeds.reason}."
    ends = f" (95 % interval {number(seeds.low, 4)} to {number(seeds.high, 4)})" if seeds.has_interval else ""
    text = f"Another seed varies a mask's value with a standard deviation of {number(seeds.value, 4)}{ends}"
    if masks.value is None:
        return f"{text}; how much masks differ cannot be said: {masks.reason}."
    share = finite(noise.get("reliability"))
    told = "" if share is None else f", so that masks account for {percent(share)} of the variance of single values"
    return f"{text}; the masks themselves differ with one of {number(masks.value, 4)}{told}."


def _not_told_apart(reading: Reading) -> str:
    noise: Mapping[str, Any] = reading.raw.get("noise") or {}
    if stated(noise.get("seeds")).value is None:
        return ""
    alike = _alike(reading)
    if not alike:
        return "Every other feasible mask differs from the answer by more than this noise."
    names = [f"“{isolate(shorten(str(one['name']), 40))}” ({number(finite(one['value']))})" for one in alike]
    more = len(names) - _MOST_NAMES
    listed = enumerate_words([*names[:_MOST_NAMES], *([f"{more} more"] if more > 0 else [])])
    return f"Not told apart from the answer on validation, given this noise: {listed}. Do not say that it is better."


def _alike(reading: Reading) -> list[Mapping[str, Any]]:
    return list((reading.raw.get("noise") or {}).get("not_told_apart") or [])
