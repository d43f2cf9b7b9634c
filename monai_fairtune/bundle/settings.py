"""The options of a search."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from monai_fairtune.bundle.options import is_absent, number, numbers, optional, switch, whole
from monai_fairtune.exceptions import ConfigurationError
from monai_fairtune.search import SearchSettings

__all__ = ["search_settings"]

_WHOLE = frozenset(
    {"n_trials", "max_epochs", "seed", "n_startup_trials", "reduction_factor", "n_finalists", "n_seeds", "n_replicates"}
)


def search_settings(*, n_workers: object = 1, screening: object = False, **options: object) -> SearchSettings:
    """Returns the settings that a config's options describe.

    Args:
        n_workers: worker processes; this version runs one.
        screening: whether masks are screened first; this version does not.
        **options: fields of ``SearchSettings``, numbers as text included; null means the field's default.

    Raises:
        ConfigurationError: if an option cannot be used, or is not offered in this version.

    Example:
        >>> search_settings(n_trials="12", learning_rates=["1e-5", 0.001], timeout="null").n_trials
        12
    """
    if optional(whole, "n_workers", n_workers) not in (None, 1):
        raise ConfigurationError(f"n_workers is {n_workers}, and this version runs one process. Leave n_workers out.")
    if optional(switch, "screening", screening):
        raise ConfigurationError("screening is on, and this version has no screening. Leave screening out.")
    names = {field.name for field in fields(SearchSettings)}
    unknown = sorted(set(options) - names)
    if unknown:
        raise ConfigurationError(f"A search has no option {unknown[0]!r}. Its options are {', '.join(sorted(names))}.")
    given = {name: _read(name, value) for name, value in options.items() if not is_absent(value)}
    return SearchSettings(**given)


def _read(name: str, value: object) -> Any:
    if name in _WHOLE:
        return whole(name, value)
    if name != "learning_rates":
        return number(name, value)
    rates = numbers(name, value)
    if len(rates) != 2:
        raise ConfigurationError(f"learning_rates is {value!r}. Give two positive numbers, low to high: [1e-5,1e-3].")
    return rates
