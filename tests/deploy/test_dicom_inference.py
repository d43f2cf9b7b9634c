from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from monai_fairtune.cohort.decoding import decode_image
from monai_fairtune.deploy import IntendedUse
from monai_fairtune.deploy.dicom import ImageReader, ReadingRules, StudyAnswer, answer_study
from monai_fairtune.deploy.dicom.reading import ReadFile
from monai_fairtune.exceptions import ConfigurationError, ImageError
from monai_fairtune.testing.classifiers import BrightnessClassifier
from tests.deploy.dicom_files import picture, write_image


@pytest.fixture(scope="module")
def reader() -> Iterator[ImageReader]:
    with ImageReader(ReadingRules()) as opened:
        yield opened


def _outcomes(study: StudyAnswer) -> list[float | str | None]:
    return [answer.refusal.reason.value if answer.refusal else answer.probability for answer in study.answers]


def test_the_answer_is_the_classifiers_own_on_the_file_itself(tmp_path: Path, reader: ImageReader) -> None:
    classifier = BrightnessClassifier()
    files = [write_image(tmp_path / f"{n}.dcm", picture(0.2 * n), number=n) for n in (1, 2, 3, 4)]
    study = answer_study(files, classifier, reader)
    assert [answer.probability for answer in study.answers] == classifier.probabilities(files).tolist()
    assert [answer.sop_uid for answer in study.answers] == [f"1.2.3.100.1.{n}" for n in (1, 2, 3, 4)]
    assert study.report is not None
    assert study.report.CompletionFlag == "COMPLETE"


