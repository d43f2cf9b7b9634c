"""A node as a process of its own: ``python -m tests.deploy.node_process SPOOL PORT HTTP_PORT ARCHIVE_PORT SECONDS``.

Each study takes some seconds to answer; SIGTERM ends it as the command's does.
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from monai_fairtune.deploy import ImageClassifier
from monai_fairtune.deploy.dicom import StudyAnswer
from monai_fairtune.deploy.node import Node, NodeSettings, RemoteNode, configure_logs
from monai_fairtune.testing.classifiers import BrightnessClassifier
from tests.deploy.nodes import answer_briefly


def main(spool: str, port: str, http_port: str, archive_port: str, seconds: str) -> None:
    def answer(files: Sequence[Path], classifier: ImageClassifier) -> StudyAnswer:
        time.sleep(float(seconds))
        return answer_briefly(files, classifier)

    archive = RemoteNode("ARCHIVE", "127.0.0.1", int(archive_port))
    settings = NodeSettings(Path(spool), archive, port=int(port), http_port=int(http_port), study_seconds=0.3)
    configure_logs("debug")
    node = Node(settings, BrightnessClassifier(), answer)
    signal.signal(signal.SIGTERM, lambda *_: node.stop.set())
    node.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
