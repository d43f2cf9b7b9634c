"""What a DICOM node costs around its model: images a second, seconds until a report is there, memory.

    python benchmarks/serving.py [--quick] [--json]

Digital radiographs of 1024 x 1024 pixels, one a study, are sent to a node in a process of its own: it stores them
durably, reads them in its guarded process, asks a ViT-Ti/16 (224 pixels, random weights) and sends a structured report
to an archive. Sender and archive run in this process, on the same processors. "ratio" is the images a second from the
first that is sent to the last report, over those of the bare loop `classifier.probabilities([path])`, which decodes the
same files and asks the same model. Latency is of images sent one by one to an idle node, from the first byte to the
report, without the seconds of silence after which a study counts as complete. Memory is the node's resident set.
"""

from __future__ import annotations

import argparse
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from machine import describe, show

sys.path.insert(0, str(Path(__file__).parents[1]))

from monai_fairtune.cohort import Preprocessing
from monai_fairtune.deploy import IntendedUse
from monai_fairtune.deploy.dicom import ImageReader, ReadingRules, answer_study
from monai_fairtune.deploy.export import ExportedModel, ModelDescription
from monai_fairtune.deploy.node import Node, NodeSettings, RemoteNode, configure_logs
from monai_fairtune.masks import FairTuneNetwork
from tests.deploy.dicom_files import image_dataset, picture
from tests.deploy.nodes import Archive, page, send, settings_for
from tests.servers.processes import wait_until

BACKBONE, SIZE, SIDE = "vit_tiny_patch16_224", 224, 1024
N_SENDERS = 2
SILENCE = 0.5  # seconds


def make_model() -> ExportedModel:
    """Returns the model, as an exported bundle would be loaded."""
    torch.manual_seed(0)
    network = FairTuneNetwork(BACKBONE, image_size=SIZE)
    description = ModelDescription(
        "benchmark", "1.0.0", {}, Preprocessing(SIZE).to_dict(), ("negative", "positive"), 0.5, IntendedUse()
    )
    return ExportedModel(description, network.eval(), "0" * 64)


def serve(spool: str, port: str, http_port: str, archive_port: str) -> None:
    """Runs the node, until SIGTERM."""
    torch.set_num_threads(1)
    archive = RemoteNode("ARCHIVE", "127.0.0.1", int(archive_port))
    settings = NodeSettings(Path(spool), archive, port=int(port), http_port=int(http_port), study_seconds=SILENCE)
    configure_logs("error")
    with ImageReader(ReadingRules()) as reader:
        node = Node(settings, make_model(), partial(answer_study, reader=reader))
        signal.signal(signal.SIGTERM, lambda *_: node.stop.set())
        node.run()


@contextmanager
def serving(settings: NodeSettings, archive: Archive) -> Iterator[int]:
    """Runs the node in a process of its own; yields its id."""
    ports = (settings.port, settings.http_port, archive.port)
    command = [sys.executable, __file__, "--node", str(settings.spool), *map(str, ports)]
    with subprocess.Popen(command) as process:
        try:
            wait_until(lambda: page(settings.http_port, "readyz")[0] == 200, "the node is ready", 120)
            yield process.pid
        finally:
            process.terminate()


def resident_mib(pid: int) -> float:
    """Returns a process's resident set."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def bare_loop(n: int, folder: Path, pixels: np.ndarray[Any, Any]) -> float:
    """Returns the images a second of the model alone, each file read from disk."""
    torch.set_num_threads(1)
    model, paths = make_model(), [folder / f"{number}.dcm" for number in range(n)]
    for number, path in enumerate(paths):
        image_dataset(pixels, study=f"1.2.3.{number}").save_as(path, enforce_file_format=True)
    model.probabilities(paths[:1])
    start = time.perf_counter()
    for path in paths:
        model.probabilities([path])
    return n / (time.perf_counter() - start)


def measure(n: int, n_single: int) -> dict[str, Any]:
    """Returns all figures."""
    pixels = picture(side=SIDE)
    with tempfile.TemporaryDirectory() as folder:
        bare = bare_loop(n_single, Path(folder), pixels)
        archive = Archive()
        settings = settings_for(Path(folder), archive, study_seconds=SILENCE)
        with serving(settings, archive) as pid:
            latencies = [latency(f"1.2.4.{number}", settings, archive, pixels) for number in range(n_single + 1)][1:]
            first = resident_mib(pid)
            seconds = throughput(n, settings, archive, pixels)
            last = resident_mib(pid)
        archive.close()
    return {
        "ratio_images_per_second": n / seconds / bare,
        "n_images": n,
        "images_per_second": n / seconds,
        "bare_images_per_second": bare,
        "median_latency_seconds": statistics.median(latencies),
        "longest_latency_seconds": max(latencies),
        "n_single": n_single,
        "resident_mib_before": first,
        "resident_mib_after": last,
    }


def latency(study: str, settings: NodeSettings, archive: Archive, pixels: np.ndarray[Any, Any]) -> float:
    """Returns the seconds from sending one image to its report, without the silence."""
    image = image_dataset(pixels, study=study)
    start = time.perf_counter()
    send([image], settings)
    wait_until(lambda: archive.n_of(study) == 1, "the report arrives", 60)
    return time.perf_counter() - start - SILENCE


def throughput(n: int, settings: NodeSettings, archive: Archive, pixels: np.ndarray[Any, Any]) -> float:
    """Returns the seconds from the first image to the last report."""
    before, start = len(archive.reports), time.perf_counter()

    def send_share(share: int) -> None:
        for number in range(share, n, N_SENDERS):
            while send([image_dataset(pixels, study=f"1.2.5.{number}")], settings) != [0]:
                time.sleep(0.5)  # out of resources: as any modality, later again

    with ThreadPoolExecutor(N_SENDERS) as executor:
        list(executor.map(send_share, range(N_SENDERS)))
    wait_until(lambda: len(archive.reports) - before == n, "all reports arrive", 3600)
    return time.perf_counter() - start


def print_table(found: Mapping[str, Any]) -> None:
    """Prints the figures, the ratio first."""
    print(f"\nratio of images a second, node over bare loop: {found['ratio_images_per_second']:.2f}")
    print(f"images a second: {found['images_per_second']:.2f} over {found['n_images']} images; ", end="")
    print(f"bare loop {found['bare_images_per_second']:.2f}")
    print(f"latency of one image: median {found['median_latency_seconds']:.2f} s, ", end="")
    print(f"longest {found['longest_latency_seconds']:.2f} s of {found['n_single']}")
    print(f"resident MiB of the node: {found['resident_mib_before']:.0f} before, ", end="")
    print(f"{found['resident_mib_after']:.0f} after {found['n_images']} images")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="200 images instead of 2,000")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--node", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.node:
        serve(*options.node)
        return
    found = measure(200 if options.quick else 2000, 20)
    about = describe("pydicom", "pynetdicom", "highdicom", "torch", "timm")
    show(about, found, print_table, as_json=options.json)


if __name__ == "__main__":
    main()
