from __future__ import annotations

import socket
import struct
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from pydicom import Dataset
from pynetdicom import AE

from monai_fairtune.deploy import ImageClassifier, ModelIdentity
from monai_fairtune.deploy.dicom import StudyAnswer
from monai_fairtune.deploy.node import NodeLimits
from monai_fairtune.exceptions import ConfigurationError
from monai_fairtune.testing.classifiers import BrightnessClassifier
from tests.deploy.dicom_files import CANARIES, image_dataset, picture
from tests.deploy.nodes import Archive, answer_briefly, associate, page, running, send, settings_for
from tests.servers.processes import wait_until

SUCCESS, OUT_OF_RESOURCES, CANNOT_UNDERSTAND = 0x0000, 0xA700, 0xC000
SILENCE = 1.0

# pynetdicom leaves sockets whose connection was refused or broke to Python, which may take them in a later test.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")


def kept(folder: Path) -> int:
    """Returns how many files of images and reports a node keeps."""
    return sum(1 for name in ("images", "reports") for _ in (folder / "spool" / name).iterdir())


def texts(archive: Archive) -> list[str]:
    """Returns for how many images each report speaks."""
    return sorted(report.TextValue for report in archive.reports.values())


def test_a_study_gets_one_report_once_it_is_silent(tmp_path: Path, archive: Archive) -> None:
    settings = settings_for(tmp_path, archive)
    with running(settings):
        assert send([image_dataset(study="1.2.1", number=i) for i in range(3)], settings) == [SUCCESS] * 3
        wait_until(lambda: archive.n_of("1.2.1") == 1, "the report arrives")
        time.sleep(SILENCE)
    assert texts(archive) == ["3"]
    assert set(archive.taken.values()) == {1}


def test_a_study_that_comes_again_is_not_answered_again(tmp_path: Path, archive: Archive) -> None:
    settings = settings_for(tmp_path, archive)
    images = [image_dataset(study="1.2.1", number=i) for i in range(2)]
    with running(settings):
        send(images, settings)
        wait_until(lambda: archive.n_of("1.2.1") == 1, "the report arrives")
        assert send([*images, *images], settings) == [SUCCESS] * 4
        time.sleep(SILENCE)
    assert set(archive.taken.values()) == {1}
    with running(settings):  # nor after the node was started again
        send(images, settings)
        time.sleep(SILENCE)
    assert sum(archive.taken.values()) == 1


def test_an_image_that_comes_after_the_answer_is_answered_by_itself(tmp_path: Path, archive: Archive) -> None:
    settings = settings_for(tmp_path, archive)
    with running(settings):
        send([image_dataset(study="1.2.1", number=i) for i in range(3)], settings)
        wait_until(lambda: archive.n_of("1.2.1") == 1, "the report arrives")
        send([image_dataset(study="1.2.1", number=9)], settings)
        wait_until(lambda: archive.n_of("1.2.1") == 2, "the second report arrives")
    assert texts(archive) == ["1", "3"]


def test_another_model_answers_a_known_study_again(tmp_path: Path, archive: Archive) -> None:
    settings, images = settings_for(tmp_path, archive), [image_dataset(study="1.2.1")]
    for sha256, n in (("a" * 64, 1), ("a" * 64, 1), ("b" * 64, 2)):
        with running(settings, classifier=BrightnessClassifier(ModelIdentity("m", "1", sha256))):
            send(images, settings)
            wait_until(lambda n=n: archive.n_of("1.2.1") == n, "the report arrives")  # type: ignore[misc]


def test_images_go_once_the_report_is_delivered_unless_they_are_kept(tmp_path: Path, archive: Archive) -> None:
    settings = settings_for(tmp_path, archive)
    with running(settings):
        send([image_dataset(study="1.2.1", number=i) for i in range(3)], settings)
        wait_until(lambda: archive.n_of("1.2.1") == 1, "the report arrives")
        wait_until(lambda: kept(tmp_path) == 0, "the images are removed")
    with running(replace(settings, keep_days=1.0)):
        send([image_dataset(study="1.2.2", number=i) for i in range(3)], settings)
        wait_until(lambda: archive.n_of("1.2.2") == 1, "the report arrives")
        time.sleep(2 * SILENCE)
        assert kept(tmp_path) == 4


