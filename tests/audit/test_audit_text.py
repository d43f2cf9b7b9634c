"""What terminals, notebooks and spreadsheets are shown of a report."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from monai_fairtune.audit import Audit, audit, design_text, result_text
from monai_fairtune.metrics import Resampling
from tests.audit.tables import table


@pytest.fixture(scope="module")
def found() -> Audit:
    """An audit with intervals, an undefined subgroup and a missing stratum."""
    rows = table()
    rows.loc[:3, "sex"] = "intersex"
    return audit(
        rows,
        label="label",
        score="score",
        attributes=["sex", "age:60"],
        patient="patient_id",
        threshold=0.5,
        resampling=Resampling(n_replicates=200, n_permutations=200),
    )


def by_place(found: Audit) -> dict[tuple[str, str, str], Any]:
    rows = found.to_frame().to_dict("records")
    return {(row["attribute"], row["subgroup"], row["metric"]): row for row in rows}


def test_every_number_of_the_report_is_in_the_tidy_table_once(found: Audit) -> None:
    frame = found.to_frame()
    assert not frame.duplicated(["attribute", "subgroup", "metric"]).any()
    index = by_place(found)
    report = found.to_dict()
    n_values = 0
    for attribute, entry in report["attributes"].items():
        for name, cell in [*entry["subgroups"].items(), ("(missing)", entry["missing"] or {})]:
            for metric, value in cell.items():
                if isinstance(value, dict) and "value" in value:
                    row = index[attribute, name, metric]
                    shown = None if np.isnan(row["value"]) else row["value"]
                    assert (shown, row["reason"]) == (value["value"], value.get("reason", ""))
                    n_values += 1
    assert n_values > 100
    gap = index["age:60", "", "auroc_gap"]
    assert (gap["low"], gap["high"]) == tuple(
        report["attributes"]["age:60"]["auroc_gap"][key] for key in ("low", "high")
    )
    p_value = index["age:60", "", "auroc_gap_p_value"]["value"]
    assert p_value == report["attributes"]["age:60"]["auroc_gap"]["p_value"]


def test_each_pair_is_in_the_tidy_table_with_its_p_values(found: Audit) -> None:
    index = by_place(found)
    pairs = [
        pair for pair in found.to_dict()["attributes"]["age:60"]["pairs"] if pair["difference"]["value"] is not None
    ]
    assert pairs
    for pair in pairs:
        where = ("age:60", " minus ".join(pair["subgroups"]))
        assert index[(*where, "auroc_difference")]["value"] == pair["difference"]["value"]
        for key in ("p_value", "p_holm", "p_max_t"):
            assert index[(*where, f"auroc_difference_{key}")]["value"] == pair[key]


def test_an_undefined_number_is_printed_with_its_reason(found: Audit) -> None:
    text = result_text(found.to_dict())
    assert "undefined [" in text
    assert "[1] " in text
    assert "Subgroup 'intersex' of attribute 'sex'" in text


def test_what_must_be_said_beside_a_number_is_printed_beside_it(found: Audit) -> None:
    report: dict[str, Any] = found.to_dict()
    overall = {**report["overall"], "auroc": {**report["overall"]["auroc"], "caution": "covers 90 % in simulations"}}
    first, *_, last = result_text({**report, "overall": overall}).splitlines()
    assert ") [1]; rates" in first
    assert "covers 90 % in simulations" in "\n".join([first, last, result_text({**report, "overall": overall})])


def test_names_are_shown_and_not_obeyed(found: Audit) -> None:
    report: dict[str, Any] = found.to_dict()
    entry = report["attributes"]["sex"]
    cells = {
        ("\x1b[31m" + "<b>" + "x" * 100 if name == "male" else name): cell for name, cell in entry["subgroups"].items()
    }
    hostile = {**report, "attributes": {"sex": {**entry, "subgroups": cells}}}
    text = result_text(hostile)
    assert "\x1b" not in text
    assert max(map(len, text.splitlines()[:12])) < 160
    page = Audit(hostile, found.predictions, 10)._repr_html_()
    assert "<b>" not in page
    assert "&lt;b&gt;" in page


def test_the_design_says_who_is_too_small_and_what_was_merged() -> None:
    rows = table()
    rows.loc[:3, "sex"] = "x"
    rows.loc[4:7, "sex"] = "y"
    seen: list[dict[str, Any]] = []
    how: dict[str, Any] = {
        "label": "label",
        "score": "score",
        "attributes": "sex",
        "on_design": seen.append,
        "resampling": None,
    }
    audit(rows, **how)
    audit(rows, **how, merge_small=True)
    assert "fewer than 10 of a class" in design_text(seen[0])
    assert "merged into other: x, y" in design_text(seen[1])
