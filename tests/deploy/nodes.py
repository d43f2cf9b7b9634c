"""A node under test, who sends to it, and who receives its reports."""

from __future__ import annotations

import gc
import hashlib
import os
import ssl
import sys
import threading
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

from pydicom import Dataset, dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.uid import BasicTextSRStorage, ExplicitVRLittleEndian, generate_uid
from pynetdicom import AE, build_context, evt

from monai_fairtune.deploy import ImageClassifier
from monai_fairtune.deploy.dicom import StudyAnswer
from monai_fairtune.deploy.node import Node, NodeLimits, NodeSettings, RemoteNode, StudyAnswerer
from monai_fairtune.deploy.node.connections import prepare_connection
from monai_fairtune.deploy.node.metrics import NodeMetrics
from monai_fairtune.deploy.node.queue import StudyQueue
from monai_fairtune.deploy.node.receiver import Receiver
from monai_fairtune.deploy.node.spool import Spool
from monai_fairtune.testing.classifiers import BrightnessClassifier
from tests.servers.processes import free_port, spawn, wait_until

__all__ = [
    "Archive",
    "NodeProcess",
    "answer_briefly",
    "associate",
    "listening",
    "numbers",
    "page",
    "running",
    "send",
    "settings_for",
]


STARTING = "starting or ending"


def answer_briefly(files: Sequence[Path], classifier: ImageClassifier) -> StudyAnswer:
    """Answers with a text object that names the images; the same images give the same UID."""
    images = sorted(str(dcmread(path, stop_before_pixels=True).SOPInstanceUID) for path in files)
    text = " ".join((classifier.identity.sha256, *images))
    report = Dataset()
    report.file_meta = FileMetaDataset()
    report.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    report.SOPClassUID = report.file_meta.MediaStorageSOPClassUID = BasicTextSRStorage
    report.SOPInstanceUID = report.file_meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[text])
    report.StudyInstanceUID = dcmread(files[0], stop_before_pixels=True).StudyInstanceUID
    report.SeriesInstanceUID = generate_uid(entropy_srcs=["series", text])
    report.Modality, report.ContentLabel = "SR", hashlib.sha256(text.encode()).hexdigest()[:16].upper()
    report.TextValue = str(len(images))
    return StudyAnswer(report, ())


class Archive:
    """Receives reports. ``stop`` and ``start`` stand for an archive that is down for a while.

    Attributes:
        taken: how often each SOP Instance UID was taken.
        reports: what was taken, by SOP Instance UID.
        status: that it answers with.
        status_of: that it answers with for a study.
        n_refused: how often it answered with another status than success.
        aborts: after how many reports it still aborts the association.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.taken: Counter[str] = Counter()
        self.reports: dict[str, Dataset] = {}
        self.status = 0x0000
        self.status_of: dict[str, int] = {}
        self.n_refused = self.aborts = 0
        self.port = free_port()
        self._tls = tls
        self._lock = threading.Lock()
        self._entity = AE("ARCHIVE")
        self._entity.add_supported_context(BasicTextSRStorage)
        for each in ("1.2.840.10008.5.1.4.1.1.88.34", "1.2.840.10008.5.1.4.1.1.88.33"):
            self._entity.add_supported_context(each)
        self.start()

    @property
    def remote(self) -> RemoteNode:
        """How a node reaches it."""
        return RemoteNode("ARCHIVE", "127.0.0.1", self.port)

    def start(self) -> None:
        """Listens."""
        handlers = [(evt.EVT_C_STORE, self._store), (evt.EVT_DIMSE_SENT, self._abort)]
        self._entity.start_server(("127.0.0.1", self.port), block=False, evt_handlers=handlers, ssl_context=self._tls)

    def stop(self) -> None:
        """Is gone."""
        self._entity.shutdown()

    def close(self) -> None:
        """Ends it; what pynetdicom has left unclosed, such as sockets whose connection was refused, goes with it."""
        self.stop()
        gc.collect()

    def n_of(self, study: str) -> int:
        """Returns how many reports it holds of a study."""
        return sum(report.StudyInstanceUID == study for report in list(self.reports.values()))

    def _store(self, event: evt.Event) -> int:
        status = self.status_of.get(event.dataset.StudyInstanceUID, self.status)
        with self._lock:
            if status:
                self.n_refused += 1
            else:
                self.taken[event.dataset.SOPInstanceUID] += 1
                self.reports[event.dataset.SOPInstanceUID] = event.dataset
        return status

    def _abort(self, event: evt.Event) -> None:
        if self.aborts:
            self.aborts -= 1
            event.assoc.abort()


def settings_for(folder: Path, archive: Archive, **changed: Any) -> NodeSettings:
    """Returns settings with free ports and short times."""
    usual = {"port": free_port(), "http_port": free_port(), "study_seconds": 0.3}
    return NodeSettings(folder / "spool", archive.remote, **{**usual, **changed})


@contextmanager
def running(
    settings: NodeSettings, answer: StudyAnswerer = answer_briefly, classifier: ImageClassifier | None = None
) -> Iterator[Node]:
    """Runs a node in this process; it is stopped, and its error raised, at the end."""
    node = Node(settings, classifier or BrightnessClassifier(), answer)
    with ThreadPoolExecutor(1) as executor:
        serving = executor.submit(node.run)
        try:
            wait_until(
                lambda: serving.done() or page(settings.http_port, "readyz")[1] not in ("", STARTING),
                "the node listens",
            )
            yield node
        finally:
            node.stop.set()
            serving.result()


class Listening:
    """A node's receiver with its queue and spool, and nobody who answers."""

    def __init__(self, folder: Path, tls: tuple[ssl.SSLContext, ssl.SSLContext] | None) -> None:
        archive, limits = RemoteNode("ARCHIVE", "localhost", 1), NodeLimits(n_associations=1, network_seconds=1.0)
        self.settings = NodeSettings(folder / "spool", archive, port=free_port(), limits=limits, tls=tls)
        self.spool = Spool(self.settings.spool)
        self.queue = StudyQueue(self.spool.queue_path, 60.0)
        self.receiver = Receiver(self.settings, self.queue, self.spool, NodeMetrics(self.queue))

    def files(self) -> list[Path]:
        """Returns the files of images."""
        return list(self.spool.image_path("").parent.iterdir())


