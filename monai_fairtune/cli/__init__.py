"""The command line."""

from monai_fairtune.cli.main import main

__all__ = ["main"]
