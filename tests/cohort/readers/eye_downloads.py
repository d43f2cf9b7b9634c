"""Small downloads of eyes with the layout, names and types of the true ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from tests.cohort.readers.downloads import write_lines, write_picture, write_sheet

PAPILA_EYES = {
    "od": [("#002", 47, 0, 2), ("#004", 58, 1, 1), ("#024", 53, 0, 0), ("#101", None, 1, 0)],
    "os": [("#002", 47, 0, 0), ("#004", 58, 1, 1), ("#024", 53, 0, 2), ("#101", None, 1, 0)],
}
PAPILA_HEADERS: dict[str, list[list[object]]] = {
    "original": [
        [None, "Age", "Gender", "Diagnosis", "Refractive_Defect", None, None, "Phakic/Pseudophakic", "IOP", None],
        [None, None, None, None, "dioptre_1", "dioptre_2", "astigmatism", None, "Pneumatic", "Perkins"],
        ["ID", *[None] * 9],
    ],
    "repeated": [
        [None, "Age", "Gender", "Diagnosis", "Refractive_Defect", None, None, "Phakic/Pseudophakic", "IOP", None],
        [None, "Age", "Gender", "Diagnosis", "dioptre_1", "dioptre_2", "astigmatism", None, "Pneumatic", "Perkins"],
        ["ID", *[None] * 9],
    ],
    "simple": [
        ["patient_id", "age", "gender", "diagnosis", "sphere", "cylinder", "axis", "crystalline_status", "p", "q"]
    ],
}


def write_papila(root: Path, *, header: str = "original", extra: Sequence[tuple[object, ...]] = ()) -> Path:
    """Writes both sheets, and the images of all eyes but the last."""
    for side, eyes in PAPILA_EYES.items():
        rows = [*PAPILA_HEADERS[header], *([*eye, 1.25, -0.75, 80, 1, None, 14] for eye in [*eyes, *extra])]
        write_sheet(root / "ClinicalData" / f"patient_data_{side}.xlsx", rows)
        for number, (patient, *_) in enumerate(eyes):
            if (side, patient) != ("os", "#101"):
                write_picture(root / "FundusImages" / f"RET{patient[1:]}{side.upper()}.jpg", seed=number)
    return root


def write_harvard_gf3300(root: Path) -> Path:
    """Writes seven patients, whose volumes are smaller than the true 200 x 200 x 200."""
    rng = np.random.default_rng(0)
    for number, folder in enumerate(["Training"] * 4 + ["Validation", "Test", "Test"]):
        path = root / folder / f"data_{number:04}.npz"
        path.parent.mkdir(parents=True, exist_ok=True)
        numbers = {"glaucoma": number % 2, "male": number // 2 % 2, "race": number % 3, "language": -1}
        np.savez_compressed(
            path,
            rnflt=rng.uniform(-2, 350, (20, 20)).astype(np.float32),
            oct_bscans=rng.integers(0, 256, (4, 5, 6), dtype=np.uint8),
            tds=np.zeros(52),
            md=np.array(-1.5),
            age=np.array(50.0 + number),
            **{name: np.array(value) for name, value in numbers.items()},  # type: ignore[arg-type]
        )
    return root


HARVARD_FAIRVISION = {
    "glaucoma": (
        "filename,age,gender,race,ethnicity,language,maritalstatus,md,glaucoma,use",
        "data_00001.npz,62.5,female,black,non-hispanic,english,single,-3.2,yes,training",
        "data_00002.npz,70.0,Male,white,unknown,english,married or partnered,-0.1,no,training",
        "data_00003.npz,55.25,male,asian,hispanic,unknown,widowed,-0.5,no,validation",
        "data_00004.npz,,female,white,non-hispanic,english,unknown,-7.5,yes,test",
        "data_00005.npz,81.0,female,white,non-hispanic,english,unknown,-7.5,yes,test",
    ),
    "amd": (
        "filename,age,gender,race,ethnicity,language,maritalstatus,amd,use",
        "data_00001.npz,62.5,female,black,non-hispanic,english,single,normal,training",
        "data_00002.npz,70.0,male,white,unknown,english,married or partnered,early amd,training",
        "data_00003.npz,55.25,male,asian,hispanic,unknown,widowed,late amd,validation",
        "data_00004.npz,66.0,female,white,non-hispanic,english,unknown,intermediate amd,test",
    ),
    "dr": (
        "filename,age,gender,race,ethnicity,language,maritalstatus,dr,use",
        "data_00001.npz,62.5,female,black,non-hispanic,english,single,non-vision threatening dr,training",
        "data_00002.npz,70.0,male,white,unknown,english,married or partnered,vision threatening dr,training",
        "data_00003.npz,55.25,male,asian,hispanic,unknown,widowed,vision threatening dr,validation",
    ),
}


def write_harvard_fairvision(root: Path) -> Path:
    """Writes all three parts, and all files of each but the last; volumes are smaller than the true ones."""
    folders = {"training": "Training", "validation": "Validation", "test": "Test"}
    for disease, lines in HARVARD_FAIRVISION.items():
        folder = root / ("Glaucoma" if disease == "glaucoma" else disease.upper())
        write_lines(folder / "ReadMe" / f"data_summary_{disease}.csv", lines)
        for number, line in enumerate(lines[1:-1]):
            name, use = line.split(",")[0], line.split(",")[-1]
            path = folder / folders[use] / name
            path.parent.mkdir(parents=True, exist_ok=True)
            fundus = np.full((8, 8), 50 * number + len(disease), dtype=np.uint8)
            slices = np.stack([np.full((8, 8), 10 * depth, dtype=np.uint8) for depth in range(5)])
            np.savez_compressed(path, slo_fundus=fundus, oct_bscans=slices, race=np.array(number % 3))
            write_picture(path.with_name(name.replace("data", "slo_fundus").replace("npz", "jpg")))
    return root


_ODIR_PATIENTS = (
    ("0", 69, "Female", "cataract", "normal fundus", 0, 0, 0, 1, 0, 0, 0, 0),
    ("1", 57, "Male", "lens dust，normal fundus", "normal fundus", 1, 0, 0, 0, 0, 0, 0, 0),
    ("2", 42, "Male", "laser spot，moderate non proliferative retinopathy", "suspected diabetic retinopathy",
     0, 1, 0, 0, 0, 0, 0, 1),
    ("3", 0, "Male", "low image quality", "suspected glaucoma", 0, 0, 1, 0, 0, 0, 0, 0),
    ("4", 53, "Female", "anterior segment image", "hypertensive retinopathy, glaucoma", 0, 0, 1, 0, 0, 1, 0, 0),
    ("5", 50, "Female", "macular epiretinal membrane", "dry age-related macular degeneration",
     0, 0, 1, 0, 1, 0, 0, 1),
)  # fmt: skip
ODIR_5K = [
    ["ID", "Patient Age", "Patient Sex", "Left-Fundus", "Right-Fundus", "Left-Diagnostic Keywords",
     "Right-Diagnostic Keywords", *"NDGCAHMO"],
    *([number, age, sex, f"{number}_left.jpg", f"{number}_right.jpg", *rest]
      for number, age, sex, *rest in _ODIR_PATIENTS),
]  # fmt: skip


def write_odir_5k(root: Path, *, table: str = "data.xlsx") -> Path:
    """Writes the table, and all images but the last; as full_df.csv the table has one row an eye."""
    if table.endswith(".xlsx"):
        write_sheet(root / "ODIR-5K" / table, ODIR_5K)
    else:
        rows = pd.DataFrame(ODIR_5K[1:], columns=ODIR_5K[0])
        eyes = [rows.assign(filename=rows[f"{side}-Fundus"]) for side in ("Right", "Left")]
        root.mkdir(parents=True)
        pd.concat(eyes).to_csv(root / table, index=False)
    names = [f"{number}_{side}.jpg" for number in range(len(ODIR_5K) - 1) for side in ("left", "right")]
    for seed, name in enumerate(names[:-1]):
        write_picture(root / "ODIR-5K" / "Training Images" / name, seed=seed)
    return root
