"""From an archive to the node and back, with programs that we did not write on either side."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.uid import (
    EncapsulatedPDFStorage,
    GrayscaleSoftcopyPresentationStateStorage,
    JPEGBaseline8Bit,
    KeyObjectSelectionDocumentStorage,
    SegmentationStorage,
)

from monai_fairtune.deploy.export import ExportedModel
from tests.deploy.dicom_files import CANARIES, picture, write_image
from tests.deploy.nodes import numbers, page
from tests.servers.fixtures import orthanc
from tests.servers.orthanc import Orthanc
from tests.servers.processes import find_programs, free_port, spawn, wait_until

__all__ = ["orthanc"]

pytestmark = pytest.mark.server
ROOT = Path(__file__).parents[2]
NO_IMAGES = {
    "KO": KeyObjectSelectionDocumentStorage,
    "PR": GrayscaleSoftcopyPresentationStateStorage,
    "SEG": SegmentationStorage,
    "DOC": EncapsulatedPDFStorage,
}


@dataclass(frozen=True)
class Served:
    """The command, running between an archive and itself.

    Attributes:
        archive: sends images and receives reports.
        model: that the command was given.
        log: file that it writes.
    """

    archive: Orthanc
    model: ExportedModel
    log: Path

    def report_of(self, study: str) -> Dataset:
        """Returns the report that the archive holds of a study, once it is there."""
        query = {"StudyInstanceUID": study, "Modality": "SR"}
        wait_until(lambda: bool(self.archive.find("Series", **query)), "the report arrives", 60)
        (instance,) = self.archive.find("Instance", **query)
        return dcmread(BytesIO(self.archive.get(f"/instances/{instance}/file")))


@contextmanager
def serving(orthanc: Orthanc, bundle: Path, folder: Path) -> Iterator[Served]:
    """Runs ``monai-fairtune dicom serve`` as a hospital would."""
    port, http_port = free_port(), free_port()
    command = [
        *(sys.executable, "-m", "monai_fairtune", "dicom", "serve", "--model", str(bundle), "--spool", str(folder)),
        *("--send-to", f"{orthanc.title}@127.0.0.1:{orthanc.dicom_port}", "--caller", orthanc.title),
        *("--port", str(port), "--http-port", str(http_port), "--study-idle", "1"),
        *("--log-level", "debug"),
    ]
    process = spawn(command, folder / "log", environment=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"})
    try:
        wait_until(lambda: process.poll() is not None or page(http_port, "readyz")[0] == 200, "it is ready", 120)
        assert process.poll() is None, (folder / "log").read_text()
        orthanc.put("/modalities/fairtune", ["FAIRTUNE", "127.0.0.1", port])
        yield Served(orthanc, ExportedModel.load(bundle), folder / "log")
        process.terminate()
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def served(orthanc: Orthanc, exported_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The command with a real model."""
    if find_programs(["storescu", "dsrdump", "dciodvfy"], []) is None:
        pytest.skip("dcmtk or dicom3tools is missing; install them: apt-get install dcmtk dicom3tools")
    with serving(orthanc, exported_folder, tmp_path_factory.mktemp("served")) as served:
        yield served


def store(archive: Orthanc, *files: Path) -> None:
    """Sends files to the archive with dcmtk's program, in the transfer syntax that they have."""
    proposed = ["--propose-jpeg8"] if dcmread(files[0]).file_meta.TransferSyntaxUID == JPEGBaseline8Bit else []
    command = ["storescu", *proposed, "-aec", archive.title, "127.0.0.1", str(archive.dicom_port)]
    subprocess.run([*command, *map(str, files)], check=True, timeout=60)


def n_sent(archive: Orthanc) -> int:
    """Returns how many objects the archive's script has sent."""
    jobs = json.loads(archive.get("/jobs?expand"))
    return sum(job["Content"]["CountOperations"] for job in jobs if job["Type"] == "SequenceOfOperations")


def test_an_image_stored_in_an_archive_is_answered_there_as_the_model_answers(served: Served, tmp_path: Path) -> None:
    files = [
        write_image(tmp_path / f"{i}.dcm", picture(0.2 + 0.2 * i, side=64), study="1.2.9.1", number=i) for i in range(3)
    ]
    store(served.archive, *files)
    (study,) = served.archive.find("Study", StudyInstanceUID="1.2.9.1")
    served.archive.post("/modalities/fairtune/store", study)
    report = served.report_of("1.2.9.1")
    expected = served.model.probabilities(files)
    assert np.ptp(expected) > 1e-3
    np.testing.assert_allclose(sorted(numbers(report)), sorted(expected), atol=1e-5)
    assert (report.PatientID, report.StudyInstanceUID) == (dcmread(files[0]).PatientID, "1.2.9.1")
    assert report.VerificationFlag == "UNVERIFIED"


def test_a_report_from_the_archive_is_a_valid_structured_report(served: Served, tmp_path: Path) -> None:
    store(served.archive, write_image(tmp_path / "image.dcm", study="1.2.9.2"))
    (study,) = served.archive.find("Study", StudyInstanceUID="1.2.9.2")
    served.archive.post("/modalities/fairtune/store", study)
    path = tmp_path / "report.dcm"
    served.report_of("1.2.9.2").save_as(path)
    dumped = subprocess.run(["dsrdump", str(path)], capture_output=True, text=True)
    assert dumped.returncode == 0
    assert "Probability of malignant" in dumped.stdout
    checked = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True, errors="replace")
    assert [line for line in checked.stderr.splitlines() if line.startswith("Error")] == []


def test_the_documented_script_forwards_images_of_any_syntax_and_nothing_else(served: Served, tmp_path: Path) -> None:
    served.archive.run_lua((ROOT / "docs" / "dicom_node" / "forward.lua").read_text())
    for number, (modality, uid) in enumerate(NO_IMAGES.items(), start=2):
        path = write_image(tmp_path / f"{number}.dcm", study="1.2.9.3", number=number, Modality=modality)
        image = dcmread(path)
        image.SOPClassUID = image.file_meta.MediaStorageSOPClassUID = uid
        if modality != "SEG":
            del image.Rows, image.Columns, image.PixelData
        image.save_as(path)
        served.archive.post_file(path)
    store(served.archive, write_image(tmp_path / "image.dcm", study="1.2.9.3", syntax=JPEGBaseline8Bit))
    assert len(numbers(served.report_of("1.2.9.3"))) == 1
    time.sleep(3)  # in which a report would be sent back
    assert n_sent(served.archive) == 1


def test_no_log_line_of_the_command_tells_of_a_patient(served: Served, tmp_path: Path) -> None:
    store(served.archive, write_image(tmp_path / "image.dcm", study="1.2.777"))
    (study,) = served.archive.find("Study", StudyInstanceUID="1.2.777")
    served.archive.post("/modalities/fairtune/store", study)
    served.report_of("1.2.777")
    text = served.log.read_text()
    assert "report sent" in text
    assert not [word for word in (*CANARIES.values(), "CANARY", "1.2.777", "ORTHANC") if word in text]
