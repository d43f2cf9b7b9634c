from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from monai_fairtune.deploy.export import SearchOutput, export_bundle, without_small_cells
from monai_fairtune.exceptions import ConfigurationError
from monai_fairtune.testing.example_result import example_result
from tests.deploy.exports import described


@pytest.fixture(scope="module")
def small(source: SearchOutput) -> SearchOutput:
    """A model whose test split has a rare subgroup."""
    attributes = {"site": ["A", "B", "C"], "sex": ["female", "male"]}
    found = example_result(attributes, n_trials=12, n_epochs=2, rare=[("site", "C")], intervals=True)
    found["eligibility"] |= {"lowered": True, "default": 20, "min_per_class": 5}
    return replace(source, result=found | {"network": source.result["network"]})


def test_no_small_count_is_exported(small: SearchOutput, tmp_path: Path) -> None:
    counts = small.result["test"]["attributes"]["site"]["subgroups"]["C"]
    assert 0 < counts["n_positive"] < 10, "the subgroup must be small"
    small.result["cohort"]["preparation"] = {"options": {"bcc": "benign"}}
    exported = export_bundle(without_small_cells(small, 10), described(small), tmp_path / "tiny")
    test = json.loads((exported.path / "configs" / "metadata.json").read_text())["fairtune"]["test"]
    withheld = test["attributes"]["site"]["subgroups"]["C"]
    assert withheld["n_positive"] == "<10"
    assert withheld["auroc"]["value"] is None
    assert test["attributes"]["site"]["worst_group_auroc"]["value"] is None
    assert test["overall"]["auroc"]["value"] is not None
    for name in ("model_card.html", "model_card.md"):
        card = (exported.path / "docs" / name).read_text(encoding="utf-8")
        assert "suppressed" in card
        assert "options: bcc" in card, "rules are no counts"
        assert "in each split" not in card
        assert "counts below ten" not in card
        assert "was lowered from 20 to 5" in card, "cautions stay"


def test_without_withholding_the_card_warns(small: SearchOutput, tmp_path: Path) -> None:
    exported = export_bundle(small, described(small), tmp_path / "tiny")
    assert "counts below ten" in (exported.path / "docs" / "model_card.md").read_text(encoding="utf-8")


def test_a_minimum_that_withholds_nothing_is_refused(small: SearchOutput) -> None:
    with pytest.raises(ConfigurationError, match=r"suppress_below is 1"):
        without_small_cells(small, 1)
