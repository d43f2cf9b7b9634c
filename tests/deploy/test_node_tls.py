from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from monai_fairtune.deploy.node import NodeLimits, RemoteNode, tls_contexts
from monai_fairtune.exceptions import ConfigurationError
from tests.deploy.dicom_files import image_dataset
from tests.deploy.nodes import Archive, listening, running, send, settings_for
from tests.servers.processes import wait_until


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``ca.pem``, and ``node.pem`` and ``node.key`` that it vouches for; ``other.pem`` is its own."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl on this machine")
    folder = tmp_path_factory.mktemp("certificates")

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True, timeout=60)

    new = ("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    for name in ("ca", "other"):
        subject = ("-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost")
        openssl(*new, "-x509", "-days", "2", *subject, "-keyout", f"{name}.key", "-out", f"{name}.pem")
    openssl(*new, "-subj", "/CN=localhost", "-keyout", "node.key", "-out", "node.csr")
    (folder / "names").write_text("subjectAltName=DNS:localhost")
    signing = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names")
    openssl("x509", "-req", "-in", "node.csr", *signing, "-out", "node.pem")
    return folder


def contexts(folder: Path, name: str = "node") -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Returns the contexts of whoever has a certificate."""
    return tls_contexts(folder / f"{name}.pem", folder / f"{name}.key", folder / "ca.pem")


def test_over_tls_both_sides_show_a_certificate_of_the_authority(certificates: Path, tmp_path: Path) -> None:
    ours, strangers = contexts(certificates), contexts(certificates, "other")
    archive = Archive(ours[0])
    settings = replace(
        settings_for(tmp_path, archive, limits=NodeLimits(network_seconds=3600)),
        tls=ours,
        send_to=RemoteNode("ARCHIVE", "localhost", archive.port),
    )
    images = [image_dataset(study="1.2.1")]
    with running(settings), socket.create_connection(("127.0.0.1", settings.port), 5):  # one that never says a word
        for tls in (None, strangers[1]):
            with pytest.raises(ConnectionError):
                send(images, settings, tls=tls)
        assert send(images, settings, tls=ours[1]) == [0]
        wait_until(lambda: archive.n_of("1.2.1") == 1, "the report arrives")
    archive.close()


def test_a_tls_handshake_that_lingers_is_ended_and_many_take_no_thread_each(certificates: Path, tmp_path: Path) -> None:
    tls = contexts(certificates)
    with listening(tmp_path, tls=tls) as node, ExitStack() as connections:
        before = threading.active_count()
        for _ in range(9):
            connections.enter_context(socket.create_connection(("127.0.0.1", node.settings.port), 5))
        time.sleep(0.5)
        assert threading.active_count() - before <= 2
        wait_until(lambda: threading.active_count() <= before, "the handshakes end", 5)
        assert send([image_dataset(study="1.2.1")], node.settings, tls=tls[1]) == [0]


def test_tls_files_that_cannot_be_used_are_refused(certificates: Path) -> None:
    with pytest.raises(ConfigurationError, match="The TLS files cannot be used"):
        tls_contexts(certificates / "node.pem", certificates / "other.key", certificates / "ca.pem")
    with pytest.raises(ConfigurationError, match="The TLS files cannot be used: No such file"):
        tls_contexts(certificates / "absent.pem", certificates / "node.key", certificates / "ca.pem")
