"""The options of a search."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from monai_fairtune.bundle.options import is_absent, number, numbers, switch, text, whole
from monai_fairtune.exceptions import ConfigurationError
from monai_fairtune.search import SearchSettings

__all__ = ["search_settings"]

_WHOLE = frozenset(
    {
        "max_epochs",
        "n_ahead",
        "n_finalists",
        "n_folds",
        "n_replicates",
        "n_screened",
        "n_screened_trials",
        "n_seeds",
        "n_startup_trials",
        "n_trials",
        "patience",
        "population_size",
        "reduction_factor",
        "seed",
    }
)


def search_settings(**options: object) -> SearchSettings:
    """Returns the settings that a config's options describe.

    Args:
        **options: fields of ``SearchSettings``, numbers as text included; null means the field's default.

    Raises:
        ConfigurationError: if an option cannot be used.

    Example:
        >>> search_settings(n_trials="12", learning_rates=["1e-5", 0.001], timeout="null").n_trials
        12
    """
    names = {field.name for field in fields(SearchSettings)}
    unknown = sorted(set(options) - names)
    if unknown:
        raise ConfigurationError(f"A search has no option {unknown[0]!r}. Its options are {', '.join(sorted(names))}.")
    return SearchSettings(**{name: _read(name, value) for name, value in options.items() if not is_absent(value)})


def _read(name: str, value: object) -> Any:
    if name in _WHOLE:
        return whole(name, value)
    if name == "method":
        return text(name, value)
    if name == "screening":
        return switch(name, value)
    if name != "learning_rates":
        return number(name, value)
    rates = numbers(name, value)
    if len(rates) != 2:
        raise ConfigurationError(f"learning_rates is {value!r}. Give two positive numbers, low to high: [1e-5,1e-3].")
    return rates
