"""Writes drawn images as real PNG and DICOM files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["write_dicom", "write_png"]

_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
_EXPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
_HIGHEST = 4095


def write_png(path: Path, image: NDArray[np.float64]) -> None:
    """Writes an image ``(H, W)`` in [0, 1] as 8-bit grey."""
    from PIL import Image

    Image.fromarray(np.round(image * 255).astype(np.uint8)).save(path, format="PNG")


def write_dicom(
    path: Path, image: NDArray[np.float64], *, patient_id: str, inverted: bool, window: tuple[int, int]
) -> None:
    """Writes an image ``(H, W)`` in [0, 1] as a DICOM file of 12 bits that shows it once its window is applied.

    Black is stored far outside the window, as the surroundings of a detector's field are: a reader that scales by
    the stored range instead of the window sees another image.

    Args:
        path: of the file.
        image: brightness as it should be seen.
        patient_id: the synthetic identifier; the patient's name stays empty.
        inverted: store MONOCHROME1, where the highest values are black.
        window: lowest and highest stored value shown, within 0 and 4095.
    """
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import generate_uid

    low, high = window
    shown = 1 - image if inverted else image
    stored = np.round(low + shown * (high - low))
    stored[image <= 0] = _HIGHEST if inverted else 0

    header = FileMetaDataset()
    header.MediaStorageSOPClassUID = _SECONDARY_CAPTURE
    header.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[path.name, "instance", stored.tobytes().hex()])
    header.TransferSyntaxUID = _EXPLICIT_LITTLE_ENDIAN
    dataset = Dataset()
    dataset.file_meta = header
    dataset.SOPClassUID = header.MediaStorageSOPClassUID
    dataset.SOPInstanceUID = header.MediaStorageSOPInstanceUID
    dataset.StudyInstanceUID = generate_uid(entropy_srcs=[path.name, "study"])
    dataset.SeriesInstanceUID = generate_uid(entropy_srcs=[path.name, "series"])
    for empty in ("PatientName", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "AccessionNumber"):
        setattr(dataset, empty, "")
    dataset.PatientID = patient_id
    dataset.PatientIdentityRemoved = "YES"
    dataset.Modality = "OT"
    dataset.ConversionType = "SYN"
    dataset.Rows, dataset.Columns = image.shape
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME1" if inverted else "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
    # LINEAR windows: DICOM PS3.3, C.11.2.1.2.1
    dataset.WindowWidth = high - low + 1
    dataset.WindowCenter = (low + high + 1) / 2
    dataset.PixelData = stored.astype("<u2").tobytes()
    dataset.save_as(path, enforce_file_format=True)
