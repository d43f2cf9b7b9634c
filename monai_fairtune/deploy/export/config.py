"""The configs of an exported bundle: inference, and logging while it runs."""

from __future__ import annotations

from typing import Any

from monai_fairtune.deploy.export.description import ModelDescription

__all__ = ["LOGGING", "inference_config"]

LOGGING = """\
[loggers]
keys=root,engines

[handlers]
keys=stderr

[formatters]
keys=plain

[logger_root]
level=WARNING
handlers=stderr

# Engines announce an exception before they raise it: the sentence that the user reads comes from the exception.
[logger_engines]
level=CRITICAL
handlers=
qualname=ignite.engine

[handler_stderr]
class=StreamHandler
level=WARNING
formatter=plain
args=(sys.stderr,)

[formatter_plain]
format=%(levelname)s %(name)s: %(message)s
"""
"""``configs/logging.conf``: that of the bundle that searches."""

_RUNS: dict[str, Any] = {
    "network": "$@network_def.to(@torch_device)",
    "dataset": {
        "_target_": "Dataset",
        "data": "$fairtune.list_images(@dataset_dir, @manifest)",
        "transform": "@preprocessing",
    },
    "dataloader": {
        "_target_": "DataLoader",
        "dataset": "@dataset",
        "batch_size": "$fairtune.whole('batch_size', @batch_size)",
        "shuffle": False,
        "num_workers": 0,
    },
    "inferer": {"_target_": "SimpleInferer"},
    "postprocessing": {
        "_target_": "Compose",
        "transforms": [{"_target_": "Activationsd", "keys": "pred", "softmax": True}],
    },
    "handlers": [
        {
            "_target_": "CheckpointLoader",
            "load_path": "$@bundle_root + '/models/model.pt'",
            "load_dict": {"model": "@network"},
            "map_location": "@torch_device",
        },
        {
            "_target_": "monai_fairtune.bundle.PredictionsWriter",
            "class_names": "@class_names",
            "threshold": "$fairtune.choose_threshold_of(None, @threshold, @output_dir)",
            "output_dir": "@output_dir",
        },
    ],
    "evaluator": {
        "_target_": "SupervisedEvaluator",
        "device": "@torch_device",
        "val_data_loader": "@dataloader",
        "network": "@network",
        "inferer": "@inferer",
        "postprocessing": "@postprocessing",
        "val_handlers": "@handlers",
    },
    "initialize": ["$fairtune.plain_errors()"],
    "run": ["$@evaluator.run()"],
}
"""The same for every model."""


def inference_config(description: ModelDescription) -> dict[str, Any]:
    """Returns the content of ``configs/inference.json``: a folder of images in, a table of probabilities out."""
    return {
        "imports": ["$import torch", "$import monai_fairtune.bundle as fairtune"],
        "bundle_root": ".",
        "dataset_dir": None,
        "manifest": None,
        "output_dir": "output",
        "batch_size": 32,
        "threshold": description.threshold,
        "class_names": list(description.class_names),
        "device": "$'cuda:0' if torch.cuda.is_available() else 'cpu'",
        "torch_device": "$fairtune.torch_device(@device)",
        "network_def": {"_target_": "monai_fairtune.masks.FairTuneNetwork", **description.network},
        "preprocessing": {
            "_target_": "monai_fairtune.cohort.Preprocessing",
            "image_size": description.preprocessing["image_size"],
            "n_channels": description.preprocessing["n_channels"],
        },
        **_RUNS,
    }