@pytest.mark.parametrize("width", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("kind", ["MONOCHROME1", "MONOCHROME2", "RGB"])
def test_the_model_is_given_the_very_pixels_of_the_file(
    tmp_path: Path, reader: ImageReader, kind: str, width: int
) -> None:
    grey = picture(0.4)[:, :width]
    path = write_image(tmp_path / "a.dcm", np.stack([grey] * 3, -1) if kind == "RGB" else grey, photometric=kind)
    assert reader.read(path, tmp_path / "a.npy").refusal is None
    assert np.array_equal(decode_image(tmp_path / "a.npy"), decode_image(path))


def test_a_damaged_file_does_not_end_the_study(tmp_path: Path, reader: ImageReader) -> None:
    good = write_image(tmp_path / "good.dcm")
    (tmp_path / "text.dcm").write_text("hello")
    torn = write_image(tmp_path / "torn.dcm", number=2)
    torn.write_bytes(torn.read_bytes()[:-100])
    study = answer_study([tmp_path / "text.dcm", good, torn, tmp_path / "absent"], BrightnessClassifier(), reader)
    assert _outcomes(study) == ["not_dicom", pytest.approx(0.5, abs=0.02), "unreadable", "unreadable"]
    assert study.report is not None
    assert study.report.CompletionFlag == "PARTIAL"


def test_a_study_without_an_answer_has_no_report_and_the_model_is_not_asked(tmp_path: Path) -> None:
    classifier = BrightnessClassifier(intended_use=IntendedUse(modalities=("MR",)))
    study = answer_study([write_image(tmp_path / "a.dcm")], classifier)
    assert (study.report, _outcomes(study), classifier.n_images) == (None, ["modality"], 0)


def test_images_of_several_patients_or_studies_are_all_refused(tmp_path: Path, reader: ImageReader) -> None:
    mine = write_image(tmp_path / "a.dcm")
    other_patient = write_image(tmp_path / "b.dcm", number=2, PatientID="B")
    other_house = write_image(tmp_path / "d.dcm", number=2, IssuerOfPatientID="B")
    other_study = write_image(tmp_path / "c.dcm", study="1.2.9")
    for theirs in (other_patient, other_house, other_study):
        study = answer_study([mine, theirs], BrightnessClassifier(), reader)
        assert _outcomes(study) == ["mixed_patients", "mixed_patients"]


def test_the_patient_of_a_report_is_written_as_the_image_writes_it(tmp_path: Path, reader: ImageReader) -> None:
    who = {"PatientID": " 007", "PatientName": " CANARY^JANE", "AccessionNumber": " 5"}
    study = answer_study([write_image(tmp_path / "a.dcm", picture(), **who)], BrightnessClassifier(), reader)
    assert {keyword: str(study.report[keyword].value) for keyword in who} == who  # type: ignore[index]


def test_images_of_one_patient_differ_in_blanks_about_the_id_and_are_answered(
    tmp_path: Path, reader: ImageReader
) -> None:
    files = [write_image(tmp_path / f"{n}", number=n, PatientID=value) for n, value in ((1, " 007"), (2, "007"))]
    assert None not in [answer.probability for answer in answer_study(files, BrightnessClassifier(), reader).answers]


def test_a_second_copy_of_an_image_is_refused_and_a_damaged_one_does_not_count(
    tmp_path: Path, reader: ImageReader
) -> None:
    torn, *whole = [write_image(tmp_path / name) for name in ("a", "b", "c")]
    torn.write_bytes(torn.read_bytes()[:-100])
    outcomes = _outcomes(answer_study([torn, *whole], BrightnessClassifier(), reader))
    assert outcomes == ["unreadable", pytest.approx(0.5, abs=0.02), "duplicate"]


def test_a_file_that_becomes_another_patients_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = write_image(tmp_path / "a.dcm")

    class Swapping(ImageReader):
        def read(self, path: Path, pixels: Path | None = None) -> ReadFile:
            if pixels is not None:
                write_image(path, PatientID="OTHER")
            return super().read(path, pixels)

    with Swapping(ReadingRules()) as swapping:
        study = answer_study([path], BrightnessClassifier(), swapping)
    assert (study.report, _outcomes(study)) == (None, ["unreadable"])


@pytest.mark.parametrize("answer", [float("nan"), float("inf"), -0.1, 1.1])
def test_what_is_no_probability_is_refused(tmp_path: Path, reader: ImageReader, answer: float) -> None:
    class Broken(BrightnessClassifier):
        def probabilities(self, paths):  # type: ignore[no-untyped-def]
            return np.full(len(paths), answer)

    study = answer_study([write_image(tmp_path / "a.dcm")], Broken(), reader)
    assert (study.report, _outcomes(study)) == (None, ["no_probability"])


def test_an_image_that_the_model_cannot_take_does_not_end_the_others(tmp_path: Path, reader: ImageReader) -> None:
    class Greyscale(BrightnessClassifier):
        def probabilities(self, paths):  # type: ignore[no-untyped-def]
            if any(len(decode_image(path)) != 1 for path in paths):
                raise ImageError("It is in colour.")
            return super().probabilities(paths)

    grey = write_image(tmp_path / "grey")
    colour = write_image(tmp_path / "colour", np.stack([picture()] * 3, -1), photometric="RGB", number=2)
    assert _outcomes(answer_study([colour, grey], Greyscale(), reader)) == [
        "no_probability",
        pytest.approx(0.5, abs=0.02),
    ]


@pytest.mark.parametrize(("most_bytes", "expected"), [(1 << 20, [16, 4]), (3 * 32 * 32 * 4, [3] * 6 + [2])])
def test_decoded_pixels_are_few_at_a_time_private_and_gone_afterwards(
    tmp_path: Path, reader: ImageReader, monkeypatch: pytest.MonkeyPatch, most_bytes: int, expected: list[int]
) -> None:
    monkeypatch.setattr("monai_fairtune.deploy.dicom.inference._BLOCK_BYTES", most_bytes)
    folders: list[Path] = []
    n_at_once: list[int] = []

    class Watching(BrightnessClassifier):
        def probabilities(self, paths):  # type: ignore[no-untyped-def]
            folders.extend({path.parent for path in paths})
            n_at_once.append(len(list(paths[0].parent.iterdir())))
            assert all(path.parent.stat().st_mode & 0o077 == 0 for path in paths)
            return super().probabilities(paths)

    files = [write_image(tmp_path / f"{number}.dcm", number=number) for number in range(1, 21)]
    answer_study(files, Watching(), reader)
    assert n_at_once == expected
    assert not any(folder.exists() for folder in folders)


def test_an_answer_shows_neither_path_nor_patient(tmp_path: Path, reader: ImageReader) -> None:
    shown = repr(answer_study([write_image(tmp_path / "SECRETFOLDER.dcm")], BrightnessClassifier(), reader))
    assert "CANARY" not in shown
    assert "SECRET" not in shown


def test_an_intended_use_that_allows_what_does_not_exist_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"allows \['localiser'\]. What it can allow is secondary_capture"):
        ImageReader(ReadingRules(IntendedUse(allows=("localiser",))))
