"""What a MONAI bundle config would execute, read without executing it."""

from monai_fairtune.bundle.config_check.allowed_names import ALLOWED
from monai_fairtune.bundle.config_check.check import ConfigCheck, Finding, check_config

__all__ = ["ALLOWED", "ConfigCheck", "Finding", "check_config"]
