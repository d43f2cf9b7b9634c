"""A hospital's export as it comes: DICOM in folders, and a spreadsheet that somebody typed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    MediaStorageDirectoryStorage,
    SecondaryCaptureImageStorage,
    generate_uid,
)

SIZE = 16
YES_NO = ["yes", "no"]


def write_dicom(
    path: Path,
    *,
    bright: bool = False,
    seed: int = 0,
    kind: str = SecondaryCaptureImageStorage,
    syntax: str = ExplicitVRLittleEndian,
    **elements: Any,
) -> Path:
    """Writes an image of 16 by 16 pixels, with a bright square if asked; ``elements`` replace the header's."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = syntax
    meta.MediaStorageSOPClassUID = kind
    meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    dataset.PatientName, dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "SECRET^NAME", "1.2", "1.2.1"
    dataset.Rows = dataset.Columns = SIZE
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PixelRepresentation = 1, "MONOCHROME2", 0
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.WindowCenter, dataset.WindowWidth = 7, 128, 256
    dataset.PixelData = pixels(bright=bright, seed=seed).tobytes()
    for name, value in elements.items():
        if value is None:
            delattr(dataset, name)
        else:
            setattr(dataset, name, value)
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)
    return path


def pixels(*, bright: bool, seed: int) -> NDArray[np.uint8]:
    """Returns noise, with a bright square if asked."""
    values = np.random.default_rng(seed).normal(100, 30, (SIZE, SIZE))
    values[4:12, 4:12] += 40 * bright
    return values.clip(0, 255).astype(np.uint8)


def write_studies(root: Path, n: int = 12, *, views: Sequence[str] = ("PA",), per_patient: int = 1) -> Path:
    """Writes ``n`` studies with one image a view, in nested folders and without endings.

    Study ``k`` is of patient ``000<k>``, or of that divided by ``per_patient``; its accession number is ``00<100+k>``.
    Two patients each are F, M, F and O; ages are ``0<40 + k>Y``.
    """
    for k in range(n):
        for number, view in enumerate(views):
            write_dicom(
                root / f"DIR{k // 4:03}" / f"ST{k:04}" / f"IM{number}",
                bright=k % 2 == 1,
                seed=10 * k + number,
                PatientID=f"{k // per_patient:04}",
                AccessionNumber=f"00{100 + k}",
                StudyInstanceUID=f"1.2.3.{k}",
                SeriesInstanceUID=f"1.2.3.{k}.1",
                Modality="DX",
                ViewPosition=view,
                PatientSex="FMFO"[k // 2 % 4],
                PatientAge=f"{40 + k:03}Y",
                PatientBirthDate=f"{1970 - k}0315",
                StudyDate="20110101",
                Manufacturer=("Acme", "Besto")[k // 2 % 2],
                InstitutionName="St. Elsewhere",
            )
    return root


def write_clutter(root: Path) -> None:
    """Adds what exports hold beside images: notes, a directory, a report, several frames, a damaged file, a copy."""
    (root / "README").write_text("see the viewer")
    (root / "viewer.exe").write_bytes(b"MZ" * 200)
    (root / "empty").touch()
    first = sorted(path for path in root.rglob("IM0"))[0]
    write_dicom(root / "media" / "DICOMDIR", kind=MediaStorageDirectoryStorage, Rows=None, Columns=None, PixelData=None)
    write_dicom(root / "report", Rows=None, Columns=None, PixelData=None, Modality="SR")
    frames = np.zeros((2, SIZE, SIZE), dtype=np.uint8)
    write_dicom(root / "cine", NumberOfFrames=2, PixelData=frames.tobytes(), Modality="US")
    torn = write_dicom(root / "torn", syntax=DeflatedExplicitVRLittleEndian)
    torn.write_bytes(torn.read_bytes()[:-50])
    (root / "zz_again").write_bytes(first.read_bytes())


def write_sheet(path: Path, rows: Sequence[dict[str, Any]], *, more: Sequence[str] = ()) -> Path:
    """Writes rows as an Excel file, cells as they are typed; ``more`` names empty sheets behind it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with pd.ExcelWriter(path, engine="openpyxl") as book:
        for name, cells in {"Findings": rows, **{each: [{"note": ""}] for each in more}}.items():
            pd.DataFrame(cells).to_excel(book, sheet_name=name, index=False)
    return path


def write_csv(path: Path, rows: Sequence[dict[str, Any]], **how: Any) -> Path:
    """Writes rows as a CSV file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(rows).to_csv(path, index=False, **how)
    return path


def findings(n: int = 12) -> list[dict[str, Any]]:
    """Returns the rows of ``n`` studies; accession numbers as Excel keeps them, without their zeros."""
    return [
        {"Accession": 100 + k, "Finding": ("no", "yes")[k % 2], "Comment": f"=SUM({k})", "Ward": f"W{k % 5}"}
        for k in range(n)
    ]


def rows(n: int = 12, **columns: Any) -> list[dict[str, Any]]:
    """Returns one row a study; a column is a list of cells that repeat, or a function of the row's number."""
    return [
        {name: cells(k) if callable(cells) else cells[k % len(cells)] for name, cells in columns.items()}
        for k in range(n)
    ]


def accession(k: int) -> str:
    """Returns the accession number of study ``k``."""
    return f"00{100 + k}"


def same_sex(k: int) -> str:
    """Returns the sex that the header of study ``k`` has, as a table writes it."""
    return "wmw-"[k // 2 % 4]
