"""Readers as the command line names them."""

from __future__ import annotations

from monai_fairtune.cohort.readers.chestxray14 import ChestXray14
from monai_fairtune.cohort.readers.chexpert import CheXpert
from monai_fairtune.cohort.readers.fitzpatrick17k import Fitzpatrick17k
from monai_fairtune.cohort.readers.ham10000 import HAM10000
from monai_fairtune.cohort.readers.harvard_fairvision import HarvardFairVision
from monai_fairtune.cohort.readers.harvard_gf3300 import HarvardGF3300
from monai_fairtune.cohort.readers.mimic_cxr_jpg import MIMICCXRJPG
from monai_fairtune.cohort.readers.oasis1 import OASIS1
from monai_fairtune.cohort.readers.odir_5k import ODIR5K
from monai_fairtune.cohort.readers.ol3i import OL3I
from monai_fairtune.cohort.readers.pad_ufes_20 import PADUFES20
from monai_fairtune.cohort.readers.papila import PAPILA
from monai_fairtune.cohort.readers.reader import CohortReader

__all__ = ["READERS"]

_FAMILY: tuple[type[CohortReader], ...] = (
    ChestXray14,
    CheXpert,
    Fitzpatrick17k,
    HAM10000,
    HarvardFairVision,
    HarvardGF3300,
    MIMICCXRJPG,
    OASIS1,
    ODIR5K,
    OL3I,
    PADUFES20,
    PAPILA,
)

READERS = {kind.about.name: kind for kind in _FAMILY}
"""Name to reader; any other ``CohortReader`` is given to ``prepare_cohort`` itself."""
