from __future__ import annotations

import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from monai_fairtune.deploy import ImageClassifier
from monai_fairtune.deploy.dicom import StudyAnswer
from monai_fairtune.deploy.node import NodeLimits
from monai_fairtune.exceptions import RunError
from tests.deploy.dicom_files import image_dataset
from tests.deploy.nodes import Archive, page, running, send, settings_for
from tests.servers.processes import wait_until


def test_systemd_hears_of_a_sound_node_and_nothing_of_one_that_is_overdue(
    tmp_path: Path, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    def linger(files: Sequence[Path], classifier: ImageClassifier) -> StudyAnswer:
        time.sleep(5.0)
        return StudyAnswer(None, ())

    settings = settings_for(tmp_path, archive, limits=NodeLimits(image_seconds=0.1))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(20)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        with running(settings, linger):
            assert manager.recv(100) == b"READY=1\nWATCHDOG=1"
            send([image_dataset(study="1.2.1")], settings)
            wait_until(lambda: page(settings.http_port, "healthz")[0] == 503, "it is overdue")
            manager.setblocking(False)
            with suppress(BlockingIOError):
                while manager.recv(100):
                    pass
            time.sleep(1.5)
            with pytest.raises(BlockingIOError):
                manager.recv(100)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("server", ["connections.BoundedServer", "endpoint._Server"])
def test_a_node_that_listens_no_more_ends(
    tmp_path: Path, archive: Archive, monkeypatch: pytest.MonkeyPatch, server: str
) -> None:
    def end(_: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(RunError, match="that listens has ended"), running(settings_for(tmp_path, archive)) as node:  # noqa: PT012
        monkeypatch.setattr(f"monai_fairtune.deploy.node.{server}.service_actions", end)
        wait_until(node.stop.is_set, "the node ends")
