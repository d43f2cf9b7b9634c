"""Search methods as configurations name them."""

from __future__ import annotations

from collections.abc import Callable

from monai_fairtune.exceptions import ConfigurationError
from monai_fairtune.search.methods.exhaustive import ExhaustiveMethod
from monai_fairtune.search.methods.method import SearchMethod
from monai_fairtune.search.methods.nsga2 import NSGA2Method
from monai_fairtune.search.methods.random_masks import RandomMethod
from monai_fairtune.search.methods.tpe import TPEMethod

__all__ = ["method_by_name"]


def method_by_name(
    name: str, n_startup_trials: int = 10, population_size: int = 20, order_seed: int = 0
) -> SearchMethod:
    """Returns the search method that a configuration names; any other ``SearchMethod`` is built from its own class.

    Args:
        name: ``tpe``, ``nsga2``, ``random`` or ``exhaustive``.
        n_startup_trials: of TPE.
        population_size: of NSGA-II.
        order_seed: of the exhaustive search.

    Raises:
        ConfigurationError: if there is no method of that name, or its argument cannot be used.

    Example:
        >>> method_by_name("tpe", n_startup_trials=5).description
        'optuna ... TPESampler(multivariate=True, ..., n_startup_trials=5, n_ei_candidates=24)'
    """
    family: dict[str, Callable[[], SearchMethod]] = {
        TPEMethod.name: lambda: TPEMethod(n_startup_trials),
        NSGA2Method.name: lambda: NSGA2Method(population_size),
        RandomMethod.name: RandomMethod,
        ExhaustiveMethod.name: lambda: ExhaustiveMethod(order_seed),
    }
    if name not in family:
        raise ConfigurationError(f"There is no search method {name!r}. Choose one of {', '.join(family)}.")
    return family[name]()
