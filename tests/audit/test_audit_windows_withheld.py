"""No count of images without a label can be read from a report over time that withholds small cells."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from tests.audit.timed_tables import run, timed


def without_labels(rows: pd.DataFrame, every: int) -> pd.DataFrame:
    return rows.assign(label=rows["label"].astype(object).where(rows.index % every != 0, ""))


def judgements_of(report: dict[str, Any]) -> list[dict[str, Any]]:
    return [*(test for window in report["windows"]["each"] for test in window["tests"]), *report["alarms"]]


@pytest.fixture(scope="module")
def shown() -> dict[str, Any]:
    """Three of the 400 images of each month have no label, and the shares move."""
    rows = without_labels(pd.concat([timed(1), timed(3, women=0.2)[400:]]).reset_index(drop=True), 134)
    return run(rows, suppress_below=10, drop_missing=True)


def test_shares_and_scores_of_all_images_do_not_stand_beside_counts_of_the_labelled_ones(shown: dict[str, Any]) -> None:
    assert shown["alarms"]
    for test in judgements_of(shown):
        if test["measure"] in ("share", "score"):
            assert set(test) <= {"window", "family", "measure", "attribute", "subgroup", "value", "reason", "alarm"} | {
                "suppressed"
            }
            assert (test["value"], test["reason"]) == (None, "suppressed")


def test_what_is_taken_of_labelled_images_alone_is_shown(shown: dict[str, Any]) -> None:
    kept = [test for test in judgements_of(shown) if test["measure"] in ("auroc", "prevalence")]
    assert kept
    assert all(test["value"] is not None for test in kept)


def test_the_reference_is_counted_as_its_windows_are(shown: dict[str, Any]) -> None:
    assert (shown["windows"]["reference"]["n"], shown["windows"]["each"][0]["n"]) == (397, 397)


def test_a_window_of_a_few_images_without_a_label_tells_no_number_of_them() -> None:
    rows = pd.concat([timed(2), timed(3)[800:803].assign(label="")]).astype({"label": object})
    last = run(rows, suppress_below=10, drop_missing=True)["windows"]["each"][-1]
    assert (last["n"], last["n_without_label"], last["case_mix"]) == (0, "suppressed", None)
    assert {test["reason"] for test in last["tests"] if test["measure"] in ("share", "score")} == {"suppressed"}


def test_neither_the_notes_nor_the_source_tell_how_many_rows_were_left_out(shown: dict[str, Any]) -> None:
    entry = shown["audit"]
    assert (entry["source"]["n_rows"], entry["source"]["n_refused"]) == ("suppressed", "suppressed")
    assert "Some rows have no label or no score. They were left out." in entry["notes"]
    assert not any("without a label" in note for note in entry["notes"])


def test_where_every_image_has_a_label_shares_are_shown() -> None:
    report = run(timed(2), suppress_below=10)
    assert all(test["value"] is not None for test in judgements_of(report) if test["measure"] == "share")


def test_the_limits_of_a_withheld_subgroup_tell_nothing_of_its_size() -> None:
    rows = timed(2)
    few = rows[rows["time"].str.startswith("2026-02") & (rows["sex"] == "male")].index[4:]
    tests = [test for test in judgements_of(run(rows.drop(few), suppress_below=10)) if test["attribute"] == "sex"]
    assert tests
    assert all(not {"z_limit", "cusum_limit"} & set(test) for test in tests)
