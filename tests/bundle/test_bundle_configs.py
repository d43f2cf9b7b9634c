from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.bundle.bundle_runs import BUNDLE, CONFIGS, TINY

_CONFIGS = ("search.yaml", "train.yaml", "evaluate.yaml", "inference.yaml")
_MARKS = ("# --- Shared by", "# --- End of what is shared. ---")
_EVERYWHERE = {
    "manifest", "data_root", "attribute", "output_dir", "backbone", "weights", "image_size", "batch_size",
    "max_epochs", "seed", "device", "precision", "train_fraction", "split_fractions",
    "split_by", "split_file", "where",
}  # fmt: skip
_SEARCH = {
    "search_space", "objective", "utility_floor", "min_per_class", "n_trials", "timeout", "storage", "n_workers",
    "n_finalists", "n_seeds", "screening",
}  # fmt: skip


def _shared_block(name: str) -> str:
    text = (CONFIGS / name).read_text()
    return text[text.index(_MARKS[0]) : text.index(_MARKS[1])]


def _config(name: str) -> dict[str, Any]:
    return dict(yaml.safe_load((CONFIGS / name).read_text()))


def test_the_four_configs_share_one_definition_of_cohort_network_and_transforms() -> None:
    blocks = {_shared_block(name) for name in _CONFIGS}
    assert len(blocks) == 1
    shared = yaml.safe_load(blocks.pop())
    assert {"cohort", "network_def", "preprocessing", "images"} <= set(shared)
    for name in _CONFIGS:
        assert {key: _config(name)[key] for key in shared} == shared


def test_nothing_shared_is_defined_again_further_down() -> None:
    for name in _CONFIGS:
        keys = [line.split(":")[0] for line in (CONFIGS / name).read_text().splitlines() if line[:1].isalpha()]
        assert len(keys) == len(set(keys)), name


def test_every_config_understands_the_overrides_of_the_contract() -> None:
    for name in _CONFIGS:
        assert set(_config(name)) >= _EVERYWHERE, name
    assert set(_config("search.yaml")) >= _SEARCH


def test_the_documentation_names_every_option() -> None:
    documented = (BUNDLE / "docs" / "README.md").read_text()
    for name in _CONFIGS:
        options = [key for key, value in _config(name).items() if not isinstance(value, (dict, list))]
        missing = [
            key
            for key in options
            if f"`{key}`" not in documented and not str(_config(name)[key]).startswith(("$@", "$fairtune", "$str", "@"))
        ]
        assert not missing, name


@pytest.mark.parametrize(
    ("name", "kind"), [("train.yaml", "train"), ("inference.yaml", "infer"), ("evaluate.yaml", "infer")]
)
@pytest.mark.filterwarnings("ignore:parsing config_file")
def test_a_config_has_every_property_that_monai_asks_for(
    name: str, kind: str, manifest: Path, weights: Path, searched: Path
) -> None:
    from monai.bundle import ConfigWorkflow

    workflow = ConfigWorkflow(
        str(CONFIGS / name),
        workflow_type=kind,
        logging_file=False,
        manifest=str(manifest),
        attribute="sex",
        weights=str(weights),
        output_dir=str(searched),
        **TINY,
    )
    workflow.initialize()
    assert workflow.check_properties() == []


def test_the_default_network_of_the_metadata_is_that_of_the_configs() -> None:
    import json

    metadata = json.loads((CONFIGS / "metadata.json").read_text())
    config = _config("inference.yaml")
    image = metadata["network_data_format"]["inputs"]["image"]
    assert image["spatial_shape"] == [config["image_size"]] * 2
    assert image["num_channels"] == config["n_channels"]
    assert metadata["network_data_format"]["outputs"]["pred"]["num_channels"] == config["network_def"]["n_classes"]
