from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from monai_fairtune.exceptions import ConfigurationError
from monai_fairtune.masks import Component, Mask, Partition
from monai_fairtune.search.warm_start import warm_masks
from tests.search.worlds import anchors, partition

SPACE = partition(4)


def finalist(mask: Mask, name: str, learning_rate: float = 1e-4) -> dict[str, Any]:
    return {
        "trial": 3,
        "name": name,
        "mask": mask.to_dict(),
        "hyperparameters": {"learning_rate": learning_rate},
        "value": 0.8,
    }


def write(folder: Path, *finalists: dict[str, Any], search_space: str = "attention") -> Path:
    path = folder / "result.json"
    path.write_text(json.dumps({"study": {"search_space": search_space}, "finalists": list(finalists)}))
    return path


def test_finalists_are_taken_over_best_first(tmp_path: Path) -> None:
    masks = [SPACE.mask(["blocks.1.attention"]), SPACE.all_tuned()]
    path = write(tmp_path, finalist(masks[0], "trial 17", 3e-4), finalist(masks[1], "attention", 1e-4))
    found = warm_masks(path, SPACE)
    assert [(one.mask, one.learning_rate) for one in found] == [(masks[0], 3e-4), (masks[1], 1e-4)]
    assert found[0].name == "warm start: trial 17"


def test_anchors_outside_the_space_are_left_to_this_search(tmp_path: Path) -> None:
    full = anchors(SPACE)["full"]
    path = write(tmp_path, finalist(full, "full"), finalist(SPACE.head_only(), "head only"))
    assert [one.mask for one in warm_masks(path, SPACE)] == [SPACE.head_only()]


@pytest.mark.parametrize(
    ("other", "fact"),
    [
        (Partition("attention", "another", SPACE.components), "mask's network is 'another' where 'toy' is expected"),
        (partition(5), "differ in 1 components, such as .'blocks.4.attention'."),
    ],
)
def test_a_result_of_another_network_is_refused(tmp_path: Path, other: Partition, fact: str) -> None:
    path = write(tmp_path, finalist(other.all_tuned(), "trial 1"))
    with pytest.raises(ConfigurationError, match=rf"result.json does not fit this search. .*{fact}"):
        warm_masks(path, SPACE)


def test_a_result_of_another_space_is_refused(tmp_path: Path) -> None:
    block = Partition("block", "toy", (Component("all", ("a",), 1, "searchable"),))
    path = write(tmp_path, finalist(block.all_tuned(), "trial 1"), search_space="block")
    with pytest.raises(ConfigurationError, match="is of a search over 'block' and this one is over 'attention'"):
        warm_masks(path, SPACE)


def test_a_learning_rate_outside_this_search_is_refused_where_a_range_is_given(tmp_path: Path) -> None:
    path = write(tmp_path, finalist(SPACE.all_tuned(), "trial 1", 1e-2))
    assert len(warm_masks(path, SPACE)) == 1
    assert len(warm_masks(path, SPACE, (1e-4, 1e-2))) == 1
    with pytest.raises(ConfigurationError, match=r"learning rate 0.01, outside 1e-05 to 0.001. Widen learning_rates"):
        warm_masks(path, SPACE, (1e-5, 1e-3))


@pytest.mark.parametrize(
    "content",
    [
        [],
        {},
        {"study": {"search_space": "attention"}},
        {"study": {"search_space": "attention"}, "finalists": []},
        {"study": {"search_space": "attention"}, "finalists": [{"name": "trial 1"}]},
        {"study": {}, "finalists": [finalist(SPACE.all_tuned(), "trial 1")]},
        {"study": {"search_space": "attention"}, "finalists": [{**finalist(SPACE.all_tuned(), "a"), "mask": {}}]},
        {
            "study": {"search_space": "attention"},
            "finalists": [{**finalist(SPACE.all_tuned(), "a"), "hyperparameters": {}}],
        },
        SPACE.all_tuned().to_dict(),
    ],
)
def test_a_file_that_is_no_result_is_refused(tmp_path: Path, content: object) -> None:
    path = tmp_path / "mask.json"
    path.write_text(json.dumps(content))
    with pytest.raises(ConfigurationError, match=r"'mask.json' is not a search's result.* Give the result.json"):
        warm_masks(path, SPACE)


def test_a_file_that_is_missing_or_no_json_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"cannot be read \(FileNotFoundError\)"):
        warm_masks(tmp_path / "result.json", SPACE)
    path = tmp_path / "result.json"
    path.write_text("{")
    with pytest.raises(ConfigurationError, match=r"cannot be read \(JSONDecodeError\)"):
        warm_masks(path, SPACE)


def test_nothing_but_masks_learning_rates_and_names_is_taken_over(tmp_path: Path) -> None:
    path = write(tmp_path, {**finalist(SPACE.all_tuned(), "trial 1"), "patients": ["p1"]})
    assert set(vars(warm_masks(path, SPACE)[0])) == {"mask", "learning_rate", "name"}
