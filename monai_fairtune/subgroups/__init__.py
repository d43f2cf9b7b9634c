"""Sensitive attributes and the subgroups they define."""

from monai_fairtune.subgroups.assignment import MISSING, Subgroups
from monai_fairtune.subgroups.attribute import SensitiveAttribute
from monai_fairtune.subgroups.cells import canonical, distinct_cells
from monai_fairtune.subgroups.crossing import crossing
from monai_fairtune.subgroups.detectable import minimum_detectable_gap
from monai_fairtune.subgroups.eligibility import class_counts, reporting_minimum, require_eligible
from monai_fairtune.subgroups.merging import Merge, merge_alike, merge_small

__all__ = [
    "MISSING",
    "Merge",
    "SensitiveAttribute",
    "Subgroups",
    "canonical",
    "class_counts",
    "crossing",
    "distinct_cells",
    "merge_alike",
    "merge_small",
    "minimum_detectable_gap",
    "reporting_minimum",
    "require_eligible",
]