def test_reports_wait_for_an_archive_that_is_away(tmp_path: Path, archive: Archive) -> None:
    settings = settings_for(tmp_path, archive)
    archive.stop()
    with running(settings):
        send([image_dataset(study=f"1.2.{i}") for i in range(3)], settings)
        wait_until(
            lambda: "fairtune_node_send_failures_total 1" in page(settings.http_port, "metrics")[1], "a delivery fails"
        )
        assert 'queue_studies{state="answered"} 3.0' in page(settings.http_port, "metrics")[1]
        archive.start()
        wait_until(lambda: len(archive.reports) == 3, "the reports arrive")


def test_a_report_that_is_never_taken_fails_and_its_study_can_be_sent_again(tmp_path: Path, archive: Archive) -> None:
    settings = settings_for(tmp_path, archive, limits=NodeLimits(n_attempts=2))
    archive.status = CANNOT_UNDERSTAND
    images = [image_dataset(study="1.2.1")]
    with running(settings):
        send(images, settings)
        wait_until(
            lambda: 'studies_total{outcome="failed"} 1' in page(settings.http_port, "metrics")[1], "the study fails"
        )
        assert kept(tmp_path) == 2
        archive.status = SUCCESS
        send(images, settings)
        wait_until(lambda: archive.n_of("1.2.1") == 1, "the report arrives")


def test_an_error_over_one_study_ends_that_study_alone(tmp_path: Path, archive: Archive) -> None:
    def answer(files: Sequence[Path], classifier: ImageClassifier) -> StudyAnswer:
        if len(files) == 2:
            raise ZeroDivisionError
        return answer_briefly(files, classifier)

    settings = settings_for(tmp_path, archive, limits=NodeLimits(n_attempts=2))
    with running(settings, answer):
        send([image_dataset(study="1.2.1", number=i) for i in range(2)], settings)
        send([image_dataset(study="1.2.2")], settings)
        wait_until(lambda: archive.n_of("1.2.2") == 1, "the sound study's report arrives")
        wait_until(
            lambda: 'studies_total{outcome="failed"} 1' in page(settings.http_port, "metrics")[1], "the other fails"
        )
        assert page(settings.http_port, "healthz") == (200, "ok")


def test_a_study_without_an_image_of_the_intended_use_gets_no_report(tmp_path: Path, archive: Archive) -> None:
    settings = settings_for(tmp_path, archive)
    with running(settings, lambda files, classifier: StudyAnswer(None, ())):
        send([image_dataset(study="1.2.1")], settings)
        wait_until(
            lambda: 'studies_total{outcome="refused"} 1' in page(settings.http_port, "metrics")[1],
            "the study is refused",
        )
        wait_until(lambda: kept(tmp_path) == 0, "its image is removed")
    assert not archive.reports


def test_a_full_queue_refuses_images_until_there_is_room(tmp_path: Path, archive: Archive) -> None:
    settings = settings_for(tmp_path, archive, limits=NodeLimits(n_images=2))
    archive.stop()
    with running(settings):
        statuses = send([image_dataset(study=f"1.2.{i}") for i in range(3)], settings)
        assert statuses == [SUCCESS, SUCCESS, OUT_OF_RESOURCES]
        assert page(settings.http_port, "readyz") == (503, "the queue or the disk is full")
        archive.start()
        wait_until(lambda: page(settings.http_port, "readyz")[0] == 200, "there is room again")
        assert send([image_dataset(study="1.2.2")], settings) == [SUCCESS]


@pytest.mark.parametrize("limits", [NodeLimits(n_bytes=1), NodeLimits(min_free_bytes=1 << 60)])
def test_a_node_without_room_takes_no_more(tmp_path: Path, archive: Archive, limits: NodeLimits) -> None:
    settings = settings_for(tmp_path, archive, limits=limits)
    archive.stop()
    with running(settings):
        assert send([image_dataset(study=f"1.2.{i}") for i in range(2)], settings)[1] == OUT_OF_RESOURCES


def test_an_object_beyond_the_limit_is_refused_and_not_held_in_memory(tmp_path: Path, archive: Archive) -> None:
    settings = settings_for(tmp_path, archive, limits=NodeLimits(object_bytes=100_000))
    large = image_dataset(picture(side=1000), study="1.2.1")
    with running(settings):
        assert send([large, image_dataset(study="1.2.2")], settings) == [OUT_OF_RESOURCES, SUCCESS]
        wait_until(lambda: archive.n_of("1.2.2") == 1, "the next image's report arrives")
    assert archive.n_of("1.2.1") == 0


