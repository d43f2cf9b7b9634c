"""Folders are compared image by image, or refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from monai_fairtune.audit import audit, compare_folders, comparison_text
from monai_fairtune.exceptions import ConfigurationError, PredictionsError
from monai_fairtune.metrics import Resampling
from monai_fairtune.predictions import write_json, write_predictions
from tests.audit.tables import HOW, table
from tests.search.worlds import SETTINGS, partition, search, split

FEW = Resampling(n_replicates=200, n_permutations=100)


def folder(path: Path, rows: pd.DataFrame, **changes: Any) -> Path:
    """What an audit leaves of a table, without its pictures."""
    found = audit(rows, **HOW | changes)
    path.mkdir()
    report = found.to_dict() | {"predictions": write_predictions(path / "predictions.csv", found.predictions[""])}
    write_json(path / "report.json", report)
    return path


def noisier(rows: pd.DataFrame, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return rows.assign(score=np.clip(0.6 * rows["score"] + 0.4 * rng.random(len(rows)), 0, 1))


def test_the_difference_of_two_folders_is_that_of_their_tables_whatever_the_order_of_rows(tmp_path: Path) -> None:
    a, b = table(), noisier(table())
    folders = [
        folder(tmp_path / "a", a),
        folder(tmp_path / "b", b.sample(frac=1.0, random_state=3), attributes=["age:60", "sex"]),
    ]
    found = compare_folders(folders, resampling=FEW)
    overall = found["overall"]["auroc"]
    assert (found["a"], found["b"]) == ("a", "b")
    assert overall["a"] == pytest.approx(roc_auc_score(a["label"], a["score"]), abs=1e-12)
    assert overall["b"] == pytest.approx(roc_auc_score(b["label"], b["score"]), abs=1e-12)
    assert overall["difference"]["value"] == pytest.approx(overall["a"] - overall["b"], abs=1e-12)
    women = a["sex"] == "female"
    cell = found["attributes"]["sex"]["subgroups"]["female"]
    assert cell["auroc"]["b"] == pytest.approx(roc_auc_score(b["label"][women], b["score"][women]), abs=1e-12)
    assert overall["non_inferior"] is True


def test_a_model_against_itself_differs_by_nothing(tmp_path: Path) -> None:
    found = compare_folders([folder(tmp_path / "x", table()), folder(tmp_path / "y", table())], resampling=FEW)
    assert found["overall"]["auroc"]["difference"]["value"] == 0
    assert all(entry["levelling_down"] == [] for entry in found["attributes"].values())


def test_who_lost_is_named(tmp_path: Path) -> None:
    folders = [folder(tmp_path / "noisy", noisier(table())), folder(tmp_path / "clean", table())]
    found = compare_folders(folders, resampling=FEW)
    lost = {item["subgroup"] for item in found["attributes"]["sex"]["levelling_down"]}
    assert lost == {"female", "male"}
    text = comparison_text(found)
    assert "sex: female has a lower AUROC under noisy than under clean" in text
    assert "overall AUROC at a margin of 0.02:" in text


def test_several_references_stand_side_by_side_and_equal_names_are_numbered(tmp_path: Path) -> None:
    for name in ("1", "2", "3"):
        (tmp_path / name).mkdir()
    folders = [folder(tmp_path / name / "out", noisier(table(), int(name))) for name in ("1", "2", "3")]
    found = compare_folders(folders, resampling=FEW)
    assert (found["a"], list(found["comparisons"])) == ("out", ["out (2)", "out (3)"])
    assert str(tmp_path) not in json.dumps(found)


def changed(rows: pd.DataFrame, column: str, value: str | int) -> pd.DataFrame:
    other = rows.copy()
    other.loc[0, column] = value
    return other


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (table().iloc[1:], "has 1 images that 'b' lacks, and lacks 0 that the other has"),
        (changed(table(), "image", "x.png"), "has 1 images that 'b' lacks, and lacks 1"),
        (changed(table(), "label", int(1 - table()["label"][0])), "labels differ"),
        (changed(table(), "patient_id", "P9999"), "patients differ"),
        (changed(table(), "sex", ""), "the subgroups of 'sex' differ"),
    ],
    ids=["images", "ids", "labels", "patients", "subgroups"],
)
def test_folders_about_other_images_labels_patients_or_subgroups_are_refused(
    tmp_path: Path, rows: pd.DataFrame, message: str
) -> None:
    with pytest.raises(PredictionsError, match=message):
        compare_folders([folder(tmp_path / "a", table()), folder(tmp_path / "b", rows)], resampling=FEW)


def test_other_attributes_are_refused(tmp_path: Path) -> None:
    folders = [folder(tmp_path / "a", table()), folder(tmp_path / "b", table(), attributes="sex")]
    with pytest.raises(PredictionsError, match="attributes differ"):
        compare_folders(folders, resampling=FEW)


def test_a_searchs_folders_and_an_audit_of_the_same_images_are_compared(tmp_path: Path) -> None:
    space = partition(3)
    settings = replace(SETTINGS, n_trials=3, max_epochs=1)
    result = search(tmp_path / "out", settings, partition=space, anchors={"head only": space.head_only()})
    anchor = tmp_path / "out" / "predictions" / "anchor-0-head-only"
    found = compare_folders([tmp_path / "out", anchor], resampling=FEW)
    assert (found["a"], found["b"]) == ("out", "anchor-0-head-only")
    assert found["overall"]["auroc"]["a"] == result["test"]["overall"]["auroc"]["value"]
    assert found["overall"]["auroc"]["b"] == result["anchors"][0]["test"]["overall"]["auroc"]["value"]
    labels, codes, noise = split("test")
    mine = folder(
        tmp_path / "mine",
        pd.DataFrame({"label": labels, "score": noise + labels, "age": np.where(codes == 1, 70, 30)}),
        attributes="age:60",
        kind="logit",
        patient=None,
        sample=None,
    )
    outside = compare_folders([mine, tmp_path / "out"], resampling=FEW)
    assert outside["overall"]["auroc"]["b"] == found["overall"]["auroc"]["a"]


def test_a_single_folder_and_folders_without_files_are_refused(tmp_path: Path) -> None:
    kept = folder(tmp_path / "a", table())
    with pytest.raises(ConfigurationError, match=r"1 folder was given\. Give the candidate's"):
        compare_folders([kept])
    with pytest.raises(PredictionsError, match=r"There is no report\.json"):
        compare_folders([kept, tmp_path / "nowhere"])
    report = json.loads((kept / "report.json").read_text())
    for change, message in [
        ({"file": "../other.csv"}, "names predictions outside its folder"),
        ({"sha256": "0" * 64}, r"is not the file that report\.json was written with"),
    ]:
        write_json(kept / "report.json", report | {"predictions": report["predictions"] | change})
        with pytest.raises(PredictionsError, match=message):
            compare_folders([kept, kept])
    del report["predictions"]
    write_json(kept / "report.json", report)
    with pytest.raises(PredictionsError, match=r"was written without predictions\.csv"):
        compare_folders([kept, kept])


def test_what_a_report_withholds_its_comparison_withholds_too(tmp_path: Path) -> None:
    rows = table()
    rows.loc[:5, "sex"] = "intersex"
    how: dict[str, Any] = {"suppress_below": 10, "min_per_class": 2}
    folders = [folder(tmp_path / "a", rows, **how), folder(tmp_path / "b", noisier(rows), **how)]
    found = compare_folders(folders, min_per_class=2, resampling=FEW)
    entry = found["attributes"]["sex"]
    assert (entry["subgroups"]["intersex"]["n"], entry["subgroups"]["intersex"]["auroc"]["a"]) == ("<10", None)
    assert entry["worst_group_auroc"]["a"] is None
    assert not any(item["subgroup"] == "intersex" for item in entry["levelling_down"])
    assert found["attributes"]["age:60"]["worst_group_auroc"]["a"] is not None
    assert "undefined" in comparison_text(found)
