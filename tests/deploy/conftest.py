"""One exported bundle for all tests of deployment."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from monai_fairtune.deploy.export import SearchOutput, export_bundle, read_search_output
from tests.deploy.clock import Clock
from tests.deploy.exports import described, write_images, write_search_output
from tests.deploy.nodes import Archive


@pytest.fixture(scope="session")
def search_output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output folder of a search; the backbone's weights lie beside it."""
    return write_search_output(tmp_path_factory.mktemp("search"))


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Small pictures."""
    return write_images(tmp_path_factory.mktemp("images"))


@pytest.fixture(scope="session")
def source(search_output: Path) -> SearchOutput:
    """The search's model."""
    return read_search_output(search_output, weights=search_output.parent / "weights.safetensors")


@pytest.fixture(scope="session")
def exported_folder(source: SearchOutput, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle as a folder: copy it before you change it."""
    return export_bundle(source, described(source), tmp_path_factory.mktemp("exported") / "tiny").path


@pytest.fixture(scope="session")
def exported_zip(source: SearchOutput, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same bundle as a zip."""
    return export_bundle(source, described(source), tmp_path_factory.mktemp("exported") / "tiny_v1.2.0.zip").path


@pytest.fixture
def clock() -> Clock:
    """The clock of a node's queue."""
    return Clock()


@pytest.fixture
def archive() -> Iterator[Archive]:
    """Receives reports."""
    archive = Archive()
    yield archive
    archive.close()


@pytest.fixture(scope="module", autouse=True)
def sockets_end_with_their_module(request: pytest.FixtureRequest) -> Iterator[None]:
    """Collects the sockets that pynetdicom leaves to Python here, lest they are told of in another module's tests."""
    yield
    if "node" in request.module.__name__:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()
