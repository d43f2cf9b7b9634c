"""Small downloads with the layout, names and types of the true ones."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Sequence
from pathlib import Path

import h5py
import nibabel as nib
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image


def write_picture(path: Path, *, size: tuple[int, int] = (12, 10), seed: int = 0) -> None:
    """Writes a random colour picture in the format of the file's ending."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)).save(path)


def write_lines(path: Path, lines: Sequence[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


HAM10000 = (
    "lesion_id,image_id,dx,dx_type,age,sex,localization",
    "HAM_0000118,ISIC_0027419,bkl,histo,80.0,male,scalp",
    "HAM_0000118,ISIC_0025030,bkl,histo,80.0,male,scalp",
    "HAM_0002761,ISIC_0029176,bcc,histo,60.0,female,face",
    "HAM_0001396,ISIC_0025276,mel,histo,55.0,female,trunk",
    "HAM_0004234,ISIC_0029396,akiec,histo,85.0,unknown,chest",
    "HAM_0003729,ISIC_0024306,nv,follow_up,0.0,male,back",
    "HAM_0001949,ISIC_0032258,nv,histo,,female,back",
    "HAM_0005678,ISIC_0031023,nv,histo,50.0,male,lower extremity",
)


def write_ham10000(root: Path, *, lines: Sequence[str] = HAM10000, table: str = "HAM10000_metadata") -> Path:
    """Writes the table, and all images but the last, in two folders."""
    write_lines(root / table, lines)
    for number, name in enumerate(line.split(",")[1] for line in lines[1:-1]):
        write_picture(root / f"HAM10000_images_part_{1 + number % 2}" / f"{name}.jpg", seed=number)
    return root


def touch(root: Path, names: Iterable[str]) -> None:
    """Makes empty files."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


FITZPATRICK17K = (
    "md5hash,fitzpatrick_scale,fitzpatrick_centaur,label,nine_partition_label,three_partition_label,qc,url,url_alphanum",
    "5e82a45bc5d78bd24ae9202d194423f8,3,3,drug induced pigmentary changes,inflammatory,non-neoplastic,,https://a/b.jpg,b.jpg",
    "d2bac3c9e4499032ca8e9b07c7d3bc40,2,3,dermatofibroma,benign dermal,benign,1 Diagnostic,https://a/c.jpg,c.jpg",
    "0a94359e7eaacd7178e06b2823777789,1,1,melanoma,malignant melanoma,malignant,,https://a/d.jpg,d.jpg",
    "a39ec3b1f22c08a421fa20535e037bba,-1,-1,melanoma,malignant melanoma,malignant,3 Wrongly labelled,,",
    "45dfc9a8a1d6d2a4f9ab62d3e8a1f5a1,6,5,psoriasis,inflammatory,non-neoplastic,,https://a/e.jpg,e.jpg",
)


def write_fitzpatrick17k(root: Path, *, lines: Sequence[str] = FITZPATRICK17K) -> Path:
    """Writes the table, and all images but the last."""
    write_lines(root / "fitzpatrick17k.csv", lines)
    for number, line in enumerate(lines[1:-1]):
        write_picture(root / "data" / "finalfitz17k" / f"{line.split(',')[0]}.jpg", seed=number)
    return root


PAD_UFES_20 = (
    "patient_id,lesion_id,smoke,drink,background_father,background_mother,age,pesticide,gender,skin_cancer_history,"
    "cancer_history,has_piped_water,has_sewage_system,fitspatrick,region,diameter_1,diameter_2,diagnostic,itch,grew,"
    "hurt,changed,bleed,elevation,img_id,biopsed",
    "PAT_1516,1765,,,,,8,,,,,,,,ARM,,,NEV,False,False,False,False,False,False,PAT_1516_1765_530.png,False",
    "PAT_46,881,False,False,POMERANIA,POMERANIA,55,False,FEMALE,True,True,True,True,3.0,NECK,6.0,5.0,BCC,True,True,"
    "False,True,True,True,PAT_46_881_939.png,True",
    "PAT_1545,1867,,,,,77,,,,,,,,FACE,,,ACK,True,False,False,False,False,False,PAT_1545_1867_547.png,False",
    "PAT_46,882,False,False,POMERANIA,POMERANIA,55,False,FEMALE,True,True,True,True,3.0,ARM,6.0,5.0,SEK,True,True,"
    "False,True,True,True,PAT_46_882_940.png,True",
    "PAT_684,1302,True,False,BRASIL,BRASIL,79,False,MALE,True,False,False,False,1.0,FOREARM,5.0,5.0,MEL,True,True,"
    "False,False,False,True,PAT_684_1302_588.png,True",
)


def write_pad_ufes_20(root: Path, *, lines: Sequence[str] = PAD_UFES_20) -> Path:
    """Writes the table, and all images but the last, in two of the three folders."""
    write_lines(root / "metadata.csv", lines)
    for number, line in enumerate(lines[1:-1]):
        write_picture(root / "images" / f"imgs_part_{1 + number % 2}" / line.split(",")[-2], seed=number)
    return root


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


def write_sheet(path: Path, rows: Sequence[Sequence[object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(rows).to_excel(path, header=False, index=False)


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


OASIS1 = (
    "ID,M/F,Hand,Age,Educ,SES,MMSE,CDR,eTIV,nWBV,ASF,Delay",
    "OAS1_0001_MR1,F,R,74,2,3,29,0,1344,0.743,1.306,N/A",
    "OAS1_0003_MR1,F,R,73,4,3,27,0.5,1454,0.708,1.207,N/A",
    "OAS1_0061_MR1,F,R,20,,,,,1757,0.845,0.999,N/A",
    "OAS1_0061_MR2,F,R,20,,,,,1757,0.845,0.999,1",
    "OAS1_0457_MR1,M,R,62,3,3,26,2,1483,0.766,1.279,N/A",
)


def oasis_volume() -> NDArray[np.int16]:
    """Returns a volume of 6 x 8 x 10, in which a voxel's value says where it is: stored column, row and slice."""
    x, y, z = np.meshgrid(np.arange(6), np.arange(8), np.arange(10), indexing="ij")
    return (100 * x + 10 * y + z).astype(np.int16)


def write_oasis1(root: Path, *, suffix: str = ".img") -> Path:
    """Writes the table, and masked and whole volumes of all sessions but the last, whose x runs to the left."""
    write_lines(root / "oasis_cross-sectional.csv", OASIS1)
    for number, line in enumerate(OASIS1[1:-1]):
        session = line.split(",")[0]
        folder = root / f"disc{1 + number % 2}" / session / "PROCESSED" / "MPRAGE" / "T88_111"
        folder.mkdir(parents=True)
        for ending, shift in (("_t88_masked_gfc", 0), ("_t88_gfc", 1000)):
            path = folder / f"{session}_mpr_n{3 + number % 2}_anon_111{ending}{suffix}"
            volume = (oasis_volume() + np.int16(shift))[..., None]
            kind = nib.AnalyzeImage if suffix == ".img" else nib.Nifti1Image
            nib.save(kind(volume, None if suffix == ".img" else np.diag([-1.0, 1.0, 1.0, 1.0])), path)
    return root


OL3I = (
    "anon_id,age,sex,bmi,label_1y,set_1y,label_5y,set_5y",
    "a1f3,61,female,24.1,0,train,,",
    "b2c4,55,male,28.0,1,train,1,train",
    "c9d0,70,male,31.5,0,val,,",
    "d4e5,48,female,22.2,1,test,0,test",
    "e5f6,66,female,22.2,,,1,train",
    "f7a8,59,male,22.2,0,test,0,test",
)


def write_ol3i(root: Path) -> Path:
    """Writes the table, and all slices but the last into one HDF5 file, in HU."""
    write_lines(root / "clinical_data.csv", OL3I)
    with h5py.File(root / "l3_slices.h5", "w") as file:
        for number, line in enumerate(OL3I[1:-1]):
            file[line.split(",")[0]] = np.full((12, 12), 100 * number - 200, dtype=np.int16)
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
