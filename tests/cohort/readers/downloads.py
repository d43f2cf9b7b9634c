"""Small downloads with the layout, names and types of the true ones; those of chests and eyes are beside this."""

from __future__ import annotations

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


def write_sheet(path: Path, rows: Sequence[Sequence[object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(rows).to_excel(path, header=False, index=False)


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
