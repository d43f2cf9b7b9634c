"""What an audit over time said stays, whatever subgroups and images come later."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd
import pytest

from monai_fairtune.audit import OverTime, audit, windows_text
from tests.audit.tables import HOW
from tests.audit.timed_tables import RULE, run, timed


def told(report: dict[str, Any], last: str) -> dict[tuple[str, ...], Any]:
    """Returns all numbers of the windows up to one, and what was an alarm."""
    return {
        (window["name"], test["measure"], test["attribute"], test["subgroup"]): {
            key: test[key] for key in ("value", "z", "z_limit", "cusum", "cusum_limit", "alarm")
        }
        for window in report["windows"]["each"]
        for test in window["tests"]
        if window["name"] <= last and test["value"] is not None
    }


@pytest.mark.parametrize("sex", ["other", "a first name", ""])
def test_a_subgroup_or_a_missing_value_that_comes_later_changes_no_earlier_number(sex: str) -> None:
    rows = timed(4, fall_from=3)
    later = rows.copy()
    later.loc[later.index[later["time"] >= "2026-04"][:60], "sex"] = sex
    early = told(run(rows[rows["time"] < "2026-04"]), "2026-03")
    assert early
    assert told(run(later), "2026-03") == early


def test_a_share_is_watched_from_the_first_window_that_has_an_image_of_it() -> None:
    rows = timed(4)
    rows.loc[rows.index[(rows["time"] >= "2026-03") & (rows["time"] < "2026-04")][:60], "sex"] = "other"
    each = run(rows)["windows"]["each"]
    shares = [
        next(test for test in window["tests"] if (test["measure"], test["subgroup"]) == ("share", "other"))
        for window in each[1:]
    ]
    assert [share["value"] for share in shares] == [None, 60 / 400, 0.0]
    assert shares[0]["reason"] == "No image is of it so far."
    assert shares[1]["alarm"] == "sudden"


def test_of_the_two_subgroups_of_the_reference_one_share_is_watched() -> None:
    shares = [
        (test["attribute"], test["subgroup"])
        for test in run(timed(2))["windows"]["each"][1]["tests"]
        if test["measure"] == "share"
    ]
    assert shares == [("sex", "female"), ("age:60", "[0,60)")]


def test_an_earlier_image_that_comes_late_moves_no_window_of_days() -> None:
    rows = timed(2)
    late = rows[:1].assign(time="2025-11-30", image=-1, patient_id="P")
    names = [
        [window["name"] for window in run(table, window=14)["windows"]["each"]]
        for table in (rows, pd.concat([rows, late]))
    ]
    assert names[0] == names[1][-len(names[0]) :]


def test_windows_of_seven_days_start_on_mondays() -> None:
    each = run(timed(2), window=7)["windows"]["each"]
    assert {date.fromisoformat(window["start"]).weekday() for window in each} == {0}


def test_windows_that_are_over_are_there_without_an_image() -> None:
    over_time = OverTime("time", rule=RULE, until=date(2026, 5, 20))
    report = audit(timed(2, fall_from=1), **HOW, over_time=over_time).to_dict()
    assert [window["name"] for window in report["windows"]["each"]] == ["2026-01", "2026-02", "2026-03", "2026-04"]
    assert {alarm["window"] for alarm in report["alarms"]} == {"2026-02"}
    assert windows_text(report).endswith("before. The last window holds no image.")
