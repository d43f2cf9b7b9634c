"""Where the shipped bundle lies, and how a command runs it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import monai_fairtune
from monai_fairtune.exceptions import ConfigurationError

__all__ = ["config_file", "run_config"]


def config_file(name: str) -> Path:
    """Returns a config of the bundle ``fairtune_classification``, installed or in a checkout.

    Raises:
        ConfigurationError: if the bundle is not there.
    """
    package = Path(monai_fairtune.__file__).parent
    for root in (package / "bundles", package.parent / "bundles"):
        path = root / "fairtune_classification" / "configs" / name
        if path.is_file():
            return path
    raise ConfigurationError(f"The bundle's {name} is not installed with the package. Install monai-fairtune again.")


def run_config(configs: list[str], overrides: Mapping[str, Any]) -> None:
    """Runs a MONAI bundle config as ``python -m monai.bundle run`` does, but takes overrides as data.

    Args:
        configs: config files, which are code.
        overrides: options, which are not.

    Raises:
        ConfigurationError: if a config file is missing, or has no option that an override names.
    """
    from monai.bundle import ConfigWorkflow

    from monai_fairtune.bundle.parameters import set_options

    missing = [name for name in configs if not Path(name).is_file()]
    if missing:
        raise ConfigurationError(f"There is no config file {missing[0]!r}. Give the path of a YAML or JSON file.")
    workflow = ConfigWorkflow(config_file=configs, logging_file=False)
    set_options(workflow.parser, overrides)
    workflow.initialize()
    workflow.run()
    workflow.finalize()
