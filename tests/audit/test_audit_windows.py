"""An audit over time gives each window the numbers of an audit of its rows, and alarms by its rule."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from monai_fairtune.audit import OverTime, audit, windows_text
from monai_fairtune.exceptions import ConfigurationError, PredictionsError
from monai_fairtune.metrics import Resampling
from tests.audit.tables import HOW
from tests.audit.timed_tables import run, timed


def alarms(report: dict[str, Any], family: str) -> set[tuple[str, str | None]]:
    return {(alarm["window"], alarm["subgroup"]) for alarm in report["alarms"] if alarm["family"] == family}


def test_each_window_has_the_numbers_of_an_audit_of_its_rows() -> None:
    rows = timed(3)
    resampling = Resampling(n_replicates=100, n_permutations=100)
    found = run(rows, resampling=resampling)["windows"]["each"][1]
    alone = audit(rows[rows["time"].str.startswith("2026-02")], **(HOW | {"resampling": resampling})).to_dict()
    assert (found["name"], found["n"], found["overall"]) == ("2026-02", alone["n"], alone["overall"])
    cells = (part["attributes"]["sex"]["subgroups"]["male"] for part in (found, alone))
    assert len({repr(cell["auroc"]) for cell in cells}) == 1


def test_the_whole_is_assessed_as_without_windows() -> None:
    rows = timed(3)
    with_windows, without = run(rows), audit(rows, **HOW).to_dict()
    assert {key: with_windows[key] for key in ("n", "overall", "attributes")} == {
        key: without[key] for key in ("n", "overall", "attributes")
    }


@pytest.mark.parametrize(
    ("window", "names"),
    [
        ("month", ["2026-01", "2026-02", "2026-03", "2026-04"]),
        ("quarter", ["2026-Q1", "2026-Q2"]),
        (50, ["2025-12-01", "2026-01-20", "2026-03-11"]),
    ],
)
def test_windows_follow_each_other_and_those_without_an_image_are_there(window: str | int, names: list[str]) -> None:
    rows = timed(4).assign(time=lambda t: t["time"].where(t["time"] != t["time"].min(), "2026-01-01"))
    rows = rows[~rows["time"].str.startswith("2026-03")]
    each = run(rows, window=window)["windows"]["each"]
    assert [part["name"] for part in each] == names
    assert sum(part["n"] for part in each) == len(rows)
    assert all(before["end"] == after["start"] for before, after in pairwise(each))


def test_a_subgroup_that_is_ranked_by_chance_raises_an_alarm_and_an_unchanged_one_does_not() -> None:
    assert alarms(run(timed()), "performance") == set()
    found = alarms(run(timed(fall_from=3)), "performance")
    assert {(f"2026-{month:02d}", "male") for month in (4, 5, 6)} <= found
    assert "female" not in {subgroup for _, subgroup in found}


def test_a_rise_of_the_auroc_raises_no_alarm() -> None:
    rows = timed(3, fall_from=1).assign(time=lambda t: t["time"].str.replace("2026-01", "2026-04"))
    report = run(rows)
    auroc = [part["attributes"]["sex"]["subgroups"]["male"]["auroc"]["value"] for part in report["windows"]["each"]]
    assert auroc[2] - auroc[0] > 0.2
    assert alarms(report, "performance") == set()


def test_a_case_mix_that_moves_raises_an_alarm_of_its_family_alone() -> None:
    rows = pd.concat([timed(3), timed(3, women=0.2).assign(time=lambda t: t["time"].str.replace("-0", "-1"))])
    rows["image"] = range(len(rows))
    report = run(rows[~rows["time"].str.startswith("2026-13")])
    moved = {alarm["measure"] for alarm in report["alarms"] if alarm["subgroup"] == "female"}
    assert "share" in moved
    assert alarms(report, "performance") == set()


def test_an_alarm_stays_when_later_windows_come() -> None:
    rows = timed(6, fall_from=3)
    early = run(rows[rows["time"] < "2026-05"])["alarms"]
    assert early
    assert [alarm for alarm in run(rows)["alarms"] if alarm["window"] < "2026-05"] == early


def test_images_without_a_label_count_in_the_case_mix_and_not_in_the_performance() -> None:
    rows = timed(3).assign(label=lambda t: t["label"].astype(object).where(t["time"] < "2026-03", ""))
    last = run(rows, drop_missing=True)["windows"]["each"][-1]
    assert (last["n"], last["n_without_label"], last["case_mix"]["n"]) == (0, 400, 400)
    tests = {(test["measure"], test["subgroup"]): test for test in last["tests"] if test["attribute"] in (None, "sex")}
    assert tests["auroc", "male"]["reason"].startswith("The window holds 0 positives")
    assert tests["score", "male"]["value"] == pytest.approx(0.5, abs=0.1)


def test_subgroups_that_are_merged_are_merged_in_every_window_and_where_no_label_is_known() -> None:
    rows = timed(2).assign(scanner="A", label=lambda t: t["label"].astype(object).where(t.index % 50 != 0, ""))
    rows.loc[rows.index % 40 == 0, "scanner"] = "B"
    rows.loc[rows.index % 40 == 20, "scanner"] = "C"
    report = run(rows, attributes="scanner", merge_small=True, drop_missing=True, min_per_class=15)
    for part in report["windows"]["each"]:
        assert list(part["attributes"]["scanner"]["subgroups"]) == ["A", "other"]
        assert part["case_mix"]["attributes"]["scanner"]["other"]["share"] == pytest.approx(0.05)


def test_an_audit_of_the_first_window_as_the_reference_gives_the_tests_of_that_window(tmp_path: Path) -> None:
    rows = timed(3, fall_from=2)
    is_first = rows["time"].str.startswith("2026-01")
    audit(rows[is_first], **HOW).write(tmp_path)
    kept = run(rows[~is_first], reference=tmp_path / "report.json", threshold=None)
    by_window = run(rows)
    found, expected = (
        [test[key] for part in each for test in part["tests"] for key in ("value", "reference", "z")]
        for each in (kept["windows"]["each"], by_window["windows"]["each"][1:])
    )
    assert found == pytest.approx(expected)
    assert kept["threshold"]["value"] == 0.5


def test_a_window_too_small_for_a_subgroup_has_a_reason_and_no_number() -> None:
    rows = timed(3)
    few = rows[rows["time"].str.startswith("2026-03") & (rows["sex"] == "male")].index[8:]
    last = run(rows.drop(few))["windows"]["each"][-1]
    assert last["attributes"]["sex"]["subgroups"]["male"]["auroc"]["value"] is None
    assert next(t for t in last["tests"] if (t["measure"], t["subgroup"]) == ("auroc", "male"))["value"] is None


def numbers_of(entry: object) -> set[int]:
    if isinstance(entry, dict):
        return set().union(*map(numbers_of, entry.values()))
    return {entry} if isinstance(entry, int) and not isinstance(entry, bool) else set()


def test_a_subgroup_that_is_small_in_one_window_is_withheld_in_all_and_in_its_tests() -> None:
    rows = timed(3)
    few = rows[rows["time"].str.startswith("2026-02") & (rows["sex"] == "male")].index[4:]
    report = run(rows.drop(few), suppress_below=10)
    for part in (report, *report["windows"]["each"]):
        assert {cell["n"] for cell in part["attributes"]["sex"]["subgroups"].values()} <= {"<10", "suppressed"}
        assert isinstance(part["attributes"]["age:60"]["subgroups"]["[0,60)"]["n"], int)
    tests = [test for part in report["windows"]["each"] for test in part["tests"] if test["attribute"] == "sex"]
    assert tests
    assert all(test["value"] is None and "z" not in test for test in tests)
    assert all("sex" not in part["case_mix"]["attributes"] for part in report["windows"]["each"])
    assert not {4} & numbers_of(report["windows"]["each"][1])


def test_with_suppression_a_case_mix_that_tells_how_many_labels_are_missing_is_withheld() -> None:
    rows = timed(2).assign(label=lambda t: t["label"].astype(object).where(t.index % 100 != 0, ""))
    last = run(rows, suppress_below=10, drop_missing=True)["windows"]["each"][-1]
    assert (last["n_without_label"], last["case_mix"]) == ("suppressed", None)


def test_the_text_names_every_window_and_tells_the_alarms_of_the_last() -> None:
    report = run(timed(fall_from=3))
    text = windows_text(report)
    n_last = sum(alarm["window"] == "2026-06" for alarm in report["alarms"])
    assert all(part["name"] in text for part in report["windows"]["each"])
    assert "2026-06: the AUROC of male (sex) is" in text
    assert "2026-05: the AUROC" not in text
    assert f"{n_last} alarms in the last window, {len(report['alarms']) - n_last} before:" in text


def test_what_cannot_be_laid_out_in_time_is_refused(tmp_path: Path) -> None:
    rows = timed(2)
    with pytest.raises(PredictionsError, match=r"800 of 800 rows have no time .* 0 are blank, 800 are no dates"):
        run(rows.assign(time="31.05.2026"))
    with pytest.raises(ConfigurationError, match="The table spans 2 windows, and the reference takes 2"):
        run(rows, reference=2)
    with pytest.raises(ConfigurationError, match="at most 120 are told apart"):
        run(rows.assign(time=lambda t: t["time"].where(t.index > 0, "1999-01-01")))
    for window in ("year", 0, 200_000):
        with pytest.raises(ConfigurationError, match=f"The window is {window!r}"):
            OverTime("time", window)
    with pytest.raises(ConfigurationError, match="The reference is 0 windows"):
        OverTime("time", reference=0)
    audit(rows, **(HOW | {"attributes": "sex"})).write(tmp_path)
    with pytest.raises(PredictionsError, match=r"\['age:60'\] is to be watched"):
        run(rows, reference=tmp_path)
    with pytest.raises(ConfigurationError, match="1 windows hold fewer than 10 images"):
        run(rows[:405], suppress_below=10)
    with pytest.raises(ConfigurationError, match="watches one finding, and there are 2 classes"):
        audit(
            rows.assign(label=rows["sex"], score_female=rows["score"], score_male=1 - rows["score"]),
            **(HOW | {"score": ["score_female", "score_male"], "attributes": "age:60"}),
            over_time=OverTime("time"),
        )
