from __future__ import annotations

import json
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from monai_fairtune.cohort import Preprocessing
from monai_fairtune.deploy.export import (
    SUFFIXES,
    TOLERANCE,
    ExportedModel,
    ExportOptions,
    SearchOutput,
    export_bundle,
    export_graph,
)
from monai_fairtune.exceptions import ConfigurationError
from tests.deploy.exports import SIZE, described, expected

pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit:FutureWarning", "ignore:`torch.jit:DeprecationWarning")


@pytest.fixture(scope="module")
def folder(source: SearchOutput, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that holds both graphs."""
    folder = tmp_path_factory.mktemp("graphs") / "tiny"
    exported = export_bundle(source, described(source), folder, ExportOptions(graphs=("torchscript", "onnx")))
    assert exported.largest_difference.keys() == {
        "models/model.safetensors", "models/model.pt", "models/model.ts", "models/model.onnx",
    }  # fmt: skip
    assert max(exported.largest_difference.values()) <= TOLERANCE
    return folder


def _prepared(paths: list[Path]) -> torch.Tensor:
    return torch.stack([Preprocessing(SIZE).decode(path) for path in paths])


def _probabilities(kind: str, path: Path, images: torch.Tensor) -> np.ndarray:
    """Runs a graph as somebody without this package would."""
    if kind == "torchscript":
        logits = torch.jit.load(path)(images).detach().numpy()  # type: ignore[no-untyped-call]
    else:
        import onnxruntime

        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        assert [each.name for each in (*session.get_inputs(), *session.get_outputs())] == ["image", "pred"]
        logits = session.run(None, {"image": images.numpy()})[0]
    odds = np.exp(logits[:, 1].astype(np.float64) - logits[:, 0])
    found: np.ndarray = odds / (1 + odds)
    return found


@pytest.mark.parametrize("kind", list(SUFFIXES))
@pytest.mark.parametrize("n", [1, 5])
def test_a_graph_gives_the_probabilities_of_the_search_for_any_number_of_images(
    kind: str, n: int, folder: Path, search_output: Path, images: list[Path]
) -> None:
    found = _probabilities(kind, folder / "models" / f"model{SUFFIXES[kind]}", _prepared(images[:n]))
    np.testing.assert_allclose(found, expected(search_output, images[:n]), atol=TOLERANCE)


def test_a_bundle_with_graphs_is_loaded_like_any_other(folder: Path, images: list[Path], search_output: Path) -> None:
    found = ExportedModel.load(folder).probabilities(images)
    np.testing.assert_allclose(found, expected(search_output, images), atol=1e-6)
    readme = (folder / "docs" / "README.md").read_text()
    assert "models/model.ts" in readme
    assert "models/model.onnx" in readme


def test_no_graph_tells_where_it_was_made(folder: Path) -> None:
    private = [str(Path.cwd()), str(folder.parents[1]), str(Path(torch.__file__).parents[1])]
    with zipfile.ZipFile(folder / "models" / "model.ts") as archive:
        contents = [archive.read(name) for name in archive.namelist()]
    contents.append((folder / "models" / "model.onnx").read_bytes())
    assert not [text for text in private if any(text.encode() in content for content in contents)]


def test_graphs_tell_how_images_are_prepared(folder: Path) -> None:
    import onnx

    metadata = json.loads((folder / "configs" / "metadata.json").read_text())
    assert metadata["fairtune"]["preprocessing"]["resize"] == Preprocessing(SIZE).to_dict()["resize"]
    extra = {"metadata.json": "", "inference.json": ""}
    torch.jit.load(folder / "models" / "model.ts", _extra_files=extra)  # type: ignore[no-untyped-call]
    assert json.loads(extra["metadata.json"]) == metadata
    assert json.loads(extra["inference.json"])["network_def"]["backbone"] == metadata["fairtune"]["network"]["backbone"]
    told = {entry.key: entry.value for entry in onnx.load(folder / "models" / "model.onnx").metadata_props}
    assert json.loads(told["metadata.json"]) == metadata


def test_a_graph_alone_has_its_documents_and_checksums_beside_it(source: SearchOutput, tmp_path: Path) -> None:
    exported = export_graph("torchscript", source, described(source), tmp_path / "new" / "tiny.ts")
    folder = tmp_path / "new"
    assert exported.path == folder / "tiny.ts"
    assert {path.name for path in folder.iterdir()} == {
        "tiny.ts", "tiny.json", "tiny.html", "tiny.md", "tiny.licence", "tiny.sha256",
    }  # fmt: skip
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "tiny.sha256"], cwd=folder, check=True)
    assert exported.sha256["tiny.ts"] in (folder / "tiny.md").read_text()
    (folder / "tiny.ts").unlink()
    with pytest.raises(ConfigurationError, match=r"'tiny.html' exists already"):
        export_graph("torchscript", source, described(source), folder / "tiny.ts")


def test_the_same_model_gives_the_same_onnx_bytes(source: SearchOutput, folder: Path, tmp_path: Path) -> None:
    from monai_fairtune.deploy.export.graphs import write_graph

    texts = {"metadata.json": json.loads((folder / "configs" / "metadata.json").read_text())}
    texts["inference.json"] = json.loads((folder / "configs" / "inference.json").read_text())
    write_graph("onnx", source.network, tmp_path / "again.onnx", texts)
    assert (tmp_path / "again.onnx").read_bytes() == (folder / "models" / "model.onnx").read_bytes()


def test_a_file_that_cannot_be_moved_to_its_place_leaves_none_of_a_graphs_files(
    source: SearchOutput, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved: list[Path] = []

    def replace(path: Path, target: Path) -> Path:
        if target.suffix == ".json":
            raise OSError(28, "No space left on device")
        moved.append(target)
        return path.rename(target)

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(OSError, match="No space left"):
        export_graph("torchscript", source, described(source), tmp_path / "out" / "model.ts", ExportOptions())
    assert moved
    assert list((tmp_path / "out").iterdir()) == []
