"""A cohort that is drawn, not recorded, and whose ground truth is therefore known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from monai_fairtune.cohort.synthetic_files import write_dicom, write_png
from monai_fairtune.cohort.synthetic_images import draw_image
from monai_fairtune.exceptions import ConfigurationError
from monai_fairtune.predictions import write_csv

__all__ = ["write_synthetic_cohort"]

_FEWEST = 40
_SHARE_OLDER = 0.28
_SHARE_POSITIVE = 0.5
_SHARE_TWO_IMAGES = 0.1
_SHARE_BLANK = 0.03
_SHARE_DICOM = 0.2
_SHARE_INVERTED = 0.5
_CUT = 60


@dataclass(frozen=True)
class _Patient:
    number: int
    older: bool
    finding: bool
    sex: str
    age: str
    n_images: int
    is_dicom: bool
    inverted: bool
    window: tuple[int, int]

    @property
    def patient_id(self) -> str:
        return f"S{self.number:05d}"


def write_synthetic_cohort(directory: str | Path, *, n_patients: int = 1600, seed: int = 0) -> Path:
    """Draws a cohort in which one subgroup is rarer and shows its finding differently, and writes it to files.

    What is true of it, whatever a model says:

    * Label 1 is a finding. Half of the patients of either subgroup have it; one patient in ten has two images.
    * 28 % of the patients are 60 or older. Below 60 the finding is a solid bright disc, and a hollow bright one is
      harmless. From 60 on it is a solid dark disc, a hollow dark one is harmless, and solid bright discs are harmless
      too: half of the older patients have one, with the finding or without. What is learned below 60 misleads above.
      A tenth of the younger have a solid dark disc, with the finding or without.
    * Tissue is coarser and of higher contrast from 60 on.
    * ``sex`` decides nothing: a control in which a difference between subgroups is noise.
    * ``age`` and ``sex`` are blank for 3 % of the patients each, at random.
    * A fifth of the patients come as DICOM files of 12 bits with a window, half of these MONOCHROME1, the others as
      PNG of 8 bits; the format is drawn independently of everything else. No file holds a name.

    The finding is drawn in every image that has it, so a perfect model would come close to AUROC 1 in both subgroups.
    Splits are not drawn here: ``Cohort.from_manifest`` draws them.

    Args:
        directory: receives ``manifest.csv`` and the folder ``images``; it is created.
        n_patients: patients to draw, at least 40.
        seed: decides every draw; the same seed writes the same bytes.

    Returns:
        The path of the manifest, with columns ``image``, ``label``, ``patient_id``, ``sex`` and ``age``.

    Raises:
        ConfigurationError: if there are fewer than 40 patients.

    Example:
        >>> import tempfile
        >>> folder = tempfile.TemporaryDirectory()
        >>> manifest = write_synthetic_cohort(folder.name, n_patients=40)
        >>> print(manifest.read_text().splitlines()[0])
        image,label,patient_id,sex,age
        >>> folder.cleanup()
    """
    if n_patients < _FEWEST:
        raise ConfigurationError(
            f"n_patients is {n_patients}. Draw at least {_FEWEST}, so that every subgroup holds both classes."
        )
    folder = Path(directory)
    (folder / "images").mkdir(parents=True, exist_ok=True)
    patients = _draw_patients(n_patients, np.random.default_rng([seed]))
    rows = [_write_image(folder, patient, view, seed) for patient in patients for view in range(patient.n_images)]
    manifest = folder / "manifest.csv"
    write_csv(manifest, pd.DataFrame(rows))
    return manifest


def _draw_patients(n: int, rng: np.random.Generator) -> list[_Patient]:
    """Deals classes and subgroups in fixed shares, so that their counts do not depend on the seed."""
    n_older = round(_SHARE_OLDER * n)
    older = np.arange(n) < n_older
    finding = np.concatenate([np.arange(size) < _SHARE_POSITIVE * size for size in (n_older, n - n_older)])
    dealt = rng.permutation(n)
    return [_draw_patient(number, bool(older[cell]), bool(finding[cell]), rng) for number, cell in enumerate(dealt)]


def _draw_patient(number: int, older: bool, finding: bool, rng: np.random.Generator) -> _Patient:
    sex = "female" if rng.random() < 0.5 else "male"
    age = str(rng.integers(_CUT, 90) if older else rng.integers(20, _CUT))
    low, width = int(rng.integers(200, 1200)), int(rng.integers(1200, 2600))
    return _Patient(
        number=number,
        older=older,
        finding=finding,
        sex="" if rng.random() < _SHARE_BLANK else sex,
        age="" if rng.random() < _SHARE_BLANK else age,
        n_images=2 if rng.random() < _SHARE_TWO_IMAGES else 1,
        is_dicom=bool(rng.random() < _SHARE_DICOM),
        inverted=bool(rng.random() < _SHARE_INVERTED),
        window=(low, low + width),
    )


def _write_image(folder: Path, patient: _Patient, view: int, seed: int) -> dict[str, object]:
    rng = np.random.default_rng([seed, patient.number, view])
    image = draw_image(rng, finding=patient.finding, older=patient.older)
    name = f"images/{patient.patient_id}_{view + 1}.{'dcm' if patient.is_dicom else 'png'}"
    if patient.is_dicom:
        write_dicom(
            folder / name, image, patient_id=patient.patient_id, inverted=patient.inverted, window=patient.window
        )
    else:
        write_png(folder / name, image)
    return {
        "image": name,
        "label": int(patient.finding),
        "patient_id": patient.patient_id,
        "sex": patient.sex,
        "age": patient.age,
    }
