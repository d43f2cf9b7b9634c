from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import highdicom as hd
import pytest
from pydicom import dcmread
from pydicom.uid import DigitalXRayImageStorageForPresentation, UltrasoundMultiFrameImageStorage

from monai_fairtune.deploy import ModelIdentity
from monai_fairtune.deploy.dicom.structured_report import CODING_SCHEME, AnsweredImage, build_report
from monai_fairtune.testing.classifiers import BrightnessClassifier
from tests.deploy.dicom_files import image_dataset

IDENTITY = {
    "SOPClassUID": DigitalXRayImageStorageForPresentation,
    "SOPInstanceUID": "1.2.3.100.1.1",
    "SeriesInstanceUID": "1.2.3.100.1",
    "StudyInstanceUID": "1.2.3.100",
    "PatientName": "Müller^Jörg=山田^太郎",
    "PatientID": " 007",
    "IssuerOfPatientID": "",
    "PatientBirthDate": "19520229",
    "PatientSex": "F",
    "StudyDate": "20240101",
    "StudyTime": "1200",
    "ReferringPhysicianName": "",
    "StudyID": "S1",
    "AccessionNumber": "A1",
}
MODEL = BrightnessClassifier(class_names=("benign", "a malignant lesion of the skin, of whatever kind it may be, seen"))


def _image(probability: float = 0.1 + 0.2, number: int = 1, frame: int | None = None, **identity: str) -> AnsweredImage:
    return AnsweredImage({**IDENTITY, "SOPInstanceUID": f"1.2.3.100.1.{number}", **identity}, frame, probability)


@pytest.fixture(scope="module")
def report() -> Any:
    """Of two images, one below the threshold and one above, the second one frame of many."""
    cine = _image(0.75, 2, frame=7, SOPClassUID=UltrasoundMultiFrameImageStorage)
    return build_report([_image(), cine], MODEL, is_complete=True)


