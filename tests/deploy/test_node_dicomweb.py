from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pydicom import Dataset, dcmread
from pydicom.uid import JPEGBaseline8Bit

from monai_fairtune.cli import main
from monai_fairtune.deploy.dicom import ReadingLimits
from monai_fairtune.deploy.export import ExportedModel
from monai_fairtune.deploy.node import DicomWebArchive
from monai_fairtune.exceptions import ArchiveError, ConfigurationError
from tests.deploy.dicom_files import CANARIES, STORAGE, picture, write_image
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


class StandIn:
    """An archive of one study with one image, which is whatever it is given.

    Attributes:
        url: of the service.
        found: what a search for instances answers, as JSON.
        image: what is fetched.
        secrets: the Authorization of each request, None without.
    """

    def __init__(self) -> None:
        found = {"00080016": STORAGE["DX"], "00080018": "1.2.8.3.1.1", "0020000E": "1.2.8.3.1"}
        self.found: Any = [{tag: {"vr": "UI", "Value": [value]} for tag, value in found.items()}]
        self.image = b""
        self.secrets: list[str | None] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        archive = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                archive.secrets.append(self.headers["Authorization"])
                is_search = urlsplit(self.path).path.endswith("/instances")
                part = b"--x\r\nContent-Type: application/dicom\r\n\r\n" + archive.image + b"\r\n--x--"
                body = json.dumps(archive.found).encode() if is_search else part
                kind = "application/dicom+json" if is_search else "multipart/related; boundary=x"
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                with suppress(ConnectionError):  # who has enough breaks off
                    self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Says nothing."""

        return Handler

    def close(self) -> None:
        """Ends it."""
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    """An archive that sends anything."""
    archive = StandIn()
    yield archive
    archive.close()


@pytest.mark.parametrize("content", [b"no DICOM\r\n\r\n--y", b"\0" * 128 + b"DICM\2\0\0\0CANARY", b""])
def test_what_an_archive_sends_is_stored_unread(
    stand_in: StandIn, tmp_path: Path, content: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    stand_in.image = content
    (path,) = DicomWebArchive(stand_in.url).fetch("1.2.8.3", tmp_path)
    assert path.read_bytes() == content
    assert "".join(capfd.readouterr()) == ""


def test_an_image_beyond_the_limit_is_fetched_no_further(
    stand_in: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ReadingLimits, "n_bytes", 1000)
    stand_in.image = bytes(9 << 20)
    (path,) = DicomWebArchive(stand_in.url).fetch("1.2.8.3", tmp_path)
    assert 1000 < path.stat().st_size < 4 << 20


@pytest.mark.parametrize("found", [[1], [{"00080018": 5}]])
def test_a_search_that_is_answered_with_something_else_is_said(stand_in: StandIn, tmp_path: Path, found: Any) -> None:
    stand_in.found = found
    with pytest.raises(ArchiveError, match="cannot be read"):
        DicomWebArchive(stand_in.url).fetch("1.2.8.3", tmp_path)


@pytest.mark.parametrize(
    ("variable", "secret"),
    [("UNUSED", None), ("FAIRTUNE_DICOMWEB_TOKEN", "Bearer mine"), ("FAIRTUNE_DICOMWEB_USER", "Basic bWluZTo=")],
)
def test_only_the_secrets_of_the_environment_are_sent(
    stand_in: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, secret: str | None
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login someone password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv(variable, "mine")
    DicomWebArchive(stand_in.url).fetch("1.2.8.3", tmp_path)
    assert set(stand_in.secrets) == {secret}


def test_studies_are_named_or_searched_not_both(exported_folder: Path) -> None:
    command = ["dicom", "web", "--url", "http://127.0.0.1:9/dicom-web", "--model", str(exported_folder)]
    assert main(command) == main([*command, "--study", "1.2", "--date", "20240101"]) == 2
