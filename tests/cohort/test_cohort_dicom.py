from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels import apply_modality_lut, apply_windowing
from pydicom.uid import (
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    RLELossless,
    SecondaryCaptureImageStorage,
    generate_uid,
)

from monai_fairtune.cohort.decoding import decode_image
from monai_fairtune.cohort.decoding.dicom import decode_dicom
from monai_fairtune.exceptions import ImageError

Pixels = np.ndarray[Any, Any]
GREY = (np.arange(48, dtype=np.int16).reshape(6, 8) * 20 + 7).astype(np.uint16)
BYTES = np.arange(48, dtype=np.uint8).reshape(6, 8) * 5
COLOUR = np.stack([BYTES, 255 - BYTES, BYTES // 2], axis=-1)


def _dataset(pixels: Pixels, **elements: Any) -> FileDataset:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    dataset.PatientName, dataset.PatientID, dataset.PatientSex = "SECRET^NAME", "SECRET1", "F"
    colour = pixels.ndim == 3 and pixels.shape[-1] == 3
    dataset.Rows, dataset.Columns = pixels.shape[-3:-1] if colour else pixels.shape[-2:]
    dataset.SamplesPerPixel = 3 if colour else 1
    dataset.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    if colour:
        dataset.PlanarConfiguration = 0
    dataset.BitsAllocated = dataset.BitsStored = 8 * pixels.dtype.itemsize
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    dataset.PixelData = pixels.tobytes()
    for name, value in elements.items():
        setattr(dataset, name, value)
    return dataset


@pytest.fixture
def decode(tmp_path: Path) -> Callable[[Dataset], Pixels]:
    def save_and_decode(dataset: Dataset) -> Pixels:
        dataset.save_as(tmp_path / "a.dcm", enforce_file_format=True)
        return decode_image(tmp_path / "a.dcm")

    return save_and_decode


Decode = Callable[[Dataset], Pixels]


def _unit(values: Pixels, low: float, high: float) -> Pixels:
    return np.clip((values.astype(np.float64) - low) / (high - low), 0, 1)


def test_without_a_window_the_smallest_and_largest_values_become_zero_and_one(decode: Decode) -> None:
    decoded = decode(_dataset(GREY))
    assert decoded.shape == (1, 6, 8)
    assert np.allclose(decoded[0], _unit(GREY, GREY.min(), GREY.max()), atol=1e-6)


def test_padding_does_not_decide_the_range(decode: Decode) -> None:
    padded = GREY.astype(np.int16)
    padded[0] = -2000
    decoded = decode(_dataset(padded, PixelPaddingValue=-2000))[0]
    inside = padded[1:]
    assert np.allclose(decoded[1:], _unit(inside, inside.min(), inside.max()), atol=1e-6)
    assert (decoded[0] == 0).all()


def test_monochrome1_is_inverted(decode: Decode) -> None:
    negative = decode(_dataset(GREY, PhotometricInterpretation="MONOCHROME1"))
    assert np.allclose(negative, 1 - decode(_dataset(GREY)), atol=1e-6)
    windowed = decode(_dataset(GREY, PhotometricInterpretation="MONOCHROME1", WindowCenter=300, WindowWidth=200))
    assert windowed[0, 0, 0] == 1
    assert windowed[0, -1, -1] == 0


@pytest.mark.parametrize("function", [None, "LINEAR", "LINEAR_EXACT", "SIGMOID"])
@pytest.mark.parametrize("rescale", [False, True])
def test_rescale_and_window_agree_with_pydicom(decode: Decode, function: str | None, *, rescale: bool) -> None:
    dataset = _dataset(GREY.astype(np.int16), WindowCenter=300.5, WindowWidth=401.0)
    if rescale:
        dataset.RescaleSlope, dataset.RescaleIntercept = 1.5, -200
    if function:
        dataset.VOILUTFunction = function
    shown = apply_windowing(apply_modality_lut(GREY.astype(np.int16), dataset), dataset)
    slope, intercept = (1.5, -200) if rescale else (1, 0)
    low, high = -(2**15) * slope + intercept, (2**15 - 1) * slope + intercept
    assert np.allclose(decode(dataset)[0], (shown - low) / (high - low), atol=1e-5)


def test_a_window_written_in_hounsfield_units_is_applied_after_the_rescale(decode: Decode) -> None:
    stored = np.array([[0, 1024, 1064, 1104, 3000]], dtype=np.uint16)
    decoded = decode(_dataset(stored, RescaleSlope=1, RescaleIntercept=-1024, WindowCenter=40.5, WindowWidth=81))
    assert np.allclose(decoded[0, 0], [0, 0, 0.5, 1, 1], atol=1e-6)


def test_of_several_windows_the_first_is_applied(decode: Decode) -> None:
    several = _dataset(GREY, WindowCenter=[300, 10], WindowWidth=[200, 5])
    assert np.array_equal(decode(several), decode(_dataset(GREY, WindowCenter=300, WindowWidth=200)))


def test_a_window_one_wide_is_a_threshold(decode: Decode) -> None:
    decoded = decode(_dataset(GREY, WindowCenter=GREY[2, 3], WindowWidth=1))[0]
    assert np.array_equal(decoded, np.greater_equal(GREY, GREY[2, 3]).astype(np.float32))


@pytest.mark.parametrize("width", [0, -5, 0.5])
def test_a_window_without_width_is_refused(decode: Decode, width: float) -> None:
    with pytest.raises(ImageError, match=f"center 300 and width {width}. Correct the window"):
        decode(_dataset(GREY, WindowCenter=300, WindowWidth=width))


def test_a_window_function_that_does_not_exist_is_refused(decode: Decode) -> None:
    with pytest.raises(ImageError, match="'CUBIC', which DICOM does not define"):
        decode(_dataset(GREY, WindowCenter=300, WindowWidth=20, VOILUTFunction="CUBIC"))


def test_a_voi_lookup_table_goes_before_the_window(decode: Decode) -> None:
    table = Dataset()
    table.add_new("LUTDescriptor", "US", [4, 10, 16])
    table.add_new("LUTData", "US", [0, 10000, 20000, 65535])
    stored = np.array([[0, 10, 11, 12, 13, 40]], dtype=np.uint16)
    dataset = _dataset(stored, WindowCenter=5, WindowWidth=2, VOILUTSequence=[table])
    assert np.allclose(decode(dataset)[0, 0] * 65535, [0, 0, 10000, 20000, 65535, 65535], atol=0.1)


def test_rescale_and_window_of_an_enhanced_object_are_found_in_its_groups(decode: Decode) -> None:
    transformation, window, group = Dataset(), Dataset(), Dataset()
    transformation.RescaleSlope, transformation.RescaleIntercept = 2, -10
    window.WindowCenter, window.WindowWidth = 300, 200
    group.PixelValueTransformationSequence, group.FrameVOILUTSequence = [transformation], [window]
    enhanced = decode(_dataset(GREY, NumberOfFrames=1, SharedFunctionalGroupsSequence=[group]))
    plain = _dataset(GREY, RescaleSlope=2, RescaleIntercept=-10, WindowCenter=300, WindowWidth=200)
    assert np.array_equal(enhanced, decode(plain))


def test_rgb_keeps_rows_columns_and_colours(decode: Decode) -> None:
    assert np.allclose(decode(_dataset(COLOUR)), np.moveaxis(COLOUR, -1, 0) / 255)


def test_planar_rgb_is_the_same_picture(decode: Decode) -> None:
    planar = _dataset(COLOUR, PlanarConfiguration=1, PixelData=np.moveaxis(COLOUR, -1, 0).tobytes())
    assert np.array_equal(decode(planar), decode(_dataset(COLOUR)))


def test_ybr_becomes_rgb(decode: Decode) -> None:
    ybr = np.asarray(Image.fromarray(COLOUR).convert("YCbCr"))
    decoded = decode(_dataset(ybr, PhotometricInterpretation="YBR_FULL"))
    assert np.allclose(decoded * 255, np.moveaxis(COLOUR, -1, 0), atol=3)


def test_a_palette_is_resolved(decode: Decode) -> None:
    indices = np.array([[0, 1], [2, 3]], dtype=np.uint8)
    dataset = _dataset(indices, PhotometricInterpretation="PALETTE COLOR")
    tables = np.array([[0, 10, 20, 30], [40, 50, 60, 70], [255, 200, 100, 0]], dtype=np.uint8)
    for colour, table in zip(("Red", "Green", "Blue"), tables, strict=True):
        setattr(dataset, f"{colour}PaletteColorLookupTableDescriptor", [4, 0, 8])
        setattr(dataset, f"{colour}PaletteColorLookupTableData", table.tobytes())
    assert np.allclose(decode(dataset) * 255, tables.reshape(3, 2, 2))


def test_a_photometric_interpretation_without_a_rule_is_refused(decode: Decode) -> None:
    with pytest.raises(ImageError, match=r"photometric interpretation is 'HSV'. Convert it to MONOCHROME1"):
        decode(_dataset(COLOUR, PhotometricInterpretation="HSV"))


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless])
def test_lossless_compression_changes_nothing(decode: Decode, syntax: str) -> None:
    for small in (GREY, COLOUR):
        pixels = np.kron(small, np.ones((8, 8, *[1] * (small.ndim - 2)), dtype=small.dtype))
        plain = decode(_dataset(pixels))
        compressed = _dataset(pixels)
        compressed.compress(syntax)
        assert np.allclose(decode(compressed), plain, atol=1e-6)


