"""The page and the command tell of an audit over time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from monai_fairtune.audit import OverTime, audit
from monai_fairtune.cli import main
from monai_fairtune.metrics import Surveillance
from tests.audit.tables import HOW
from tests.audit.timed_tables import RULE, timed
from tests.report.browser import measure, require_chromium


def write(folder: Path, **changes: Any) -> str:
    rows = changes.pop("rows", None)
    found = audit(
        timed(4, fall_from=2) if rows is None else rows, **(HOW | changes), over_time=OverTime("time", rule=RULE)
    )
    return found.write(folder).read_text()


def test_the_page_tells_each_quantity_with_an_alarm_once_and_the_rule(tmp_path: Path) -> None:
    page = write(tmp_path)
    assert "the images were looked at month by month, 4 times" in page
    told = page[page.index("In plain words</h2>") : page.index("What cannot be concluded from this")]
    assert told.count("the AUROC of male (sex) is") == 1
    assert "2 alarms, the first in 2026-03." in told
    assert "that of any alarm of a family is at most 5.0 % in 12 windows in a row" in page


def test_a_sum_that_has_no_limit_yet_is_told_without_one(tmp_path: Path) -> None:
    over_time = OverTime("time", rule=Surveillance(alpha=0.01, n_draws=1000))
    found = audit(timed(2, fall_from=1), **HOW, over_time=over_time)
    page = found.write(tmp_path).read_text()
    stored = json.loads((tmp_path / "report.json").read_text())
    assert {alarm["cusum_limit"] for alarm in stored["alarms"]} == {None}
    assert "the AUROC of male (sex) is" in page
    assert "inf<" not in page


def test_each_attribute_has_its_plots_over_time_and_they_name_their_subgroups(tmp_path: Path) -> None:
    write(tmp_path)
    for k, names in ((1, ("female", "male")), (2, ("age &lt; 60", "age ≥ 60"))):
        for kind in ("auroc", "share", "score"):
            plot = (tmp_path / "plots" / f"windows_{kind}_{k}.svg").read_text()
            assert all(name in plot for name in names)
            assert "2026-01" in plot


def test_a_page_without_windows_says_nothing_of_them(tmp_path: Path) -> None:
    page = audit(timed(2), **HOW).write(tmp_path).read_text()
    assert "Over time" not in page
    assert "windows in a row" not in page


def test_where_nothing_changed_the_page_says_that_no_alarm_was_raised(tmp_path: Path) -> None:
    assert "No alarm was raised." in write(tmp_path, rows=timed(3))


def test_a_withheld_subgroup_is_withheld_in_the_plots_and_alarms_over_time(tmp_path: Path) -> None:
    rows = timed(4, fall_from=2)
    few = rows[rows["time"].str.startswith("2026-04") & (rows["sex"] == "male")].index[4:]
    page = write(tmp_path, rows=rows.drop(few), suppress_below=10)
    assert "the AUROC of male (sex) has changed; the numbers are withheld." in page
    assert "suppressed" in (tmp_path / "plots" / "windows_auroc_1.svg").read_text()


def test_names_of_subgroups_cannot_become_markup(tmp_path: Path) -> None:
    page = write(tmp_path, rows=timed(4, fall_from=2).replace({"sex": {"male": "<script>alert(1)</script>"}}))
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; (sex) is" in page


@pytest.mark.browser
def test_the_page_over_time_is_no_wider_than_a_phone_and_its_marks_are_drawn(tmp_path: Path) -> None:
    require_chromium()
    write(tmp_path)
    script = "return [root.scrollWidth - root.clientWidth, shown('figure[id^=figure-windows] svg').length];"
    found, log = measure(tmp_path, script, width=390)
    assert found == [0, 6]
    assert "CONSOLE" not in log


@pytest.mark.parametrize(("fall_from", "code"), [(2, 1), (99, 0)])
def test_the_command_prints_alarms_and_fails_on_one_of_the_last_window_only_if_asked(
    tmp_path: Path, fall_from: int, code: int
) -> None:
    timed(3, fall_from=fall_from).to_csv(tmp_path / "t.csv", index=False)
    how = "--label label --score score --attribute sex --patient patient_id --threshold 0.5 --replicates 0 --time time"
    asked = [sys.executable, "-m", "monai_fairtune", "audit", str(tmp_path / "t.csv"), *how.split(), "--output-dir"]
    plain = subprocess.run([*asked, str(tmp_path / "a")], capture_output=True, text=True, check=False)
    assert plain.returncode == 0, plain.stderr
    assert ("the AUROC of male (sex) is" in plain.stdout) == bool(code)
    strict = [*asked, str(tmp_path / "b"), "--json", "--fail-on-alarm"]
    failed = subprocess.run(strict, capture_output=True, text=True, check=False)
    assert failed.returncode == code
    assert bool(json.loads(failed.stdout)["alarms"]) == bool(code)


@pytest.mark.parametrize(
    "given", [["--fail-on-alarm"], ["--window", "month"], ["--reference", "1"], ["--alpha", "0.1"], ["--horizon", "6"]]
)
def test_an_option_about_windows_without_a_column_of_times_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], given: list[str]
) -> None:
    timed(1).to_csv(tmp_path / "t.csv", index=False)
    how = "--label label --score score --attribute sex --threshold 0.5 --replicates 0 --output-dir"
    assert main(["audit", str(tmp_path / "t.csv"), *how.split(), str(tmp_path / "out"), *given]) == 2
    assert f"{given[0]} are about windows, and no column of times is named" in capsys.readouterr().err


def test_options_about_windows_reach_the_audit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    timed(3).to_csv(tmp_path / "t.csv", index=False)
    how = "--label label --score score --attribute sex --threshold 0.5 --replicates 0 --time time"
    how += " --window 40 --reference 2 --alpha 0.1 --horizon 6 --json --output-dir"
    assert main(["audit", str(tmp_path / "t.csv"), *how.split(), str(tmp_path / "out")]) == 0
    windows = json.loads(capsys.readouterr().out)["windows"]
    assert (windows["window"], len(windows["reference"]["windows"])) == ("40", 2)
    assert (windows["rule"]["alpha"], windows["rule"]["horizon"]) == (0.1, 6)
