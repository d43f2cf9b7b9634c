"""Screened masks enter the study after the anchors, whoever screened them and when."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from monai_fairtune.exceptions import ConfigurationError, SearchInterruptedError
from monai_fairtune.masks import Mask
from monai_fairtune.predictions import Predictions
from monai_fairtune.search import SearchSettings
from monai_fairtune.testing.function_tuner import FunctionTuner
from monai_fairtune.tuning import TunedModel
from tests.search import worlds

SETTINGS = replace(worlds.SETTINGS, screening=True, n_screened=64, n_screened_trials=3)


class PlainTuner:
    """A tuner without ``blend``."""

    def __init__(self) -> None:
        whole = FunctionTuner(worlds.world(worlds.planted))
        self.tune, self.predict, self.save, self.load = whole.tune, whole.predict, whole.save, whole.load


def search(folder: Path, settings: SearchSettings = SETTINGS, **changes: Any) -> dict[str, Any]:
    """Searches; the anchor that tunes all of the space is left out."""
    anchors = {name: mask for name, mask in worlds.anchors(worlds.partition()).items() if name != "attention"}
    return worlds.search(folder, settings, **{"anchors": anchors, **changes})


def test_the_best_screened_masks_are_the_first_trials_after_the_anchors(tmp_path: Path) -> None:
    trials = search(tmp_path)["trials"]
    names = [trial["name"] for trial in trials]
    assert names[:7] == ["head only", "full", "norm", "all components", *["screening"] * 3]
    values = [trial["value"] for trial in trials]
    assert min(values[4:7]) > max(values[:4])


def test_an_anchor_that_tunes_the_whole_space_is_not_trained_twice(tmp_path: Path) -> None:
    trials = search(tmp_path, anchors=worlds.anchors(worlds.partition()))["trials"]
    assert [trial["name"] for trial in trials[:5]] == ["head only", "full", "norm", "attention", "screening"]


def test_screened_masks_are_trained_once_and_with_the_anchors_learning_rate(tmp_path: Path) -> None:
    trials = search(tmp_path)["trials"]
    screened = [trial for trial in trials if trial["name"] == "screening" and trial["kind"] == "search"]
    assert {trial["learning_rate"] for trial in screened} == {SETTINGS.fixed_learning_rate}
    firsts = [trial["mask_key"] for trial in trials if trial["kind"] == "search"]
    assert len(firsts) == len(set(firsts))


def test_a_search_that_was_interrupted_after_screening_ends_as_one_that_was_not(tmp_path: Path) -> None:
    whole = search(tmp_path / "whole")
    search(tmp_path / "parts", replace(SETTINGS, n_trials=5))
    parts = search(tmp_path / "parts")
    assert [(t["mask_key"], t["value"]) for t in parts["trials"]] == [
        (t["mask_key"], t["value"]) for t in whole["trials"]
    ]


def test_a_tuner_that_cannot_blend_is_refused_with_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"PlainTuner has no method 'blend'.*leave screening out"):
        search(tmp_path, tuner=PlainTuner())


def test_the_result_tells_what_screening_expected_and_what_came_of_it(tmp_path: Path) -> None:
    result = search(tmp_path)
    found = result["screening"]
    assert found["n_screened"] == 64
    assert [one["trial"] for one in found["trials"]][:3] == [4, 5, 6]
    assert all(one["trained"] == result["trials"][one["trial"]]["value"] for one in found["trials"])
    assert found["screened_with"] == "all components"
    assert search(tmp_path / "off", replace(SETTINGS, screening=False))["screening"] is None


def test_a_search_that_is_asked_to_stop_while_it_screens_ends_after_the_round(tmp_path: Path) -> None:
    rounds = []

    class Stopped(FunctionTuner):
        def blend(self, model: TunedModel, masks: Sequence[Mask]) -> Sequence[Predictions]:
            rounds.append(len(masks))
            os.kill(os.getpid(), signal.SIGUSR1)
            return super().blend(model, masks)

    with pytest.raises(SearchInterruptedError):
        search(tmp_path, replace(SETTINGS, n_screened=16), tuner=Stopped(worlds.world(worlds.planted)))
    assert rounds == [8]
    assert search(tmp_path, replace(SETTINGS, n_screened=16))["screening"]["n_screened"] == 16