@pytest.mark.parametrize("pixels", [BYTES, COLOUR], ids=["grey", "colour"])
def test_jpeg_baseline_is_decoded_and_upright(decode: Decode, pixels: Pixels) -> None:
    large = np.kron(pixels, np.ones((8, 8, *[1] * (pixels.ndim - 2)), dtype=np.uint8))
    stream = io.BytesIO()
    Image.fromarray(large).save(stream, "JPEG", quality=98, subsampling=0)
    dataset = _dataset(large)
    dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    dataset.PixelData = encapsulate([stream.getvalue()])
    dataset["PixelData"].VR = "OB"
    if pixels.ndim == 3:
        dataset.PhotometricInterpretation = "YBR_FULL_422"
    expected = np.moveaxis(large, -1, 0) / 255 if pixels.ndim == 3 else _unit(large, large.min(), large.max())[None]
    assert np.abs(decode(dataset) - expected).mean() < 0.02


def test_several_frames_are_refused(decode: Decode) -> None:
    with pytest.raises(ImageError, match=r"holds 2 frames. Store the frame"):
        decode(_dataset(np.stack([GREY, GREY]), NumberOfFrames=2))


def test_a_size_that_asks_for_any_memory_is_refused_before_it_gets_it(decode: Decode) -> None:
    with pytest.raises(ImageError, match="60000 x 60000 pixels, more than the"):
        decode(_dataset(GREY, Rows=60000, Columns=60000))


