from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path

import pytest
from pydicom import Dataset, dcmread
from pydicom.uid import JPEGBaseline8Bit

from monai_fairtune.cli import main
from monai_fairtune.deploy.export import ExportedModel
from monai_fairtune.deploy.node import DicomWebArchive
from monai_fairtune.exceptions import ConfigurationError
from tests.deploy.dicom_files import CANARIES, picture, write_image
from tests.deploy.nodes import numbers
from tests.servers.fixtures import orthanc
from tests.servers.orthanc import Orthanc

__all__ = ["orthanc"]


@pytest.fixture
def signed_in(orthanc: Orthanc, monkeypatch: pytest.MonkeyPatch) -> Orthanc:
    """An archive, and the environment of who may use it."""
    monkeypatch.setenv("FAIRTUNE_DICOMWEB_USER", orthanc.user)
    monkeypatch.setenv("FAIRTUNE_DICOMWEB_PASSWORD", orthanc.password)
    return orthanc


def reports_of(archive: Orthanc, study: str) -> list[Dataset]:
    """Returns the reports that an archive holds of a study."""
    found = archive.find("Instance", StudyInstanceUID=study, Modality="SR")
    return [dcmread(BytesIO(archive.get(f"/instances/{each}/file"))) for each in found]


def fill(archive: Orthanc, folder: Path, study: str, date: str = "20240101") -> list[Path]:
    """Stores a study of two images, one of them compressed; returns their files."""
    files = [
        write_image(
            folder / f"{i}.dcm", picture(0.3 * i, side=64), study=study, number=i, StudyDate=date, syntax=syntax
        )
        for i, syntax in ((1, "1.2.840.10008.1.2.1"), (2, JPEGBaseline8Bit))
    ]
    for path in files:
        archive.post_file(path)
    return files


@pytest.mark.server
def test_a_study_of_an_archive_is_answered_in_it_once_however_often_it_is_asked(
    signed_in: Orthanc, exported_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = fill(signed_in, tmp_path, "1.2.8.1")
    command = ["dicom", "web", "--url", f"{signed_in.url}/dicom-web", "--model", str(exported_folder), "--json"]
    for _ in range(2):
        assert main([*command, "--study", "1.2.8.1"]) == 0
        printed = capsys.readouterr()
        assert json.loads(printed.out) == {"n_studies": 1, "n_images": 2, "n_answered": 2, "n_reports": 1}
        assert not [word for word in (*CANARIES.values(), "1.2.8.1", signed_in.password) if word in printed.err]
    (report,) = reports_of(signed_in, "1.2.8.1")
    expected = ExportedModel.load(exported_folder).probabilities(files)
    assert sorted(numbers(report)) == pytest.approx(sorted(expected), abs=1e-5)


@pytest.mark.server
def test_all_studies_of_some_days_are_answered(signed_in: Orthanc, exported_folder: Path, tmp_path: Path) -> None:
    for number, date in enumerate(("19990101", "19990102", "19990301")):
        fill(signed_in, tmp_path / date, f"1.2.8.2{number}", date)
    command = ["dicom", "web", "--url", f"{signed_in.url}/dicom-web", "--model", str(exported_folder)]
    assert main([*command, "--date", "19990101-19990131", "--modality", "DX"]) == 0
    assert [len(reports_of(signed_in, f"1.2.8.2{number}")) for number in range(3)] == [1, 1, 0]


@pytest.mark.server
def test_an_archive_that_refuses_is_said_without_secret_or_study(
    signed_in: Orthanc,
    exported_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("FAIRTUNE_DICOMWEB_PASSWORD", "CANARYSECRET")
    command = ["dicom", "web", "--url", f"{signed_in.url}/dicom-web", "--model", str(exported_folder)]
    assert main([*command, "--study", "1.2.777"]) == 75
    text = capsys.readouterr().err
    assert "The archive answered 401 (fetching a study)" in text
    assert not [word for word in ("CANARYSECRET", "1.2.777") if word in text]


def test_an_archive_that_is_away_is_said(exported_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["dicom", "web", "--url", "http://127.0.0.1:9/dicom-web", "--model", str(exported_folder)]
    assert main([*command, "--study", "1.2.777"]) == 75
    assert "could not be reached (fetching a study; ConnectionError)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("archive.local/dicom-web", "The DICOMweb URL is none"),
        ("https://me:secret@archive.local/dicom-web", "The DICOMweb URL holds credentials"),
        ("http://archive.local/dicom-web", "Credentials would be sent in clear text"),
    ],
)
def test_secrets_are_taken_from_the_environment_and_sent_in_clear_text_to_nobody(
    url: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAIRTUNE_DICOMWEB_TOKEN", "token")
    with pytest.raises(ConfigurationError, match=message) as caught:
        DicomWebArchive(url)
    assert "secret" not in str(caught.value)


def test_studies_are_named_or_searched_not_both(exported_folder: Path) -> None:
    command = ["dicom", "web", "--url", "http://127.0.0.1:9/dicom-web", "--model", str(exported_folder)]
    assert main(command) == main([*command, "--study", "1.2", "--date", "20240101"]) == 2
