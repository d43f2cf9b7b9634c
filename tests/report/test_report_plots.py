"""Plots: what they draw, and that everybody can see it."""

from __future__ import annotations

from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from monai_fairtune.report.components import component_place, frequencies, good_trials
from monai_fairtune.report.figures import plots
from monai_fairtune.report.plots_labels import looks
from monai_fairtune.report.plots_layout import auroc_limits, keep_apart
from monai_fairtune.report.plots_style import ACCENT, INK, MUTED, PALETTE, subgroup_style
from monai_fairtune.report.reading import Reading
from monai_fairtune.testing.example_result import example_result

Result = dict[str, Any]

# Machado, Oliveira, Fernandes 2009, severity 1.0, on linear RGB.
VISIONS = {
    "usual": np.eye(3),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
}
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


def linear(colour: str) -> NDArray[np.float64]:
    channels = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def contrast_with_white(colour: str) -> float:
    return 1.05 / (float(TO_XYZ[1] @ linear(colour)) + 0.05)


def lab(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    xyz = TO_XYZ @ np.clip(rgb, 0, 1) / np.array([0.95047, 1, 1.08883])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("vision", list(VISIONS))
def test_subgroup_colours_stay_apart_in_every_colour_vision(vision: str) -> None:
    seen = [lab(VISIONS[vision] @ linear(colour)) for colour in PALETTE]
    assert min(float(np.linalg.norm(a - b)) for a, b in combinations(seen, 2)) > 18


def test_marks_contrast_three_to_one_and_text_four_and_a_half_to_one() -> None:
    assert all(contrast_with_white(colour) >= 3 for colour in PALETTE)
    assert all(contrast_with_white(colour) >= 4.5 for colour in (INK, MUTED, ACCENT))


def test_no_two_of_twenty_subgroups_look_the_same() -> None:
    assert len({subgroup_style(position) for position in range(20)}) == 20


@given(
    st.lists(st.floats(0, 1), max_size=12),
    st.floats(0.01, 0.3),
)
def test_labels_keep_their_order_their_distance_and_stay_inside(positions: list[float], least: float) -> None:
    placed = keep_apart(positions, least, 0.0, 1.0)
    assert all(-1e-6 <= place <= 1 + 1e-6 for place in placed)
    order = sorted(range(len(positions)), key=lambda k: positions[k])
    room = 1 / max(1, len(positions) - 1)
    for a, b in pairwise(order):
        assert placed[b] - placed[a] >= min(least, room) - 1e-6


def test_labels_that_do_not_collide_stay_where_they_are() -> None:
    assert keep_apart([0.2, 0.9, 0.5], 0.1, 0, 1) == [0.2, 0.9, 0.5]


def test_limits_hold_all_values() -> None:
    low, high = auroc_limits([0.5, 1.0])
    assert low < 0.5
    assert high >= 1.0


def test_good_trials_are_the_top_quarter_of_complete_feasible_searched_ones(result: Result) -> None:
    able = [t for t in result["trials"] if t["kind"] == "search" and t["state"] == "complete" and t["feasible"]]
    chosen = good_trials(Reading(result))
    assert len(chosen) == -(-len(able) // 4)
    assert [t["value"] for t in chosen] == sorted((t["value"] for t in able), reverse=True)[: len(chosen)]
    result["objective_direction"] = "minimize"
    assert good_trials(Reading(result))[0]["value"] == min(t["value"] for t in able)


def test_frequencies_count_the_trials_that_tune_a_component(result: Result) -> None:
    names = list(result["mask"]["components"])
    trials = [{"components": {name: k < tuned for k, name in enumerate(names)}} for tuned in (1, 2, 2, 3)]
    shares = [item.share for item in frequencies(Reading(result), trials)]
    assert shares[:4] == [1.0, 0.75, 0.25, 0.0]


def test_a_mask_of_another_partition_is_not_marked(result: Result) -> None:
    result["mask"]["components"] = {"bias": True}
    found = frequencies(Reading(result), good_trials(Reading(result)))
    assert {item.tuned for item in found} == {None}


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("blocks.11.attention.qkv.weight", ("11", "attention.qkv.weight")),
        ("layer3.5", ("3.5", "")),
        ("head", ("", "head")),
        ("1.2", ("", "1.2")),
    ],
)
def test_a_component_is_placed_in_its_block(name: str, place: tuple[str, str]) -> None:
    assert component_place(name) == place


def test_a_subgroup_looks_the_same_in_every_plot(result: Result) -> None:
    first, second = looks(Reading(result), "age:60"), looks(Reading(result), "age:60")
    assert first == second
    assert [look.label for look in first] == ["age < 60", "age ≥ 60"]


def test_alt_texts_tell_the_values(result: Result) -> None:
    told = {plot.key: plot.alt for plot in plots(Reading(result))}
    worst = result["test"]["attributes"]["age:60"]["worst_group_auroc"]["value"]
    assert f"age ≥ 60 {worst:.3f}" in told["subgroup_auroc"]
    assert "final model (found mask), age < 60: train ends at" in told["curves"]
    assert "improved last at trial" in told["search"]


def test_one_epoch_one_trial_and_one_value_are_drawn_too(result: Result, tmp_path: Any) -> None:
    from monai_fairtune.report.figures import draw_plots

    small = example_result(n_trials=6, n_epochs=1)
    for trial in small["trials"]:
        trial["value"] = 0.8 if trial["value"] is not None else None
    assert {"curves", "search", "trained_share"} <= draw_plots(Reading(small), tmp_path).keys()
