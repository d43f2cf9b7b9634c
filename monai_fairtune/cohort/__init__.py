"""Images, labels, patients, sensitive attributes and splits: read, checked, decoded once and held on the device.

What needs MONAI or PyTorch is imported when it is first asked for: reading a manifest needs neither.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from monai_fairtune.cohort.cache import CachedImages, cache_images
from monai_fairtune.cohort.check import CohortCheck, check_manifest
from monai_fairtune.cohort.cohort import Cohort
from monai_fairtune.cohort.cross_validation import DrawnFolds, draw_test_folds
from monai_fairtune.cohort.synthetic import write_synthetic_cohort

if TYPE_CHECKING:
    from monai_fairtune.cohort.augmentation import DefaultAugmentation
    from monai_fairtune.cohort.preprocessing import Preprocessing
    from monai_fairtune.cohort.resident import Batches, Resident
    from monai_fairtune.cohort.resident_holding import hold_splits
    from monai_fairtune.cohort.resident_mapped import MappedSplit
    from monai_fairtune.cohort.resident_rows import ResidentRows
    from monai_fairtune.cohort.resident_split import HeldSplit, ResidentSplit

__all__ = [
    "Batches",
    "CachedImages",
    "Cohort",
    "CohortCheck",
    "DefaultAugmentation",
    "DrawnFolds",
    "HeldSplit",
    "MappedSplit",
    "Preprocessing",
    "Resident",
    "ResidentRows",
    "ResidentSplit",
    "cache_images",
    "check_manifest",
    "draw_test_folds",
    "hold_splits",
    "write_synthetic_cohort",
]

_LAZY = {
    "Batches": "resident",
    "DefaultAugmentation": "augmentation",
    "HeldSplit": "resident_split",
    "MappedSplit": "resident_mapped",
    "Preprocessing": "preprocessing",
    "Resident": "resident",
    "ResidentRows": "resident_rows",
    "ResidentSplit": "resident_split",
    "hold_splits": "resident_holding",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
