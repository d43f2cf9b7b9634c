"""Packages that only some data needs."""

from __future__ import annotations

from importlib.util import find_spec

from monai_fairtune.exceptions import ConfigurationError

__all__ = ["require_package"]


def require_package(package: str, what: str) -> None:
    """Refuses to go on without an optional package.

    Raises:
        ConfigurationError: saying how to install it.
    """
    if find_spec(package) is None:
        raise ConfigurationError(
            f"'{what}' needs the package {package}, which is not installed. Run pip install 'monai-fairtune[prepare]'."
        )
