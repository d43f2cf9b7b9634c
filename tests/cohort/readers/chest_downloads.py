"""Small downloads of chest radiographs with the layout, names and types of the true ones."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from pathlib import Path

from tests.cohort.readers.downloads import write_lines, write_picture, write_sheet

CHEXPERT_HEADER = (
    "Path,Sex,Age,Frontal/Lateral,AP/PA,No Finding,Enlarged Cardiomediastinum,Cardiomegaly,Lung Opacity,Lung Lesion,"
    "Edema,Consolidation,Pneumonia,Atelectasis,Pneumothorax,Pleural Effusion,Pleural Other,Fracture,Support Devices"
)
CHEXPERT = {
    "train": (
        CHEXPERT_HEADER,
        "CheXpert-v1.0-small/train/patient00001/study1/view1_frontal.jpg,Female,68,Frontal,AP,1.0,,,,,,,,,0.0,,,,1.0",
        "CheXpert-v1.0-small/train/patient00002/study2/view1_frontal.jpg,Female,87,Frontal,AP,,,-1.0,1.0,,-1.0,-1.0,,-1.0,,-1.0,,1.0,",
        "CheXpert-v1.0-small/train/patient00002/study1/view1_frontal.jpg,Female,83,Frontal,AP,,,,1.0,,,-1.0,,,,,,1.0,",
        "CheXpert-v1.0-small/train/patient00002/study1/view2_lateral.jpg,Female,83,Lateral,,,,,1.0,,,-1.0,,,,,,1.0,",
        "CheXpert-v1.0-small/train/patient00003/study1/view1_frontal.jpg,Unknown,0,Frontal,PA,1.0,,0.0,,,,,,,,,,,",
        "CheXpert-v1.0-small/train/patient00004/study1/view1_frontal.jpg,Male,90,Frontal,PA,,,1.0,,,,,,,,,,,",
    ),
    "valid": (
        CHEXPERT_HEADER,
        "CheXpert-v1.0-small/valid/patient64541/study1/view1_frontal.jpg,Male,73,Frontal,AP,0.0,1.0,1.0,1.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0",
        "CheXpert-v1.0-small/valid/patient64542/study1/view1_frontal.jpg,Male,70,Frontal,PA,1.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0",
    ),
}
CHEXPERT_DEMOGRAPHICS = (
    ("PATIENT", "GENDER", "AGE_AT_CXR", "PRIMARY_RACE", "ETHNICITY"),
    ("patient00001", "Female", 68, "Caucasian", "Non-Hispanic/Non-Latino"),
    ("patient00002", "Female", 87, "Asian - Historical Conv", "Unknown"),
    ("patient00003", "Unknown", 0, "Race and Ethnicity Unknown", "Unknown"),
    ("patient00004", "Male", 90, "Black or African American", "Not Hispanic"),
    ("patient64541", "Male", 73, "Native Hawaiian or Other Pacific Islander", "Unknown"),
)


def write_chexpert(root: Path, *, folder: str = "CheXpert-v1.0-small", demographics: bool = True) -> Path:
    """Writes both tables, and all images but the last of either."""
    for part, lines in CHEXPERT.items():
        write_lines(root / folder / f"{part}.csv", lines)
        for number, line in enumerate(lines[1:-1]):
            write_picture(root / folder / line.split(",")[0].partition("/")[2], seed=number)
    if demographics:
        write_sheet(root / "CHEXPERT DEMO.xlsx", CHEXPERT_DEMOGRAPHICS)
    return root


CHESTXRAY14 = (
    "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,OriginalImage[Width,"
    "Height],OriginalImagePixelSpacing[x,y],",
    "00000001_000.png,Cardiomegaly,0,1,58,M,PA,2682,2749,0.143,0.143,",
    "00000001_001.png,Cardiomegaly|Emphysema,1,1,58,M,PA,2894,2729,0.143,0.143,",
    "00000002_000.png,No Finding,0,2,081Y,M,AP,2500,2048,0.171,0.171,",
    "00000003_000.png,Hernia,0,3,018M,F,PA,2582,2991,0.143,0.143,",
    "00000004_000.png,Pleural_Thickening|Mass,0,4,411,F,PA,2582,2991,0.143,0.143,",
    "00000005_000.png,No Finding,0,5,60,F,PA,2582,2991,0.143,0.143,",
    "00000006_000.png,Effusion,0,6,60,F,AP,2582,2991,0.143,0.143,",
)
CHESTXRAY14_LISTS = {
    "train_val_list.txt": ("00000001_000.png", "00000001_001.png", "00000002_000.png", "00000003_000.png"),
    "test_list.txt": ("00000004_000.png", "00000006_000.png"),
}


def write_chestxray14(root: Path, *, lines: Sequence[str] = CHESTXRAY14, table: str = "Data_Entry_2017.csv") -> Path:
    """Writes the table, the lists, which forget patient 5, and all images but the last."""
    write_lines(root / table, lines)
    for name, images in CHESTXRAY14_LISTS.items():
        write_lines(root / name, images)
    for number, line in enumerate(lines[1:-1]):
        write_picture(root / f"images_00{1 + number % 2}" / "images" / line.split(",")[0], seed=number)
    return root


MIMIC_CXR = {
    "mimic-cxr-2.0.0-metadata": (
        "dicom_id,subject_id,study_id,PerformedProcedureStepDescription,ViewPosition,Rows,Columns,StudyDate,StudyTime",
        "02aa804e,10000032,50414267,CHEST (PA AND LAT),PA,3056,2544,21800506,213014.531",
        "174413ec,10000032,50414267,CHEST (PA AND LAT),LATERAL,3056,2544,21800506,213014.531",
        "2a2277a9,10000764,53189527,CHEST (PORTABLE AP),AP,3056,2544,21321125,165930.312",
        "68b5c4b1,10000898,50771383,CHEST (PA AND LAT),PA,3056,2544,21880323,145926.2",
        "8959e402,10000935,50578979,CHEST (PA AND LAT),LL,3056,2544,21871014,145926.2",
        "d0b71acc,10000935,51178377,CHEST (PORTABLE AP),AP,3056,2544,21871014,145926.2",
        "e084de3b,10000980,50985099,CHEST (PORTABLE AP),AP,3056,2544,21890823,145926.2",
        "ffff0001,10001000,50000001,,,3056,2544,21890823,145926.2",
        "ffff0002,10001000,50000002,CHEST (PORTABLE AP),AP,3056,2544,21890823,145926.2",
    ),
    "mimic-cxr-2.0.0-chexpert": (
        "subject_id,study_id,Atelectasis,Cardiomegaly,Consolidation,Edema,Enlarged Cardiomediastinum,Fracture,"
        "Lung Lesion,Lung Opacity,No Finding,Pleural Effusion,Pleural Other,Pneumonia,Pneumothorax,Support Devices",
        "10000032,50414267,,,,,,,,,1.0,,,,,",
        "10000764,53189527,-1.0,,,,,,,,,0.0,,,,",
        "10000898,50771383,,,,,,,,,1.0,,,,,",
        "10000935,50578979,,,,,,,,1.0,,1.0,,,,",
        "10000935,51178377,1.0,,,,,,,1.0,,1.0,,,,",
        "10001000,50000001,,,,,,,,1.0,,1.0,,,,",
        "10001000,50000002,1.0,,,,,,,1.0,,1.0,,,,",
    ),
    "mimic-cxr-2.0.0-split": (
        "dicom_id,study_id,subject_id,split",
        "02aa804e,50414267,10000032,train",
        "174413ec,50414267,10000032,train",
        "2a2277a9,53189527,10000764,train",
        "68b5c4b1,50771383,10000898,validate",
        "8959e402,50578979,10000935,test",
        "d0b71acc,51178377,10000935,test",
        "e084de3b,50985099,10000980,train",
        "ffff0001,50000001,10001000,train",
        "ffff0002,50000002,10001000,train",
    ),
}
MIMIC_IV = {
    "patients": (
        "subject_id,gender,anchor_age,anchor_year,anchor_year_group,dod",
        "10000032,F,52,2180,2014 - 2016,2180-09-09",
        "10000764,M,86,2130,2011 - 2013,",
        "10000898,F,79,2188,2011 - 2013,",
        "10000935,F,91,2182,2008 - 2010,2187-11-12",
    ),
    "admissions": (
        "subject_id,hadm_id,admittime,dischtime,insurance,language,marital_status,race",
        "10000032,1,2180-05-06,2180-05-07,Medicaid,ENGLISH,WIDOWED,WHITE",
        "10000032,2,2180-06-26,2180-06-27,Medicaid,ENGLISH,WIDOWED,WHITE - RUSSIAN",
        "10000764,3,2132-10-14,2132-10-19,Medicare,ENGLISH,SINGLE,BLACK/AFRICAN AMERICAN",
        "10000764,4,2132-10-24,2132-10-29,Medicare,ENGLISH,SINGLE,BLACK/AFRICAN AMERICAN",
        "10000764,5,2132-11-14,2132-11-19,Medicare,ENGLISH,SINGLE,OTHER",
        "10000898,6,2188-03-23,2188-03-24,Other,ENGLISH,MARRIED,UNKNOWN",
        "10000935,7,2187-10-14,2187-10-15,Other,ENGLISH,MARRIED,HISPANIC/LATINO - DOMINICAN",
        "10000935,8,2187-10-24,2187-10-25,Other,ENGLISH,MARRIED,PATIENT DECLINED TO ANSWER",
    ),
}


def write_mimic_cxr_jpg(root: Path, *, patients: bool = True, packed: bool = True) -> Path:
    """Writes the tables, and all images but that of the last study."""
    folder = root / "mimic-cxr-jpg"
    for name, lines in MIMIC_CXR.items():
        write_packed(folder / f"{name}.csv", lines, packed=packed)
    for name, lines in MIMIC_IV.items() if patients else ():
        write_packed(root / "hosp" / f"{name}.csv", lines, packed=packed)
    for number, line in enumerate(MIMIC_CXR["mimic-cxr-2.0.0-metadata"][1:-1]):
        dicom, subject, study = line.split(",")[:3]
        write_picture(folder / "files" / f"p{subject[:2]}" / f"p{subject}" / f"s{study}" / f"{dicom}.jpg", seed=number)
    return root


def write_packed(path: Path, lines: Sequence[str], *, packed: bool) -> None:
    """Writes a CSV file, or, packed, the same with the ending .gz."""
    write_lines(path, lines)
    if packed:
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
