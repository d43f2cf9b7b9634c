"""``metadata.json`` of an exported bundle: what MONAI asks for, and the description of the model."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from monai_fairtune.deploy.export.description import KEY, ModelDescription, refuse_config_code

__all__ = ["bundle_metadata"]

_SCHEMA = "https://github.com/Project-MONAI/MONAI-extra-test-data/releases/download/0.8.1/meta_schema_20240725.json"
_REQUIRED = ("monai-fairtune", "timm", "pytorch-ignite", "safetensors")
_CHANNELS = {1: {"0": "grey"}, 3: {"0": "R", "1": "G", "2": "B"}}
_CAUTION = (
    "Differences between recorded subgroups were assessed and mitigated; that is no proof that the model treats "
    "everybody alike, and no clinical evidence."
)
_UNSTATED = "No use was stated when the model was exported: research only."
_PAPER = (
    "Dutt, Bohdal, Tsaftaris, Hospedales. FairTune: Optimizing Parameter Efficient Fine Tuning for Fairness in Medical "
    "Image Analysis. ICLR 2024. arXiv 2310.05055."
)


def bundle_metadata(description: ModelDescription, test: Mapping[str, Any], authors: str) -> dict[str, Any]:
    """Returns the content of ``metadata.json``.

    Args:
        description: of the model.
        test: the report on the test split, as ``result.json`` holds it; curves and pairs are left out.
        authors: of the model.

    Raises:
        ConfigurationError: if a text in it would be code in a MONAI config.
    """
    use = description.intended_use
    classes = {str(label): name for label, name in enumerate(description.class_names)}
    metadata = {
        "schema": _SCHEMA,
        "version": description.version,
        "changelog": {description.version: "exported from a search"},
        "monai_version": version("monai"),
        "pytorch_version": version("torch").partition("+")[0],
        "numpy_version": version("numpy"),
        "required_packages_version": {name: version(name) for name in _REQUIRED},
        "name": description.name,
        "task": "Binary classification of medical images",
        "description": f"Tells {description.class_words(1)} from {description.class_words(0)} in one image. Which "
        "components of a pretrained network to tune was searched for the worst-off subgroup (FairTune, arXiv "
        "2310.05055).",
        "authors": authors,
        "copyright": "see the licence",
        "data_source": "see the model card; no data are handed out with the model",
        "data_type": "png, jpeg, tiff, dicom, nifti, npy",
        "image_classes": "intensities in [0, 1]; the network normalises them itself",
        "label_classes": "; ".join(f"{label} is {name}" for label, name in classes.items()),
        "pred_classes": "logits of class 0 and class 1",
        "intended_use": f"{use.statement or _UNSTATED} {_CAUTION}",
        "references": [_PAPER],
        "network_data_format": _data_format(description, classes),
        KEY: {**description.to_dict(), "test": published(test)},
    }
    refuse_config_code(metadata)
    return metadata


def published(report: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a report without curves and pairs: overall values, and each subgroup's with intervals."""
    return {
        name: published(value) if isinstance(value, Mapping) else value
        for name, value in report.items()
        if name not in ("curves", "pairs")
    }


def _data_format(description: ModelDescription, classes: Mapping[str, str]) -> dict[str, Any]:
    size, n_channels = (description.preprocessing[key] for key in ("image_size", "n_channels"))
    image = {
        "type": "image",
        "format": "RGB" if n_channels == 3 else "magnitude",
        "modality": ", ".join(description.intended_use.modalities) or "any",
        "num_channels": n_channels,
        "spatial_shape": [size, size],
        "dtype": "float32",
        "value_range": [0, 1],
        "is_patch_data": False,
        "channel_def": _CHANNELS.get(n_channels, {str(k): f"channel {k}" for k in range(n_channels)}),
    }
    prediction = {
        "type": "logits",
        "format": "classes",
        "num_channels": 2,
        "spatial_shape": [],
        "dtype": "float32",
        "value_range": [],
        "is_patch_data": False,
        "channel_def": dict(classes),
    }
    return {"inputs": {"image": image}, "outputs": {"pred": prediction}}