@pytest.fixture(scope="module")
def saved(report: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.dcm"
    report.save_as(path, enforce_file_format=True)
    return path


def _items(dataset: Any) -> Iterator[Any]:
    """Yields all items of sequences, at any depth."""
    for element in dataset:
        for item in element.value if element.VR == "SQ" else ():
            yield item
            yield from _items(item)


def _groups(path: Path) -> list[Any]:
    content = hd.sr.Comprehensive3DSR.from_dataset(dcmread(path)).content
    groups: list[Any] = content.get_image_measurement_groups()
    return groups


def test_it_says_probability_threshold_and_class_of_each_image(saved: Path) -> None:
    found = []
    for group in _groups(saved):
        numbers = {item.name.meaning: item.value for item in group.get_measurements()}
        called = [each.value.meaning for each in group.get_qualitative_evaluations() if each.name.value == "CLASS"]
        reference = group.source_images[0].ReferencedSOPSequence[0]
        seen = reference.ReferencedSOPInstanceUID, reference.get("ReferencedFrameNumber")
        assert list(numbers) == [f"Probability of {MODEL.class_names[1]}"[:64].strip(), "Threshold Value"]
        found.append((list(numbers.values()), called, *seen))
    assert found == [
        ([pytest.approx(0.3, abs=1e-9), 0.5], ["benign"], "1.2.3.100.1.1", None),
        ([0.75, 0.5], [MODEL.class_names[1]], "1.2.3.100.1.2", 7),
    ]


def test_it_names_the_model_and_the_sha256_of_its_weights(saved: Path) -> None:
    texts = [element.value for element in dcmread(saved).iterall() if element.keyword == "TextValue"]
    assert texts.count("brightness") >= 2
    assert texts.count(f"SHA-256 of the weights: {'b' * 64}") == 2
    assert dcmread(saved).DeviceSerialNumber == "b" * 64


def test_it_is_preliminary_and_unverified(report: Any) -> None:
    assert (report.PreliminaryFlag, report.VerificationFlag, report.CompletionFlag) == (
        "PRELIMINARY", "UNVERIFIED", "COMPLETE",
    )  # fmt: skip
    assert build_report([_image()], MODEL, is_complete=False).CompletionFlag == "PARTIAL"


def test_it_belongs_to_the_same_patient_and_study_in_any_script(saved: Path) -> None:
    read = dcmread(saved)
    for keyword, value in IDENTITY.items():
        if keyword.startswith(("Patient", "Study", "Accession")):
            assert str(read.get(keyword, "")) == value, keyword
    assert read.SeriesInstanceUID != IDENTITY["SeriesInstanceUID"]
    assert "IssuerOfPatientID" not in read


def test_the_same_answer_has_the_same_uid_and_any_other_another() -> None:
    again = build_report([_image()], MODEL, is_complete=True)
    other_weights = BrightnessClassifier(ModelIdentity("brightness", "1.0.0", "c" * 64), MODEL.class_names)
    reports = [
        build_report([_image()], MODEL, is_complete=True),
        build_report([_image(), _image(number=2)], MODEL, is_complete=True),
        build_report([_image(frame=1)], MODEL, is_complete=True),
        build_report([_image(StudyInstanceUID="1.2.3.200")], MODEL, is_complete=True),
        build_report([_image()], BrightnessClassifier(class_names=MODEL.class_names, threshold=0.6), is_complete=True),
        build_report([_image()], other_weights, is_complete=True),
        build_report([_image()], MODEL, is_complete=False),
    ]
    assert again.SOPInstanceUID == reports[0].SOPInstanceUID
    assert len({report.SOPInstanceUID for report in reports}) == len(reports)
    assert all(report.SOPInstanceUID.startswith("2.25.") and len(report.SOPInstanceUID) <= 64 for report in reports)
    assert reports[0].SeriesInstanceUID == reports[1].SeriesInstanceUID != reports[5].SeriesInstanceUID
    assert again.InstanceNumber == reports[0].InstanceNumber != reports[1].InstanceNumber


def test_the_order_of_the_images_does_not_matter() -> None:
    images = [_image(0.1 * number, number) for number in (1, 2, 3)]
    one, other = (build_report(order, MODEL, is_complete=True) for order in (images, images[::-1]))
    assert one.SOPInstanceUID == other.SOPInstanceUID
    assert one.ContentSequence == other.ContentSequence


def test_a_name_that_highdicom_finds_odd_is_neither_refused_nor_logged(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    odd = build_report([_image(PatientName="CANARY", PatientSex="U", PatientBirthDate="")], MODEL, is_complete=True)
    assert (odd.PatientName, odd.PatientSex) == ("CANARY", "U")
    assert "CANARY" not in caplog.text + "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("names", "meanings"),
    [
        (("gut", "bösartig"), ["Probability of bösartig", "Class at the threshold", "gut"]),
        (("", "a\\b"), ["Probability of a/b", "Class at the threshold", "CLASS-E3B0C44298"]),
    ],
)
def test_any_name_of_a_class_makes_a_code_with_a_meaning(names: tuple[str, str], meanings: list[str]) -> None:
    made = build_report([_image()], BrightnessClassifier(class_names=names), is_complete=True)
    own = [item for item in _items(made) if item.get("CodingSchemeDesignator") == CODING_SCHEME]
    assert [item.CodeMeaning for item in own if "CodeMeaning" in item] == meanings


def test_age_and_other_attributes_of_the_image_are_not_repeated(saved: Path) -> None:
    assert image_dataset().PatientAge == "066Y"
    assert {"PatientAge", "EthnicGroup", "StudyDescription", "InstitutionName"} & set(dcmread(saved).dir()) == set()


def test_dsrdump_reads_it(saved: Path) -> None:
    if shutil.which("dsrdump") is None:
        pytest.skip("dsrdump of dcmtk is not installed")
    outcome = subprocess.run(["dsrdump", str(saved)], capture_output=True, text=True)
    assert outcome.returncode == 0, outcome.stderr
    assert "E: " not in outcome.stderr
    assert '<contains NUM:(,,"Threshold Value")="0.5" (1,UCUM,"no units")>' in outcome.stdout
    assert "Source of Measurement" in outcome.stdout


def test_dciodvfy_finds_no_error(saved: Path) -> None:
    if shutil.which("dciodvfy") is None:
        pytest.skip("dciodvfy of dicom3tools is not installed")
    outcome = subprocess.run(["dciodvfy", str(saved)], capture_output=True, text=True)
    assert "Comprehensive3DSR" in outcome.stderr
    assert "Error" not in outcome.stderr, outcome.stderr
