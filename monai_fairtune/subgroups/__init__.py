"""Sensitive attributes and the subgroups they define."""

from monai_fairtune.subgroups.assignment import MISSING, Subgroups
from monai_fairtune.subgroups.attribute import SensitiveAttribute
from monai_fairtune.subgroups.detectable import minimum_detectable_gap
from monai_fairtune.subgroups.eligibility import class_counts, reporting_minimum, require_eligible

__all__ = [
    "MISSING",
    "SensitiveAttribute",
    "Subgroups",
    "class_counts",
    "minimum_detectable_gap",
    "reporting_minimum",
    "require_eligible",
]