@contextmanager
def listening(folder: Path, tls: tuple[ssl.SSLContext, ssl.SSLContext] | None = None) -> Iterator[Listening]:
    """Listens, to one association at a time, with a second of patience."""
    node = Listening(folder, tls)
    node.receiver.start()
    try:
        yield node
    finally:
        node.receiver.stop(2.0)
        node.queue.close()
        node.spool.close()


def send(
    datasets: Iterable[Dataset],
    settings: NodeSettings,
    *,
    caller: str = "MODALITY",
    tls: ssl.SSLContext | None = None,
) -> list[int | None]:
    """Sends images over one association; returns the node's statuses, None where none came.

    Raises:
        ConnectionError: if there is no association.
    """
    images = [_as_a_file_has_it(dataset) for dataset in datasets]
    entity = AE(caller)
    classes = {(image.SOPClassUID, image.file_meta.TransferSyntaxUID) for image in images}
    contexts = [build_context(*each) for each in classes]
    association = associate(entity, settings, contexts=contexts, tls_args=None if tls is None else (tls, "localhost"))
    if not association.is_established:
        raise ConnectionError("no association")
    try:
        return [_status(association, image) for image in images]
    finally:
        association.release()


def associate(entity: AE, settings: NodeSettings, **more: Any) -> Any:
    """Asks a node for an association, whose socket is closed at its end."""
    handlers = [(evt.EVT_CONN_OPEN, prepare_connection)]
    return entity.associate("127.0.0.1", settings.port, ae_title=settings.title, evt_handlers=handlers, **more)


def numbers(report: Dataset) -> list[float]:
    """Returns the probabilities of a report, in its order."""
    found = []

    def walk(item: Dataset) -> None:
        for child in item.get("ContentSequence", []):
            if child.ValueType == "NUM" and child.ConceptNameCodeSequence[0].CodeMeaning.startswith("Probability"):
                found.append(float(child.MeasuredValueSequence[0].NumericValue))
            walk(child)

    walk(report)
    return found


def page(http_port: int, name: str) -> tuple[int, str]:
    """Returns status and text of a page of the operator's endpoint; 0 where nobody listens."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{http_port}/{name}", timeout=5) as answer:
            return answer.status, answer.read().decode().strip()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode().strip()
    except OSError:
        return 0, ""


def _as_a_file_has_it(dataset: Dataset) -> Dataset:
    stream = BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    stream.seek(0)
    return dcmread(stream)


def _status(association: Any, image: Dataset) -> int | None:
    if not association.is_established:
        return None
    status: int | None = association.send_c_store(image).get("Status")
    return status


class NodeProcess:
    """A node as a process that can be killed and started again; its log is ``log`` in the folder."""

    def __init__(self, folder: Path, archive: Archive, seconds: float = 0.0) -> None:
        self.settings = settings_for(folder, archive)
        self.log = folder / "log"
        ports = (self.settings.port, self.settings.http_port, archive.port)
        self._arguments = [str(self.settings.spool), *map(str, ports), str(seconds)]
        self.start()

    def start(self) -> None:
        """Starts it and waits until it listens."""
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
        command = [sys.executable, "-m", "tests.deploy.node_process", *self._arguments]
        self.process = spawn(command, self.log, environment=environment)
        wait_until(lambda: page(self.settings.http_port, "readyz")[0] == 200, f"the node is ready: {self.log}", 60)

    def __enter__(self) -> NodeProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def kill(self) -> None:
        """Ends it without a word."""
        self.process.kill()
        self.process.wait()

    def terminate(self) -> int:
        """Asks it to end; returns its exit code."""
        self.process.terminate()
        return self.process.wait(30)
