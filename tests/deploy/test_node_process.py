from __future__ import annotations

import json
import random
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydicom import Dataset

from tests.deploy.dicom_files import CANARIES, image_dataset
from tests.deploy.nodes import Archive, NodeProcess, page, send
from tests.servers.processes import wait_until

N_STUDIES, N_KILLS, N_SENDERS = 200, 12, 4

# pynetdicom leaves sockets whose connection was refused or broke to Python, which may take them in a later test.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")


def lines(node: NodeProcess) -> list[dict[str, object]]:
    """Returns what a node has logged."""
    return [json.loads(line) for line in node.log.read_text().splitlines()]


def persist(images: list[Dataset], node: NodeProcess) -> None:
    """Sends images as a modality does: what was not confirmed is sent again, until all is."""
    while images:
        try:
            statuses = send(images, node.settings)
        except (ConnectionError, RuntimeError):  # it is down, or went down between two images
            statuses = [None] * len(images)
            time.sleep(0.05)
        images = [image for image, status in zip(images, statuses, strict=True) if status != 0]


@pytest.mark.slow
def test_fault_a_node_killed_at_any_moment_loses_and_doubles_no_report(tmp_path: Path, archive: Archive) -> None:
    draw = random.Random(7)  # noqa: S311 - chooses moments
    with NodeProcess(tmp_path, archive) as node:
        studies = [f"1.2.3.{i}" for i in range(N_STUDIES)]

        def send_share(share: int) -> None:
            for study in studies[share::N_SENDERS]:
                persist([image_dataset(study=study, number=i) for i in range(2)], node)

        with ThreadPoolExecutor(N_SENDERS) as executor:
            sending = [executor.submit(send_share, share) for share in range(N_SENDERS)]
            n_kills = 0
            while n_kills < N_KILLS or not all(each.done() for each in sending):
                time.sleep(draw.uniform(0.2, 1.5))
                if n_kills < N_KILLS:
                    node.kill()
                    node.start()
                    n_kills += 1
            for each in sending:
                each.result()
        wait_until(lambda: all(archive.n_of(study) for study in studies), "every study has a report", 60)
        wait_until(lambda: not any((tmp_path / "spool" / "images").iterdir()), "the images are removed")
        time.sleep(1)
        assert node.terminate() == 0
        n_images = dict.fromkeys(studies, 0)
        for report in archive.reports.values():
            n_images[report.StudyInstanceUID] += int(report.TextValue)
        assert set(n_images.values()) == {2}  # each image is spoken of once
        # A pause between two images, as a kill makes, may end a study; each part has one report.
        assert len(archive.reports) < 1.5 * N_STUDIES


def test_fault_a_study_that_ends_the_process_each_time_fails_in_the_end(tmp_path: Path, archive: Archive) -> None:
    with NodeProcess(tmp_path, archive, seconds=600) as node:
        send([image_dataset(study="1.2.1")], node.settings)
        for attempt in range(1, 6):
            wait_until(lambda n=attempt: n_attempts(tmp_path) == n, "it is being answered")  # type: ignore[misc]
            node.kill()
            node.start()
        wait_until(
            lambda: 'studies_total{outcome="failed"} 1' in page(node.settings.http_port, "metrics")[1],
            "the study fails",
        )
        assert node.terminate() == 0


def n_attempts(folder: Path) -> int:
    """Returns how often the only study was tried."""
    connection = sqlite3.connect(folder / "spool" / "queue.db")
    try:
        return int(connection.execute("SELECT attempts FROM part").fetchone()[0])
    finally:
        connection.close()


def test_a_node_asked_to_end_finishes_the_study_under_work(tmp_path: Path, archive: Archive) -> None:
    with NodeProcess(tmp_path, archive, seconds=2) as node:
        send([image_dataset(study="1.2.1")], node.settings)
        wait_until(lambda: n_attempts(tmp_path) == 1, "it is being answered")
        assert node.terminate() == 0
        assert [line["event"] for line in lines(node)][-2:] == ["study answered", "node ended"]
        node.start()
        wait_until(lambda: archive.n_of("1.2.1") == 1, "the report arrives")
        assert node.terminate() == 0


@pytest.mark.filterwarnings("ignore:.*CANARY.*:UserWarning")
def test_no_log_line_at_any_level_tells_of_a_patient_whatever_an_image_holds(tmp_path: Path, archive: Archive) -> None:
    with NodeProcess(tmp_path, archive) as node:
        odd = image_dataset(study="1.2.777.2", StudyInstanceUID="1.2.777.CANARY", PatientBirthDate="CANARYDATE")
        send([image_dataset(study="1.2.777.1"), odd], node.settings, caller="CANARYCALLER")
        wait_until(lambda: archive.n_of("1.2.777.1") + archive.n_of("1.2.777.CANARY") == 2, "the reports arrive")
        assert node.terminate() == 0
        text = node.log.read_text()
        events = [line["event"] for line in lines(node)]
        assert events.count("image received") == events.count("study answered") == events.count("report sent") == 2
        assert "another library has something to say" in events  # pydicom quotes the UID that is none
        words = [*CANARIES.values(), "CANARY", "1.2.777", str(tmp_path), "127.0.0.1"]
        assert not [word for word in words if word in text]
