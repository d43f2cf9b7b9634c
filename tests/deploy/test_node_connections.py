"""What a peer that means ill, or breaks off, can do to a node."""

from __future__ import annotations

import gc
import logging
import socket
import sqlite3
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path

import pytest
from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom import AE
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.dsutils import encode

from monai_fairtune.deploy.node import NodeSettings, RemoteNode
from monai_fairtune.deploy.node.endpoint import Endpoint
from tests.deploy.dicom_files import image_dataset
from tests.deploy.nodes import associate, listening, page, send
from tests.servers.processes import wait_until

SUCCESS, OUT_OF_RESOURCES = 0x0000, 0xA700


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """A sound node's endpoint."""
    endpoint = Endpoint(
        "127.0.0.1", 0, why_unhealthy=lambda: None, why_unready=lambda: None, metrics=lambda: b"metrics"
    )
    yield endpoint
    endpoint.close()


def test_who_sends_on_without_waiting_for_answers_is_sent_away(tmp_path: Path) -> None:
    image = image_dataset(study="1.2.1")
    content = encode(image, is_implicit_vr=False, is_little_endian=True)
    assert content is not None
    entity = AE("MODALITY")
    entity.add_requested_context(image.SOPClassUID, ExplicitVRLittleEndian)
    with listening(tmp_path) as node:
        association = associate(entity, node.settings)
        for number in range(1, 61):
            request = C_STORE()
            request.MessageID, request.Priority = number, 0
            request.AffectedSOPClassUID, request.AffectedSOPInstanceUID = image.SOPClassUID, f"1.2.3.{number}"
            request.DataSet = BytesIO(content)
            association.dimse.send_msg(request, association.accepted_contexts[0].context_id)
        wait_until(lambda: not association.is_alive(), "the node ends the association", 10)
        assert send([image], node.settings) == [SUCCESS]


def test_an_association_that_its_peer_resets_leaves_no_socket_open(tmp_path: Path) -> None:
    entity = AE("MODALITY")
    entity.add_requested_context("1.2.840.10008.1.1")
    with socket.create_server(("127.0.0.1", 0)) as server:
        settings = NodeSettings(tmp_path, RemoteNode("ARCHIVE", "localhost", 1), port=server.getsockname()[1])
        gc.collect()
        gc.disable()  # which would close them some time
        try:
            before = sockets()
            resetting = threading.Thread(target=accept_and_reset, args=(server,))
            resetting.start()
            assert not associate(entity, settings).is_established
            resetting.join()
            wait_until(lambda: not sockets() - before, "no socket is left", 30)
        finally:
            gc.enable()


def test_an_image_that_cannot_be_noted_leaves_no_file(tmp_path: Path) -> None:
    with listening(tmp_path) as node:
        with sqlite3.connect(node.spool.queue_path) as other:
            other.execute("CREATE TRIGGER full BEFORE INSERT ON image BEGIN SELECT RAISE(FAIL, 'full'); END")
        assert send([image_dataset(study="1.2.1")], node.settings) == [OUT_OF_RESOURCES]
        assert node.files() == []
        with sqlite3.connect(node.spool.queue_path) as other:
            other.execute("DROP TRIGGER full")
        assert send([image_dataset(study="1.2.1")], node.settings) == [SUCCESS]
        assert (len(node.files()), node.queue.load().n_images) == (1, 1)


def test_a_queue_that_cannot_be_read_is_out_of_resources(tmp_path: Path) -> None:
    with listening(tmp_path) as node:
        with sqlite3.connect(node.spool.queue_path) as other:
            other.execute("ALTER TABLE image RENAME TO away")
        assert send([image_dataset(study="1.2.1")], node.settings) == [OUT_OF_RESOURCES]


def test_a_probe_that_breaks_off_prints_no_address(
    endpoint: Endpoint, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_connection(("127.0.0.1", endpoint.port), 5) as connection:
        connection.sendall(b"GET /hea")
        reset_at_end(connection)
    with caplog.at_level(logging.WARNING):
        wait_until(lambda: "connection failed" in caplog.text, "it is noted", 5)
    assert "127.0.0.1" not in "".join(capfd.readouterr())


def test_idle_probes_take_a_bounded_number_of_threads(endpoint: Endpoint) -> None:
    before = threading.active_count()
    with ExitStack() as connections:
        for _ in range(40):
            connections.enter_context(socket.create_connection(("127.0.0.1", endpoint.port), 5))
        time.sleep(0.5)
        assert threading.active_count() - before <= 32
    wait_until(lambda: page(endpoint.port, "healthz") == (200, "ok"), "it answers again", 5)


def test_an_error_that_python_can_raise_nowhere_is_logged_by_its_type_alone() -> None:
    program = (
        "from monai_fairtune.deploy.node import configure_logs\n"
        "class Doomed:\n"
        "    def __del__(self): raise ValueError('CANARY')\n"
        "configure_logs('info')\n"
        "Doomed()\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert '"kind": "ValueError"' in ran.stderr
    assert "CANARY" not in ran.stderr


def sockets() -> set[str]:
    """Returns the names of the sockets that this process holds open."""
    return {name for path in Path("/proc/self/fd").iterdir() if "socket:" in (name := str(path.resolve()))}


def accept_and_reset(server: socket.socket) -> None:
    """Accepts a connection, reads what is asked and resets it."""
    connection, _ = server.accept()
    with connection:
        connection.recv(1)
        reset_at_end(connection)


def reset_at_end(connection: socket.socket) -> None:
    """Makes closing a connection reset it."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
