from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pydicom.uid import JPEG2000Lossless

from monai_fairtune.cohort.decoding import decode_image
from monai_fairtune.deploy.dicom import ImageReader, ReadingLimits, ReadingRules, Reason, answer_study
from monai_fairtune.exceptions import DiskFullError, RunError
from monai_fairtune.testing.classifiers import BrightnessClassifier
from tests.deploy.dicom_files import picture, write_image
from tests.deploy.hostile_files import crafted, mutated, write

LIMITS = ReadingLimits(seconds=20, n_memory=3 << 29)


@pytest.fixture(scope="module")
def reader() -> Iterator[ImageReader]:
    with ImageReader(ReadingRules(limits=LIMITS)) as opened:
        yield opened


@pytest.mark.parametrize(("content", "reasons"), [pytest.param(*rest, id=name) for name, *rest in crafted()])
def test_a_crafted_file_is_refused_within_the_limits(
    tmp_path: Path, reader: ImageReader, content: bytes, reasons: set[str]
) -> None:
    start = time.monotonic()
    read = reader.read(write(tmp_path / "a.dcm", content), tmp_path / "a.npy")
    assert read.refusal is not None
    assert read.refusal.reason.value in reasons
    assert "CANARY" not in read.refusal.sentence
    assert time.monotonic() - start < LIMITS.seconds + 5
    assert not (tmp_path / "a.npy").exists()


def test_a_mutated_file_is_refused_or_has_finite_pixels(tmp_path: Path, reader: ImageReader) -> None:
    refused = 0
    for content in mutated(150):
        read = reader.read(write(tmp_path / "a.dcm", content), tmp_path / "a.npy")
        refused += read.refusal is not None
        if read.refusal is None:
            assert np.isfinite(decode_image(tmp_path / "a.npy")).all()
        else:
            assert "CANARY" not in read.refusal.sentence
    assert 20 < refused < 150


@pytest.mark.parametrize("side", [32, 600])
def test_a_full_disk_is_no_fault_of_the_image(tmp_path: Path, reader: ImageReader, side: int) -> None:
    path = write_image(tmp_path / "a.dcm", picture(side=side))
    (tmp_path / "full.npy").symlink_to("/dev/full")
    with pytest.raises(DiskFullError, match="No space left on device"):
        reader.read(path, tmp_path / "full.npy")
    with pytest.raises(RunError, match="No such file or directory"):
        reader.read(path, tmp_path / "absent" / "a.npy")
    assert reader.read(path, tmp_path / "a.npy").refusal is None


def test_a_reading_process_that_was_killed_between_two_images_refuses_none(tmp_path: Path) -> None:
    path = write_image(tmp_path / "a.dcm")
    with ImageReader(ReadingRules(limits=LIMITS)) as reader:
        reader.read(path)
        assert reader._process is not None
        reader._process.kill()
        assert reader.read(path).refusal is None


def test_after_hostile_files_the_next_image_is_answered(tmp_path: Path, reader: ImageReader) -> None:
    hostile = [write(tmp_path / f"{n}.dcm", content) for n, (_, content, _) in enumerate(crafted())]
    good = write_image(tmp_path / "good.dcm")
    study = answer_study([*hostile, good], BrightnessClassifier(), reader)
    assert [answer.probability is not None for answer in study.answers] == [False] * len(hostile) + [True]


def test_a_file_over_the_limits_of_size_is_not_opened(tmp_path: Path) -> None:
    path = write_image(tmp_path / "a.dcm")
    for limits in (ReadingLimits(n_bytes=1000), ReadingLimits(n_pixels=1000)):
        with ImageReader(ReadingRules(limits=limits)) as strict:
            refusal = strict.read(path).refusal
        assert refusal is not None
        assert refusal.reason is Reason.TOO_LARGE


def test_a_file_that_takes_too_long_is_given_up_and_the_next_one_is_read(tmp_path: Path) -> None:
    large = np.kron(picture(), np.ones((100, 100), dtype=np.uint8))
    slow = write_image(tmp_path / "slow.dcm", large, syntax=JPEG2000Lossless)
    with ImageReader(ReadingRules(limits=ReadingLimits(seconds=0.1))) as hasty:
        refusal = hasty.read(slow, tmp_path / "a.npy").refusal
        assert refusal is not None
        assert refusal.reason is Reason.TOO_SLOW
        quick = write_image(tmp_path / "quick.dcm")
        assert any(hasty.read(quick, tmp_path / "b.npy").refusal is None for _ in range(20))  # a busy machine is slow


def test_what_is_no_file_is_not_opened(tmp_path: Path, reader: ImageReader) -> None:
    os.mkfifo(tmp_path / "pipe.dcm")
    for path in (tmp_path / "pipe.dcm", Path("/dev/zero"), tmp_path):
        refusal = reader.read(path).refusal
        assert refusal is not None
        assert refusal.sentence == "It is not a file."


def test_the_process_that_reads_has_no_secret_and_limits_of_memory_and_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAIRTUNE_PSEUDONYM_KEY", "s3cret" * 8)
    with ImageReader(ReadingRules(limits=LIMITS)) as reader:
        reader.read(write_image(tmp_path / "a.dcm"))
        assert reader._process is not None
        about = Path(f"/proc/{reader._process.pid}")
        assert b"s3cret" not in (about / "environ").read_bytes()
        limits = (about / "limits").read_text()
    assert f"Max address space         {LIMITS.n_memory}" in limits
    assert "Max core file size        0" in limits
    assert re.search(r"Max cpu time +(2[1-9]|3\d) ", limits)  # should the process that kills it be gone


def test_a_reader_that_cannot_start_says_so(tmp_path: Path) -> None:
    with (
        ImageReader(ReadingRules(limits=ReadingLimits(n_memory=1 << 20))) as reader,
        pytest.raises(RunError, match="The process that reads images did not start"),
    ):
        reader.read(write_image(tmp_path / "a.dcm"))
