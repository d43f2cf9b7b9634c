"""No count below the minimum can be read from a shared report, nor be had by subtraction."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monai_fairtune.audit import audit, suppress_small_cells
from monai_fairtune.exceptions import ConfigurationError
from monai_fairtune.metrics import Resampling


def report_of(counts: dict[str, tuple[int, int]], **changes: Any) -> dict[str, Any]:
    """A report over subgroups with the given numbers of negatives and positives; a blank name is missing."""
    site = [name for name, cell in counts.items() for _ in range(sum(cell))]
    label = [value for cell in counts.values() for value in [0] * cell[0] + [1] * cell[1]]
    score = np.random.default_rng(0).random(len(label))
    rows = pd.DataFrame({"site": site, "label": label, "score": score})
    how: dict[str, Any] = {"attributes": "site", "threshold": 0.5, "suppress_below": 10, "resampling": None} | changes
    return audit(rows, label="label", score="score", **how).to_dict()


def shown(report: dict[str, Any]) -> set[str]:
    return {name for name, cell in report["attributes"]["site"]["subgroups"].items() if isinstance(cell["n"], int)}


def test_a_small_subgroup_and_the_next_smallest_are_withheld_with_all_that_would_tell_them() -> None:
    report = report_of({"a": (4, 3), "b": (40, 40), "c": (60, 60), "d": (90, 90)})
    entry = report["attributes"]["site"]
    assert shown(report) == {"c", "d"}
    assert (entry["subgroups"]["a"]["n"], entry["subgroups"]["a"]["n_positive"]) == ("<10", "<10")
    assert entry["subgroups"]["b"]["n"] == "suppressed"
    for name in ("a", "b"):
        values = [value for value in entry["subgroups"][name].values() if isinstance(value, dict)]
        assert values
        assert all(value["value"] is None and "suppressed: fewer than 10" in value["reason"] for value in values)
    for measure in ("worst_group_auroc", "auroc_gap", "equalized_odds_difference", "minimum_detectable_gap"):
        assert entry[measure]["value"] is None
        assert "suppressed" in entry[measure]["reason"]
    assert entry["subgroups"]["c"]["tpr"]["value"] is not None


def test_no_reason_that_is_left_counts_the_few() -> None:
    text = json.dumps(report_of({"a": (40, 3), "b": (40, 40), "c": (60, 60)})["attributes"])
    assert "3 positive" not in text
    assert "40 negative" not in text


@pytest.mark.parametrize(
    ("small", "why"),
    [((5, 4), "images"), ((200, 9), "positives"), ((9, 200), "negatives")],
    ids=["images", "positives", "negatives"],
)
def test_few_images_of_either_class_make_a_subgroup_small(small: tuple[int, int], why: str) -> None:
    assert "a" not in shown(report_of({"a": small, "b": (50, 50), "c": (60, 60)})), why


def test_few_patients_make_a_subgroup_small() -> None:
    counts = {"a": (40, 40), "b": (50, 50), "c": (60, 60)}
    patients = [0] * 80 + list(range(1, 221))
    assert shown(report_of(counts, patient=np.array(patients))) == {"c"}


def test_an_empty_subgroup_and_large_ones_are_shown() -> None:
    report = report_of({"a": (40, 40), "b": (50, 50)})
    assert shown(report) == {"a", "b"}
    assert report["attributes"]["site"]["auroc_gap"]["value"] is not None


def test_the_images_without_a_value_are_a_cell_too() -> None:
    report = report_of({"": (3, 3), "b": (50, 50), "c": (60, 60)})
    entry = report["attributes"]["site"]
    assert (entry["n_missing"], entry["missing"]["n"]) == ("<10", "<10")
    assert report["audit"]["attributes"]["site"]["n_missing"] == "<10"
    assert shown(report) == {"c"}


def test_two_withheld_subgroups_that_hold_few_together_take_a_third_with_them() -> None:
    assert shown(report_of({"a": (1, 1), "b": (2, 2), "c": (60, 60), "d": (90, 90)})) == {"d"}


def test_within_each_value_of_an_intersection_a_second_cell_is_withheld() -> None:
    cells = {("f", "A"): (3, 3), ("f", "B"): (50, 50), ("m", "A"): (60, 60), ("m", "B"): (70, 70)}
    rows = pd.DataFrame(
        [(sex, site, label) for (sex, site), cell in cells.items() for label in (0, 1) for _ in range(cell[label])],
        columns=["sex", "site", "label"],
    )
    rows["score"] = np.linspace(0, 1, len(rows))
    found = audit(
        rows, label="label", score="score", attributes=["sex", "site", "sex*site"], threshold=0.5, suppress_below=10
    ).to_dict()
    both = found["attributes"]["sex*site"]["subgroups"]
    # The totals of f, of m, of A and of B are shown: any single withheld cell in a row or column could be had.
    assert {name for name, cell in both.items() if isinstance(cell["n"], int)} == set()
    assert found["attributes"]["sex"]["subgroups"]["f"]["n"] == 106


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 25), st.integers(0, 25)), min_size=2, max_size=5))
def test_what_is_left_over_after_subtraction_is_never_small(cells: list[tuple[int, int]]) -> None:
    counts = dict(zip("abcde", cells, strict=False))
    totals = [sum(part) for part in zip(*cells, strict=True)]
    if min(totals) < 10 or sum(sum(cell) > 0 for cell in cells) < 2:
        return
    entry = report_of(counts)["attributes"]["site"]
    withheld = [counts[name] for name, cell in entry["subgroups"].items() if not isinstance(cell["n"], int)]
    for name, cell in entry["subgroups"].items():
        if isinstance(cell["n"], int):
            n_negative, n_positive = counts[name]
            assert all(not 0 < count < 10 for count in (cell["n"], n_negative, n_positive))
    if withheld and len([cell for cell in withheld if sum(cell)]) < len([cell for cell in cells if sum(cell)]):
        assert len([cell for cell in withheld if sum(cell)]) >= 2
        for rest in (sum(map(sum, withheld)), *(sum(part) for part in zip(*withheld, strict=True))):
            assert not 0 < rest < 10


def test_curves_and_pairs_are_withheld_too() -> None:
    counts = {"a": (4, 3), "b": (40, 40), "c": (60, 60), "d": (90, 90)}
    report = report_of(counts, resampling=Resampling(n_replicates=100, n_permutations=100), min_per_class=3)
    entry = report["attributes"]["site"]
    assert entry["subgroups"]["a"]["curves"] is None
    assert entry["subgroups"]["d"]["curves"]["roc"]
    for pair in entry["pairs"]:
        is_shown = set(pair["subgroups"]) <= {"c", "d"}
        assert (pair["difference"]["value"] is not None) == is_shown
        assert (pair["p_value"] is not None) == is_shown
    for curves in (report["curves"], entry["subgroups"]["d"]["curves"]):
        for point in curves["calibration"] or []:
            n_positive = point["share_positive"] * point["n"]
            assert min(point["n"], *(count for count in (n_positive, point["n"] - n_positive) if count > 0.5)) >= 9.99


def test_a_curves_only_small_point_takes_another_with_it() -> None:
    report = report_of({"a": (40, 40), "b": (50, 50)}, suppress_below=None)
    for counts, kept in [((6, 40, 60, 74), [60, 74]), ((2, 4, 40, 60, 74), [60, 74]), ((40, 140), [40, 140])]:
        points = [{"n": n, "share_positive": 0.5, "mean_probability": 0.5} for n in counts]
        shown = suppress_small_cells(report | {"curves": {"roc": {}, "calibration": points}}, 10)
        assert [point["n"] for point in shown["curves"]["calibration"]] == kept


def test_the_tidy_table_holds_nothing_that_the_report_withholds() -> None:
    rows = pd.DataFrame({"label": [0, 1] * 100, "score": np.linspace(0, 1, 200), "site": ["a"] * 5 + ["b"] * 195})
    frame = audit(rows, label="label", score="score", attributes="site", threshold=0.5, suppress_below=10).to_frame()
    assert frame[frame["subgroup"] != ""]["value"].isna().all()
    assert set(frame[(frame["subgroup"] == "a") & (frame["metric"] == "n")]["reason"]) == {"<10"}


def test_the_design_is_withheld_before_it_is_printed() -> None:
    seen: list[dict[str, Any]] = []
    report_of({"a": (4, 3), "b": (40, 40), "c": (60, 60)}, on_design=seen.append)
    cells = seen[0]["attributes"]["site"]["subgroups"]
    assert (cells["a"]["n"], cells["b"]["n"], cells["c"]["n"]) == ("<10", "suppressed", 120)


def test_a_report_about_a_few_people_altogether_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="The whole report is about fewer than 10"):
        report_of({"a": (4, 3), "b": (40, 4)})


def test_the_report_that_is_given_is_not_changed() -> None:
    report = report_of({"a": (4, 3), "b": (40, 40), "c": (60, 60)}, suppress_below=None)
    before = json.dumps(report)
    suppress_small_cells(report, 10)
    assert json.dumps(report) == before