def test_an_object_without_pixels_is_refused(decode: Decode) -> None:
    report = _dataset(GREY)
    del report.PixelData
    with pytest.raises(ImageError, match="holds no pixels"):
        decode(report)


def test_a_truncated_file_is_refused_and_its_message_shows_no_patient(tmp_path: Path) -> None:
    path = tmp_path / "a.dcm"
    _dataset(GREY).save_as(path, enforce_file_format=True)
    whole = path.read_bytes()
    for kept in (0, 100, 200, len(whole) - 40, len(whole) - 2):
        path.write_bytes(whole[:kept])
        with pytest.raises(ImageError) as caught:
            decode_image(path)
        assert "SECRET" not in str(caught.value)
        assert str(tmp_path) not in str(caught.value)


@pytest.mark.filterwarnings("ignore:End of file reached")  # pydicom's own; it then goes on without the pixels
def test_a_truncated_compressed_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.dcm"
    dataset = _dataset(np.random.default_rng(0).integers(0, 4096, (64, 64)).astype(np.uint16))
    dataset.compress(RLELossless)
    dataset.save_as(path, enforce_file_format=True)
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(ImageError, match="holds no pixels, or ends before them"):
        decode_image(path)


def test_floating_point_pixels_that_are_not_finite_are_refused(decode: Decode) -> None:
    values = GREY.astype(np.float32)
    values[1, 1] = np.inf
    dataset = _dataset(GREY, BitsAllocated=32, BitsStored=32, HighBit=31, FloatPixelData=values.tobytes())
    del dataset.PixelData
    with pytest.raises(ImageError, match="NaN or infinite"):
        decode(dataset)


def test_dicom_without_an_ending_is_recognised_by_its_contents(tmp_path: Path) -> None:
    for name in ("IM000001", "1.2.840.113619"):
        _dataset(GREY).save_as(tmp_path / name, enforce_file_format=True)
        assert decode_image(tmp_path / name).shape == (1, 6, 8)


def test_a_picture_named_as_dicom_is_refused(tmp_path: Path) -> None:
    Image.fromarray(BYTES).save(tmp_path / "a.png")
    (tmp_path / "a.png").rename(tmp_path / "a.dcm")
    with pytest.raises(ImageError, match="cannot be decoded: InvalidDicomError"):
        decode_image(tmp_path / "a.dcm")


def test_of_several_frames_the_one_asked_for_is_decoded(tmp_path: Path) -> None:
    frames = np.stack([GREY, GREY[::-1], GREY[:, ::-1]])
    cine = _dataset(frames, NumberOfFrames=3)
    cine.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    for number, frame in enumerate(frames, start=1):
        expected = _unit(frame, frame.min(), frame.max())
        assert np.allclose(decode_dicom(tmp_path / "a.dcm", number)[0], expected, atol=1e-6)


def test_the_window_of_an_enhanced_object_is_that_of_the_frame_asked_for(tmp_path: Path) -> None:
    groups = []
    for center in (300, 600):
        window, group = Dataset(), Dataset()
        window.WindowCenter, window.WindowWidth = center, 200
        group.FrameVOILUTSequence = [window]
        groups.append(group)
    both = _dataset(np.stack([GREY, GREY]), NumberOfFrames=2, PerFrameFunctionalGroupsSequence=groups)
    both.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    for number, center in enumerate((300, 600), start=1):
        _dataset(GREY, WindowCenter=center, WindowWidth=200).save_as(tmp_path / "b.dcm", enforce_file_format=True)
        assert np.array_equal(decode_dicom(tmp_path / "a.dcm", number), decode_dicom(tmp_path / "b.dcm"))
