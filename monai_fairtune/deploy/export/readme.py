"""``docs/README.md`` of an exported bundle."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version

from monai_fairtune.deploy.export.description import ModelDescription
from monai_fairtune.deploy.export.network import needs_own_code
from monai_fairtune.report.markdown import plain

__all__ = ["readme"]

_TEXT = """# {name} {version}

{statement}

A MONAI bundle with a binary classifier of medical images. [The model card](model_card.md) tells what it was tuned on,
how it performs for each subgroup, and what cannot be concluded. Differences between recorded subgroups were assessed
and mitigated; that is no proof that the model treats everybody alike, and no clinical evidence.

## Use

```bash
pip install "{package}"
python -m monai.bundle run --config_file {name}/configs/inference.json --bundle_root {name} \\
  --dataset_dir FOLDER_OF_IMAGES --output_dir predictions
```

`predictions/predictions.csv` has one row an image: its name, the probability of {class_1}, and the class.
Images are PNG, JPEG, TIFF, DICOM, NIfTI or NPY. Nothing is downloaded: the weights are in the bundle.{own_code}

Options: `--dataset_dir` (a folder) or `--manifest` (a CSV with a column `image`), `--output_dir`, `--threshold`
({threshold}), `--batch_size`, `--device`. Let `output_dir` lie outside the bundle, whose files are under checksums. A
config is code: `monai-fairtune check-config {name}/configs/*.json` lists what these would execute.

From Python, with every checksum verified and no config run:

```python
from pathlib import Path
from monai_fairtune.deploy.export import ExportedModel

model = ExportedModel.load(Path("{name}"))  # or the zip
model.probabilities([Path("image.png")])
```

## Files

| file | |
|---|---|
| `configs/inference.json`, `configs/metadata.json` | the workflow; what the model is, as data |
| `models/model.safetensors`, `models/model.pt` | the same weights, for `ExportedModel` and for MONAI |
{graphs}| `docs/model_card.html`, `docs/model_card.md` | the model card |
| `LICENSE` | the terms |
| `SHA256SUMS` | of every other file: `sha256sum --check SHA256SUMS` |
"""

_GRAPHS = {
    "torchscript": "| `models/model.ts` | TorchScript: images in [0, 1] to logits |\n",
    "onnx": "| `models/model.onnx` | ONNX: images in [0, 1] to logits |\n",
}


def readme(description: ModelDescription, graphs: Sequence[str]) -> str:
    """Returns the content of the README.

    Args:
        description: of the model.
        graphs: formats that the bundle holds as well.
    """
    backbone = description.network["backbone"]
    return _TEXT.format(
        name=description.name,
        version=description.version,
        statement=plain(description.intended_use.statement) or "No use was stated: take it as made for research alone.",
        class_1=plain(description.class_words(1)),
        own_code=f" Install what defines `{backbone}` as well." if needs_own_code(backbone) else "",
        threshold=f"{description.threshold:.6g}",
        graphs="".join(_GRAPHS[kind] for kind in graphs),
        package=f"monai-fairtune>={version('monai-fairtune')}",
    )
