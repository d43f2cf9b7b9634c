"""Sensitive attributes and the subgroups they define."""

from monai_fairtune.subgroups.assignment import MISSING, Subgroups
from monai_fairtune.subgroups.attribute import SensitiveAttribute

__all__ = ["MISSING", "SensitiveAttribute", "Subgroups"]