def test_a_unit_that_announces_gigabytes_ends_its_connection(tmp_path: Path, archive: Archive) -> None:
    settings = settings_for(tmp_path, archive)
    with running(settings), socket.create_connection(("127.0.0.1", settings.port), 5) as connection:
        connection.sendall(struct.pack(">BBL", 1, 0, 0xFFFFFFF0) + b"\0" * 4096)
        connection.settimeout(10)
        with suppress(ConnectionResetError):
            assert connection.recv(100) == b""


def test_connections_that_ask_for_nothing_take_no_association_away(tmp_path: Path, archive: Archive) -> None:
    settings = settings_for(tmp_path, archive, limits=NodeLimits(n_associations=1))
    with running(settings):
        for _ in range(5):
            socket.create_connection(("127.0.0.1", settings.port), 5).close()
        time.sleep(SILENCE)
        assert send([image_dataset(study="1.2.1")], settings) == [SUCCESS]


def test_who_may_send_and_to_whom_is_checked(tmp_path: Path, archive: Archive) -> None:
    settings = settings_for(tmp_path, archive, callers=("MODALITY",))
    images = [image_dataset(study="1.2.1")]
    with running(settings):
        with pytest.raises(ConnectionError):
            send(images, settings, caller="STRANGER")
        with pytest.raises(ConnectionError):
            send(images, replace(settings, title="OTHER"))
        assert send(images, settings) == [SUCCESS]


def test_what_is_no_image_finds_no_presentation_context(tmp_path: Path, archive: Archive) -> None:
    settings = settings_for(tmp_path, archive)
    image = image_dataset(study="1.2.1")
    report = answer_briefly([_saved(image, tmp_path)], BrightnessClassifier()).report
    assert report is not None
    with running(settings), pytest.raises(ConnectionError):
        send([report], settings)


def test_an_object_that_names_no_study_is_refused(tmp_path: Path, archive: Archive) -> None:
    settings = settings_for(tmp_path, archive)
    without_study = image_dataset(study="1.2.1", StudyInstanceUID=None)
    with running(settings):
        assert send([without_study], settings) == [CANNOT_UNDERSTAND]
    assert kept(tmp_path) == 0


def test_associations_beyond_the_limit_are_rejected(tmp_path: Path, archive: Archive) -> None:
    settings = settings_for(tmp_path, archive, limits=NodeLimits(n_associations=1))
    entity = AE("MODALITY")
    entity.add_requested_context("1.2.840.10008.1.1")
    with running(settings):
        first = associate(entity, settings)
        assert first.send_c_echo().Status == SUCCESS
        assert not associate(entity, settings).is_established
        first.release()


def test_a_silent_peer_is_sent_away(tmp_path: Path, archive: Archive) -> None:
    settings = settings_for(tmp_path, archive, limits=NodeLimits(network_seconds=1.0))
    entity = AE("MODALITY")
    entity.add_requested_context("1.2.840.10008.1.1")
    with running(settings):
        association = associate(entity, settings)
        wait_until(lambda: not association.is_established, "the node ends the association", 10)


def test_the_operators_page_tells_nothing_of_a_patient(tmp_path: Path, archive: Archive) -> None:
    settings = settings_for(tmp_path, archive)
    with running(settings):
        send([image_dataset(study="1.2.777.1")], settings)
        wait_until(lambda: archive.n_of("1.2.777.1") == 1, "the report arrives")
        text = page(settings.http_port, "metrics")[1]
        assert page(settings.http_port, "healthz") == page(settings.http_port, "readyz") == (200, "ok")
        assert page(settings.http_port, "..%2Fqueue.db")[0] == 404
    assert 'fairtune_node_images_total{outcome="received"} 1.0' in text
    assert "fairtune_node_inference_seconds_count 1.0" in text
    assert not [word for word in [*CANARIES.values(), "1.2.777.1", "MODALITY"] if word in text]


def test_one_folder_serves_one_node(tmp_path: Path, archive: Archive) -> None:
    settings = settings_for(tmp_path, archive)
    other = settings_for(tmp_path, archive)
    with running(settings), pytest.raises(ConfigurationError, match="Another process uses this spool"), running(other):
        pass


def test_an_address_in_use_is_said(tmp_path: Path, archive: Archive) -> None:
    settings = settings_for(tmp_path, archive, port=archive.port)
    with pytest.raises(ConfigurationError, match=f"Port {archive.port} of"), running(settings):
        pass


def _saved(image: Dataset, folder: Path) -> Path:
    image.save_as(folder / "image.dcm", enforce_file_format=True)
    return folder / "image.dcm"
