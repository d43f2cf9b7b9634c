"""`audit` reads what users have, refuses what it cannot read, and gives the numbers of `assess`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score, roc_curve

from monai_fairtune.audit import Audit, audit
from monai_fairtune.exceptions import (
    AttributeDeclarationError,
    ConfigurationError,
    FairTuneError,
    PredictionsError,
    SplitError,
)
from monai_fairtune.metrics import Resampling
from tests.audit.tables import table

COLUMNS: dict[str, Any] = {"label": "label", "score": "score", "attributes": ["sex", "age:60"]}


def run(rows: pd.DataFrame | None = None, **changes: Any) -> Audit:
    return audit(table() if rows is None else rows, **(COLUMNS | {"threshold": 0.5, "resampling": None} | changes))


def auroc_of(found: Audit, attribute: str, subgroup: str) -> float:
    return float(found.to_dict()["attributes"][attribute]["subgroups"][subgroup]["auroc"]["value"])


def test_each_subgroups_auroc_is_scikit_learns() -> None:
    rows, found = table(), run()
    for name in ("female", "male"):
        part = rows[rows["sex"] == name]
        assert auroc_of(found, "sex", name) == pytest.approx(roc_auc_score(part["label"], part["score"]), abs=1e-12)


def test_arrays_give_the_same_numbers_as_the_table() -> None:
    rows, resampling = table(), Resampling(n_replicates=100, n_permutations=100)
    by_name = run(rows, patient="patient_id", resampling=resampling).to_dict()
    by_array = audit(
        label=rows["label"].to_numpy(),
        score=rows["score"].tolist(),
        attributes={"sex": rows["sex"], "age:60": rows["age"].to_numpy()},
        patient=rows["patient_id"],
        threshold=0.5,
        resampling=resampling,
    ).to_dict()
    assert {**by_array, "audit": None} == {**by_name, "audit": None}


@pytest.mark.parametrize("form", ["series", "frame", "mapping", "array"])
def test_sensitive_features_as_fairlearn_takes_them_are_taken(form: str) -> None:
    rows = table().sample(frac=1.0, random_state=0)  # an index out of order is not looked at
    given: dict[str, Any] = {
        "series": rows["sex"],
        "frame": rows[["sex", "scanner"]],
        "mapping": {"sex": rows["sex"].tolist()},
        "array": rows["sex"].to_numpy(),
    }
    found = audit(
        label=rows["label"], score=rows["score"].to_numpy(), attributes=given[form], threshold=0.5, resampling=None
    )
    name = "sensitive_feature_0" if form == "array" else "sex"
    assert auroc_of(found, name, "female") == auroc_of(run(), "sex", "female")


def test_columns_with_indices_of_their_own_are_matched_by_position() -> None:
    rows = table()
    moved = {"sex": rows["sex"].set_axis(np.arange(400)[::-1]), "age:60": rows["age"].set_axis(np.arange(400) + 7)}
    found = audit(
        label=rows["label"].set_axis(np.arange(400) * 2),
        score=rows["score"],
        attributes=moved,
        threshold=0.5,
        resampling=None,
    )
    for attribute, name in (("sex", "female"), ("age:60", "[60,inf)")):
        assert auroc_of(found, attribute, name) == auroc_of(run(), attribute, name)


def test_a_property_of_the_acquisition_is_an_attribute_like_any_other() -> None:
    found = run(attributes="scanner*sex").to_dict()["attributes"]["scanner*sex"]
    assert list(found["subgroups"]) == ["A & female", "A & male", "B & female", "B & male"]


def test_the_threshold_is_chosen_on_validation_and_test_is_assessed() -> None:
    rows = table()
    report = run(rows, split="split", patient="patient_id", threshold=None).to_dict()
    validation = rows[rows["split"] == "val"]
    fpr, tpr, thresholds = roc_curve(validation["label"], validation["score"], drop_intermediate=False)
    best = thresholds[np.argmax(tpr - fpr)]
    below = validation["score"][validation["score"] < best].max()
    assert report["threshold"] == {
        "value": pytest.approx((best + below) / 2),
        "chosen_on": "validation",
        "rule": "youden",
    }
    assert report["n"] == int((rows["split"] == "test").sum())


def test_a_given_threshold_is_used_even_where_there_is_a_validation_split() -> None:
    assert run(split="split").to_dict()["threshold"] == {"value": 0.5, "chosen_on": "given", "rule": "fixed"}


def test_without_threshold_and_validation_rates_are_at_one_half_and_a_note_says_so() -> None:
    report = run(threshold=None).to_dict()
    assert report["threshold"] == {"value": 0.5, "chosen_on": "default", "rule": "fixed"}
    assert any("rates are at a probability of 0.5" in note for note in report["audit"]["notes"])
    assert not any("0.5" in note for note in run().to_dict()["audit"]["notes"])


def test_rows_of_other_splits_are_not_read_and_counted() -> None:
    rows = table()
    rows.loc[rows["split"] == "val", "split"] = "train"
    rows.loc[rows["split"] == "train", ["label", "score"]] = np.nan
    report = run(rows, split="split").to_dict()
    n_train = int((rows["split"] == "train").sum())
    assert report["n"] == len(rows) - n_train
    assert f"{n_train} rows of other splits (train) were not read." in report["audit"]["notes"]


def test_a_patient_in_test_and_in_validation_is_refused() -> None:
    rows = table()
    rows.loc[0, "split"] = "test"
    with pytest.raises(SplitError, match="1 patients are in the test and in the validation split"):
        run(rows, split="split", patient="patient_id")


def test_missing_cells_are_refused_with_counts_or_dropped_and_counted() -> None:
    rows = table()
    rows["label"] = rows["label"].astype(float)
    rows.loc[3, "label"] = np.nan
    rows.loc[[7, 9], "score"] = np.nan
    told = r"3 of 400 rows are incomplete \(the first: 4, 8, 10\): 1 without a label, 2 without a score"
    with pytest.raises(PredictionsError, match=told):
        run(rows)
    report = run(rows, drop_missing=True).to_dict()
    assert (report["n"], report["audit"]["source"]["n_refused"]) == (397, 3)
    assert any("3 of 400 rows are incomplete" in note for note in report["audit"]["notes"])


def test_without_patients_a_note_says_that_intervals_may_be_too_narrow() -> None:
    assert any("too narrow" in note for note in run().to_dict()["audit"]["notes"])
    report = run(patient="patient_id").to_dict()
    assert (report["n_patients"], report["audit"]["notes"]) == (200, [])


def test_an_id_is_the_same_patient_as_text_as_a_whole_number_and_as_a_float() -> None:
    rows = table()
    known = []
    for ids in (np.arange(400) // 2, (np.arange(400) // 2) * 1.0, [f" {row // 2}" for row in range(400)]):
        found = run(rows.assign(patient_id=ids), patient="patient_id")
        known.append(found.predictions[""].patient_ids.tolist())
    assert known[0] == known[1] == known[2]
    assert known[0][-1] == "199"


def test_merging_is_asked_for_and_listed() -> None:
    rows = table()
    rows.loc[:3, "sex"] = "other1"
    rows.loc[4:6, "sex"] = "other2"
    assert run(rows).to_dict()["attributes"]["sex"]["worst_group_auroc"]["value"] is None
    report = run(rows, merge_small=True).to_dict()
    assert list(report["attributes"]["sex"]["subgroups"]) == ["female", "male", "other"]
    assert report["audit"]["attributes"]["sex"]["merged"] == [{"into": "other", "parts": ["other1", "other2"]}]
    assert any("merged into 'other': 'other1', 'other2'" in note for note in report["audit"]["notes"])


def test_the_design_comes_before_any_metric_and_says_who_is_eligible() -> None:
    seen: list[dict[str, Any]] = []
    rows = table()
    rows.loc[:3, "sex"] = "intersex"
    run(rows, on_design=seen.append)
    entry = seen[0]["attributes"]["sex"]
    cell = entry["subgroups"]["male"]
    assert cell["n"] == int((rows["sex"] == "male").sum())
    assert cell["n_positive"] == int(rows["label"][rows["sex"] == "male"].sum())
    assert (cell["eligible"], entry["subgroups"]["intersex"]["eligible"]) == (True, False)
    assert "auroc" not in cell


def test_logits_of_a_network_are_taken_when_they_are_declared() -> None:
    rows = table()
    rows["score"] = np.log(rows["score"] / (1 - rows["score"])) * 100
    with pytest.raises(PredictionsError, match="Declare them as 'logit', or give values in"):
        run(rows)
    assert auroc_of(run(rows, kind="logit"), "sex", "male") == pytest.approx(auroc_of(run(), "sex", "male"))


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"label": "lable"}, PredictionsError, "no column 'lable' for the label"),
        ({"label": "sex"}, PredictionsError, r"The labels hold \['female', 'male'\]"),
        ({"score": "sex"}, PredictionsError, r"The scores hold \['female', 'male'\]"),
        ({"attributes": "race"}, AttributeDeclarationError, "no column 'race'"),
        ({"split": "sex"}, SplitError, "belong to no split"),
        ({"split": "scanner"}, SplitError, "none is 'test'"),
        ({"patient": "sex"}, PredictionsError, "do not say whose image they are"),
        ({"sample": "sex"}, PredictionsError, "Some images have no sample id"),
        ({"sample": "patient_id"}, PredictionsError, "200 of 400 sample ids repeat another"),
        ({"threshold": 1.5}, ConfigurationError, r"The threshold is 1\.5"),
        ({"threshold": {"mel": 0.5}}, ConfigurationError, "Give one for each class"),
        ({"min_per_class": 0}, ConfigurationError, "min_per_class is 0"),
        ({"suppress_below": 1}, ConfigurationError, "suppress_below is 1"),
        ({"kind": "percent"}, PredictionsError, "declared as 'percent'"),
        ({"patient": np.arange(5)}, PredictionsError, r"There are 400 labels and \{'patient': 5\}"),
        ({"attributes": {"sex*age:60": np.zeros(400)}}, ConfigurationError, "Give a table with its columns"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_way_out(
    changes: dict[str, Any], error: type[FairTuneError], message: str
) -> None:
    with pytest.raises(error, match=message):
        run(**changes)


def test_an_infinite_score_is_refused_even_where_missing_ones_are_dropped() -> None:
    rows = table()
    rows.loc[0, "score"] = np.inf
    with pytest.raises(PredictionsError, match="1 of 400 scores are infinite"):
        run(rows, drop_missing=True)


def test_vectors_and_columns_that_do_not_fit_are_refused() -> None:
    with pytest.raises(PredictionsError, match=r"The label has shape \(2, 2\)\. Give a vector"):
        audit(label=np.zeros((2, 2)), score=[0.1, 0.2], attributes={"sex": ["f", "m"]})
    with pytest.raises(PredictionsError, match="There are 2 labels and 3 scores"):
        audit(label=[0, 1], score=[0.1, 0.2, 0.3], attributes={"sex": ["f", "m"]})
    with pytest.raises(PredictionsError, match=r"different lengths: \{'sex': 2, 'age': 1\}"):
        audit(label=[0, 1], score=[0.1, 0.2], attributes={"sex": ["f", "m"], "age:60": [1]})
    rows = table()
    with pytest.raises(PredictionsError, match="The table has 2 columns 'score'"):
        run(pd.concat([rows, rows[["score"]]], axis="columns"))
    with pytest.raises(PredictionsError, match="No row of 400 has a label and a score"):
        run(rows.assign(label=np.nan), drop_missing=True)


def test_a_name_without_a_table_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="'label', a column's name, and there is no table"):
        audit(label="label", score=[0.1], attributes={"sex": ["f"]})


def test_neither_the_result_nor_its_report_shows_a_patient() -> None:
    found = run(patient="patient_id", sample="image")
    assert repr(found) == "Audit(n=400, attributes=['sex', 'age:60'])"
    for text in (str(found.to_dict()), found.to_frame().to_csv(), found._repr_html_()):
        assert "P00" not in text
        assert "images/" not in text
