"""Files that somebody damaged, or made so that reading them does harm."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.config import disable_value_validation
from pydicom.dataset import Dataset, FileDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    RLELossless,
)

from tests.deploy.dicom_files import image_dataset, picture

SYNTAXES = (None, DeflatedExplicitVRLittleEndian, RLELossless, JPEG2000Lossless, JPEGLSLossless, JPEGBaseline8Bit)


def encoded(dataset: FileDataset) -> bytes:
    """Returns a dataset as a file's bytes."""
    stream = io.BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def element(group: int, number: int, kind: bytes, value: bytes, length: int | None = None) -> bytes:
    """Returns an element in explicit little endian, with whatever length it should claim."""
    size = len(value) if length is None else length
    if kind in (b"OB", b"OW", b"SQ", b"UN", b"UT"):
        return struct.pack("<HH2sHI", group, number, kind, 0, size) + value
    return struct.pack("<HH2sH", group, number, kind, size) + value


def plain() -> bytes:
    """Returns an image as everyone would send it."""
    return encoded(image_dataset())


def crafted() -> Iterator[tuple[str, bytes, set[str]]]:
    """Yields files with a name and the reasons for which they may be refused."""
    yield "empty", b"", {"not_dicom"}
    yield "preamble alone", bytes(128) + b"DICM", {"unreadable", "no_pixels"}
    yield "random", bytes(128) + b"DICM" + np.random.default_rng(0).bytes(5000), {"unreadable", "no_pixels"}
    yield "a script", b"#!/bin/sh\nrm -rf /\n" * 20, {"not_dicom"}
    yield from _sizes()
    yield from _structures()
    yield from _streams()
    yield from _values()


def _sizes() -> Iterator[tuple[str, bytes, set[str]]]:
    yield "60000 rows and columns", encoded(image_dataset(Rows=60000, Columns=60000)), {"too_large"}
    yield "no rows", encoded(image_dataset(Rows=0)), {"no_pixels"}
    yield "8000 rows of 32 bytes", encoded(image_dataset(Rows=8000, Columns=8000)), {"unreadable"}
    yield "two billion frames", encoded(image_dataset(NumberOfFrames=2**31 - 1)), {"multi_frame"}
    yield "four samples", encoded(image_dataset(SamplesPerPixel=4)), {"unreadable"}
    yield "64 bits", encoded(image_dataset(BitsAllocated=64, BitsStored=64, HighBit=63)), {"unreadable"}
    yield "one pixel's bytes", encoded(image_dataset(PixelData=b"\0\0")), {"unreadable"}


def _structures() -> Iterator[tuple[str, bytes, set[str]]]:
    before = plain()[: plain().index(struct.pack("<HH", 0x7FE0, 0x0010))]
    after = plain()[len(before) :]
    nested = b"".join(
        element(0x5400, 0x0100, b"SQ", struct.pack("<HHI", 0xFFFE, 0xE000, 2**32 - 1), 2**32 - 1) for _ in range(20000)
    )
    yield "20000 sequences in each other", before + nested + after, {"unreadable", "no_pixels"}
    yield "a sequence without an end", before + element(0x5400, 0x0100, b"SQ", b"", 2**32 - 1) + after, {"unreadable"}
    yield "four gigabytes of pixels", before + element(0x7FE0, 0x0010, b"OB", b"abc", 2**32 - 2), {"unreadable"}
    yield "an element beyond the end", before + element(0x0028, 0x1051, b"DS", b"1", 60000), {"unreadable"}
    rows = element(0x0028, 0x0010, b"US", struct.pack("<H", 32))
    for kind in (b"PN", b"DS", b"SQ", b"FD", b"AT", b"ZZ"):
        changed = plain().replace(rows, element(0x0028, 0x0010, kind, b"\x20\0" if kind != b"SQ" else b""))
        yield f"rows as {kind.decode()}", changed, {"unreadable", "no_pixels", "too_large", "not_identified"}
    yield "elements twice", before + rows * 1000 + after[:-200], {"unreadable"}


