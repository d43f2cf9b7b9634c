"""Images as DICOM files in the forms that reach a hospital's node."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    ComputedRadiographyImageStorage,
    DigitalMammographyXRayImageStorageForPresentation,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    JPEGBaseline8Bit,
    MRImageStorage,
    SecondaryCaptureImageStorage,
    VLPhotographicImageStorage,
)

Pixels = NDArray[Any]

SIDE = 32
STORAGE = {
    "DX": DigitalXRayImageStorageForPresentation,
    "CR": ComputedRadiographyImageStorage,
    "MG": DigitalMammographyXRayImageStorageForPresentation,
    "MR": MRImageStorage,
    "XC": VLPhotographicImageStorage,
    "OT": SecondaryCaptureImageStorage,
}
CANARIES = {
    "PatientName": "CANARYNAME^JANE",
    "PatientID": "CANARYID7",
    "PatientBirthDate": "19520229",
    "AccessionNumber": "CANARYACC",
    "InstitutionName": "CANARYHOUSE",
    "ReferringPhysicianName": "CANARYDOC^JIM",
    "StudyDescription": "CANARYSTUDY",
    "StudyID": "CANARYSID",
    "ImageComments": "CANARYCOMMENT",
}
"""What is a patient's in a header: no output but the report may hold it."""


def picture(brightness: float = 0.5, *, seed: int = 0, side: int = SIDE) -> NDArray[np.uint8]:
    """Returns a ramp with noise about a mean brightness in [0, 1]: shape ``(side, side)``."""
    noise = np.random.default_rng(seed).normal(0, 8, (side, side))
    return np.clip(255 * brightness + noise + np.linspace(-40, 40, side), 1, 254).astype(np.uint8)


def image_dataset(
    pixels: Pixels | None = None,
    *,
    study: str = "1.2.3.100",
    number: int = 1,
    modality: str = "DX",
    photometric: str = "MONOCHROME2",
    syntax: str = ExplicitVRLittleEndian,
    **elements: Any,
) -> FileDataset:
    """Returns an image of a study.

    Args:
        pixels: ``(H, W)``, ``(N, H, W)`` or, of colour, ``(H, W, 3)``, as ``photometric`` says what they mean; of a
            palette, the red of each index is the index itself, green its complement, blue 0.
        study: its Study Instance UID.
        number: of the image in the study, in its UIDs.
        modality: a key of ``STORAGE``.
        photometric: its Photometric Interpretation.
        syntax: its transfer syntax; what is compressed is compressed here.
        elements: replace the header's; None removes one.
    """
    stored = picture() if pixels is None else pixels
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = STORAGE[modality]
    meta.MediaStorageSOPInstanceUID = f"{study}.1.{number}"
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.Modality = study, f"{study}.1", modality
    dataset.SeriesNumber, dataset.InstanceNumber, dataset.SpecificCharacterSet = 1, number, "ISO_IR 100"
    dataset.StudyDate, dataset.StudyTime, dataset.PatientSex, dataset.PatientAge = "20240101", "1200", "F", "066Y"
    dataset.BodyPartExamined, dataset.ViewPosition, dataset.Manufacturer = "CHEST", "PA", "Acme"
    dataset.ImageType, dataset.BurnedInAnnotation = ["ORIGINAL", "PRIMARY"], "NO"
    _set_pixels(dataset, stored, photometric)
    for name, value in {**CANARIES, **elements}.items():
        if value is None:
            delattr(dataset, name)
        else:
            setattr(dataset, name, value)
    _compress(dataset, stored, UID(syntax))
    return dataset


def write_image(path: Path, pixels: Pixels | None = None, **how: Any) -> Path:
    """Writes :func:`image_dataset` to a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image_dataset(pixels, **how).save_as(path, enforce_file_format=True)
    return path


def _set_pixels(dataset: FileDataset, pixels: Pixels, photometric: str) -> None:
    colour = photometric.startswith(("RGB", "YBR"))
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = (3 if colour else 1), photometric
    if colour:
        dataset.PlanarConfiguration = 0
    dataset.Rows, dataset.Columns = pixels.shape[-3:-1] if colour else pixels.shape[-2:]
    if pixels.ndim - colour == 3:
        dataset.NumberOfFrames = len(pixels)
    dataset.BitsAllocated = dataset.BitsStored = 8 * pixels.dtype.itemsize
    dataset.HighBit, dataset.PixelRepresentation = dataset.BitsStored - 1, 0
    if photometric.startswith("MONOCHROME"):
        dataset.WindowCenter, dataset.WindowWidth = 2.0 ** (dataset.BitsStored - 1), 2.0**dataset.BitsStored
    if photometric == "PALETTE COLOR":
        tables = np.arange(256), 255 - np.arange(256), np.zeros(256)
        for name, table in zip(("Red", "Green", "Blue"), tables, strict=True):
            setattr(dataset, f"{name}PaletteColorLookupTableDescriptor", [256, 0, 8])
            setattr(dataset, f"{name}PaletteColorLookupTableData", table.astype(np.uint8).tobytes())
    dataset.PixelData = pixels.tobytes()


def _compress(dataset: FileDataset, pixels: Pixels, syntax: UID) -> None:
    if syntax == JPEGBaseline8Bit:
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, "JPEG", quality=98, subsampling=0)
        dataset.PixelData = encapsulate([stream.getvalue()])
        dataset["PixelData"].VR = "OB"
        if pixels.ndim == 3:
            dataset.PhotometricInterpretation = "YBR_FULL_422"
    elif syntax.is_encapsulated:
        dataset.compress(syntax, generate_instance_uid=False)
    dataset.file_meta.TransferSyntaxUID = syntax
