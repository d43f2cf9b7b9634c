"""What follows a command's own options: overrides of a config."""

from __future__ import annotations

from collections.abc import Sequence

from monai_fairtune.exceptions import ConfigurationError

__all__ = ["parse_overrides"]


def parse_overrides(arguments: Sequence[str]) -> dict[str, object]:
    """Returns ``--name value`` pairs, values read as YAML where that gives a list, a number or a truth value.

    Raises:
        ConfigurationError: if a name has no value, or a value no name.

    Example:
        >>> parse_overrides(["--attribute", "age:60", "--split_fractions", "[0.6, 0.2, 0.2]", "--n-workers=2"])
        {'attribute': 'age:60', 'split_fractions': [0.6, 0.2, 0.2], 'n_workers': 2}
    """
    import yaml

    pairs: dict[str, object] = {}
    rest = [part for argument in arguments for part in _split(argument)]
    if len(rest) % 2 or any(not name.startswith("--") for name in rest[::2]):
        raise ConfigurationError(f"The overrides are {' '.join(arguments)!r}. Give pairs, such as --n_trials 20.")
    for name, value in zip(rest[::2], rest[1::2], strict=True):
        try:
            parsed = yaml.safe_load(value)
        except yaml.YAMLError:
            parsed = value
        pairs[name[2:].replace("-", "_")] = value if isinstance(parsed, dict) or parsed is None else parsed
    return pairs


def _split(argument: str) -> list[str]:
    name, equals, value = argument.partition("=")
    return [name, value] if argument.startswith("--") and equals else [argument]