def _streams() -> Iterator[tuple[str, bytes, set[str]]]:
    compressor = zlib.compressobj(wbits=-15)
    block = compressor.compress(bytes(1 << 24)) + compressor.flush(zlib.Z_FULL_FLUSH)
    bomb = block * 256 + compressor.flush()
    deflated = encoded(image_dataset(syntax=DeflatedExplicitVRLittleEndian))
    meta = deflated[: 144 + struct.unpack("<I", deflated[140:144])[0]]
    yield "four gigabytes of zeros, deflated", meta + bomb, {"too_large", "unreadable"}
    yield "garbage, deflated", meta + b"\xff" * 1000, {"unreadable"}
    stream = bytearray(image_dataset(syntax=JPEG2000Lossless).PixelData)
    place = stream.index(b"\xff\x4f\xff\x51") + 8
    stream[place : place + 8] = struct.pack(">II", 2**31 - 1, 2**31 - 1)
    for syntax, content in {
        JPEG2000Lossless: bytes(stream),
        RLELossless: encapsulate([b"\xff" * 64 + b"\x81\0" * 400]),
    }.items():
        dataset = image_dataset(syntax=syntax)
        dataset.PixelData = content
        yield f"a lying stream of {syntax.name}", encoded(dataset), {"unreadable", "too_large"}
    for syntax in (JPEGBaseline8Bit, JPEGLSLossless, JPEG2000Lossless, RLELossless):
        dataset = image_dataset(syntax=syntax)
        dataset.PixelData = encapsulate([b"\xff\xd8\xff" + b"\0" * 40])
        yield f"a torn stream of {syntax.name}", encoded(dataset), {"unreadable"}


def lawless(**elements: Any) -> FileDataset:
    """Returns an image whose header need not be valid."""
    with disable_value_validation():
        return image_dataset(**elements)


def _values() -> Iterator[tuple[str, bytes, set[str]]]:
    yield "a name for a uid", encoded(lawless(SOPInstanceUID="CANARYUID")), {"not_identified"}
    yield "no uid of the study", encoded(lawless(StudyInstanceUID=None)), {"not_identified"}
    yield "a line break in a patient id", encoded(lawless(PatientID="CANARY\r\n7")), {"not_identified"}
    yield "two patient ids", encoded(lawless(PatientID="CANARY\\7")), {"not_identified"}
    yield "a patient id of 30000 letters", encoded(lawless(PatientID="CANARY" * 5000)), {"not_identified"}
    yield (
        "a name for a kind",
        encoded(lawless(PhotometricInterpretation="CANARYKIND")),
        {"photometric_interpretation"},
    )
    yield "a window of nothing", encoded(lawless(WindowWidth=0)), {"unreadable"}
    yield "a name for a window's function", encoded(lawless(VOILUTFunction="CANARYLUT")), {"unreadable"}
    table = Dataset()
    table.add_new("LUTDescriptor", "US", [0, 0, 16])
    table.add_new("LUTData", "US", [1])
    yield "a lookup table of one", encoded(lawless(VOILUTSequence=[table])), {"unreadable", "constant"}
    palette = lawless(photometric="PALETTE COLOR", RedPaletteColorLookupTableDescriptor=[65535, 0, 16])
    yield "a palette that is too short", encoded(palette), {"unreadable"}
    values = picture().astype(np.float32)
    values[3, 3] = np.nan
    floating = lawless(BitsAllocated=32, BitsStored=32, HighBit=31, FloatPixelData=values.tobytes(), PixelData=None)
    yield "not a number", encoded(floating), {"unreadable"}


def mutated(n: int, seed: int = 0) -> Iterator[bytes]:
    """Yields ``n`` files that were good before something was cut, overwritten or doubled."""
    rng = np.random.default_rng(seed)
    good = [encoded(image_dataset(**({} if syntax is None else {"syntax": syntax}))) for syntax in SYNTAXES]
    for number in range(n):
        content = bytearray(good[number % len(good)])
        for _ in range(int(rng.integers(1, 6))):
            place = int(rng.integers(130, len(content)))
            length = int(rng.integers(1, 9))
            kind = int(rng.integers(0, 4))
            if kind == 0:
                del content[place:]
                content += bytes(2)
            elif kind == 1:
                content[place : place + length] = rng.bytes(length)
            elif kind == 2:
                content[place : place + length] = b"\xff" * length
            else:
                content[place:place] = content[max(0, place - 40) : place]
        yield bytes(content)


def write(path: Path, content: bytes) -> Path:
    """Writes a file."""
    path.write_bytes(content)
    return path
