"""PNG files of our own making, read by Pillow."""

from __future__ import annotations

import io
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from monai_fairtune.cohort.readers.png import encode_png


@given(st.integers(1, 40), st.integers(1, 40), st.booleans(), st.integers(0, 9))
def test_pillow_reads_the_pixels_that_were_written(n_rows: int, n_columns: int, colour: bool, seed: int) -> None:
    shape = (n_rows, n_columns, 3) if colour else (n_rows, n_columns)
    pixels = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    with Image.open(io.BytesIO(encode_png(pixels))) as image:
        image.verify()  # the checksums
    with Image.open(io.BytesIO(encode_png(pixels)), formats=["PNG"]) as image:
        assert image.mode == ("RGB" if colour else "L")
        assert np.array_equal(np.asarray(image), pixels)


@pytest.mark.parametrize("noise", [0, 3, 255])
def test_the_bytes_are_those_of_pythons_zlib_so_that_a_cohort_keeps_its_hash_elsewhere(noise: int) -> None:
    ramp = np.add.outer(np.arange(224), np.arange(224)) // 2
    pixels = (ramp + np.random.default_rng(0).integers(0, noise + 1, ramp.shape)).astype(np.uint8)
    data = encode_png(pixels).partition(b"IDAT")[2].rpartition(b"IEND")[0][:-8]  # without checksum and next length
    packer = zlib.compressobj(level=1, memLevel=9, strategy=zlib.Z_RLE)
    assert data == packer.compress(zlib.decompress(data)) + packer.flush()


def test_a_file_is_not_much_larger_than_pillows() -> None:
    ramp = np.add.outer(np.arange(224), np.arange(224)) // 2
    grain = np.random.default_rng(0).normal(0, 3, (224, 224, 3))
    photograph = (ramp[..., None] + grain).clip(0, 255).astype(np.uint8)
    theirs = io.BytesIO()
    Image.fromarray(photograph).save(theirs, format="PNG")
    assert len(encode_png(photograph)) == pytest.approx(len(theirs.getvalue()), rel=0.25)
