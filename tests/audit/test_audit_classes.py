"""Several classes: one against the rest, or each on its own, without hiding what is undefined."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax
from sklearn.metrics import roc_auc_score

from monai_fairtune.audit import Audit, audit, result_text
from monai_fairtune.exceptions import ConfigurationError, FairTuneError, PredictionsError

CLASSES = ("bcc", "mel", "nv")


def lesions(n: int = 600, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """A table of three classes with their probabilities, and the network's logits."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, n)
    logits = rng.normal(size=(n, 3)) + 1.5 * (truth[:, None] == np.arange(3))
    rows = pd.DataFrame(softmax(logits, axis=1), columns=[f"score_{name}" for name in CLASSES])
    rows["dx"] = np.array(CLASSES)[truth]
    rows["sex"] = rng.choice(["f", "m", ""], n)
    return rows, logits


SCORES = [f"score_{name}" for name in CLASSES]


def run(rows: pd.DataFrame, **changes: Any) -> Audit:
    how: dict[str, Any] = {
        "label": "dx",
        "score": SCORES,
        "attributes": "sex",
        "threshold": 0.5,
        "resampling": None,
    } | changes
    return audit(rows, **how)


def test_each_class_is_assessed_against_the_rest_in_every_subgroup() -> None:
    rows, _ = lesions()
    report = run(rows).to_dict()
    assert (report["kind"], list(report["classes"])) == ("multiclass", list(CLASSES))
    for name in CLASSES:
        for sex in ("f", "m"):
            part = rows[rows["sex"] == sex]
            found = report["classes"][name]["attributes"]["sex"]["subgroups"][sex]["auroc"]["value"]
            assert found == pytest.approx(roc_auc_score(part["dx"] == name, part[f"score_{name}"]), abs=1e-12)
    known = [roc_auc_score(rows["dx"] == name, rows[f"score_{name}"]) for name in CLASSES]
    assert report["macro"]["auroc"]["value"] == pytest.approx(np.mean(known), abs=1e-12)


def test_logits_of_a_network_rank_as_log_odds_against_the_rest() -> None:
    rows, logits = lesions()
    from_logits = audit(
        label=rows["dx"], score=logits, classes=CLASSES, kind="logit", attributes={"sex": rows["sex"]}, threshold=0.5
    ).to_dict()
    from_probabilities = run(rows).to_dict()
    for name in CLASSES:
        one, other = (report["classes"][name]["overall"] for report in (from_logits, from_probabilities))
        for metric in ("auroc", "tpr", "fpr", "brier", "log_loss"):
            assert one[metric]["value"] == pytest.approx(other[metric]["value"], abs=1e-9)


def test_a_class_that_a_subgroup_lacks_is_undefined_there_and_in_the_mean_with_its_name() -> None:
    rows, _ = lesions()
    rows.loc[(rows["sex"] == "f") & (rows["dx"] == "mel"), "dx"] = "nv"
    report = run(rows).to_dict()
    cell = report["classes"]["mel"]["attributes"]["sex"]["subgroups"]["f"]["auroc"]
    assert cell["value"] is None
    macro = report["macro"]["attributes"]["sex"]["subgroups"]["f"]["auroc"]
    assert macro["value"] is None
    assert "mel" in macro["reason"]


def test_the_mean_of_the_classes_is_printed_last_with_what_is_undefined() -> None:
    rows, _ = lesions()
    rows.loc[(rows["sex"] == "f") & (rows["dx"] == "mel"), "dx"] = "nv"
    report = run(rows).to_dict()
    head, mean = result_text(report).split("== mean of the classes ==")
    assert "== mel ==" in head
    assert f"overall AUROC {report['macro']['auroc']['value']:.3f}" in mean
    assert "undefined [1]" in mean
    assert "Class 'mel'" in mean


def test_findings_that_do_not_exclude_each_other_have_a_label_each() -> None:
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"sex": rng.choice(["f", "m"], 400)})
    for name in ("edema", "effusion"):
        rows[f"label_{name}"] = rng.integers(0, 2, 400)
        rows[f"score_{name}"] = np.clip(0.5 * rows[f"label_{name}"] + 0.6 * rng.random(400), 0, 1)
    found = run(rows, label=["label_edema", "label_effusion"], score=["score_edema", "score_effusion"])
    report = found.to_dict()
    assert (report["kind"], list(report["classes"])) == ("multilabel", ["edema", "effusion"])
    for name in ("edema", "effusion"):
        auroc = report["classes"][name]["overall"]["auroc"]["value"]
        assert auroc == pytest.approx(roc_auc_score(rows[f"label_{name}"], rows[f"score_{name}"]), abs=1e-12)
    assert report["audit"]["label"] == ["label_edema", "label_effusion"]


def test_each_class_chooses_its_own_threshold_on_validation() -> None:
    rows, _ = lesions()
    rows["split"] = np.where(np.arange(len(rows)) % 2, "validation", "test")
    report = run(rows, split="split", threshold=None).to_dict()
    assert len({part["threshold"]["value"] for part in report["classes"].values()}) == 3
    assert {part["threshold"]["chosen_on"] for part in report["classes"].values()} == {"validation"}
    given = run(rows, threshold={"bcc": 0.1, "mel": 0.2, "nv": 0.3}).to_dict()
    assert [part["threshold"]["value"] for part in given["classes"].values()] == [0.1, 0.2, 0.3]


def test_a_subgroup_withheld_for_one_class_is_withheld_for_all_and_in_the_mean() -> None:
    rows, _ = lesions(1200)
    rows.loc[:203, "sex"] = "x"
    rows.loc[:203, "dx"] = ["mel"] * 4 + ["bcc", "nv"] * 100  # few only as mel: the other classes would tell them
    report = run(rows, suppress_below=10).to_dict()
    for part in report["classes"].values():
        assert not isinstance(part["attributes"]["sex"]["subgroups"]["x"]["n"], int)
        assert part["attributes"]["sex"]["auroc_gap"]["value"] is None
    assert report["macro"]["attributes"]["sex"]["subgroups"]["x"]["auroc"]["value"] is None
    assert "4 positive" not in json.dumps(report)


def test_a_missing_label_is_refused_or_dropped() -> None:
    rows, _ = lesions()
    rows.loc[5, "dx"] = ""
    with pytest.raises(PredictionsError, match=r"1 of 600 rows are incomplete .* 1 without a label"):
        run(rows)
    assert run(rows, drop_missing=True).to_dict()["classes"]["mel"]["n"] == 599


def test_the_tidy_table_names_the_class(tmp_path: Path) -> None:
    rows, _ = lesions()
    found = run(rows)
    frame = found.to_frame()
    row = frame[(frame["class"] == "mel") & (frame["subgroup"] == "f") & (frame["metric"] == "tpr")].iloc[0]
    assert row["value"] == found.to_dict()["classes"]["mel"]["attributes"]["sex"]["subgroups"]["f"]["tpr"]["value"]
    assert "mel: sex" in found._repr_html_()
    found.write(tmp_path)
    assert not (tmp_path / "predictions.csv").exists()
    assert (tmp_path / "subgroups.csv").read_text().startswith("class,attribute,subgroup,metric,")


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"score": ["score_bcc", "sex"]}, ConfigurationError, "Name the classes in the order of the columns"),
        ({"score": SCORES[:2]}, PredictionsError, r"The labels hold \['nv'\], and the classes are"),
        ({"classes": ["a", "a", "b"]}, ConfigurationError, r"The classes are \['a', 'a', 'b'\]"),
        ({"label": ["dx", "sex"]}, ConfigurationError, "2 label columns were given for the classes None"),
        ({"merge_small": True}, ConfigurationError, "Declare coarser subgroups instead"),
        ({"threshold": {"mel": 0.5}}, ConfigurationError, "Give one for each class"),
    ],
)
def test_scores_labels_and_classes_that_do_not_fit_are_refused(
    changes: dict[str, Any], error: type[FairTuneError], message: str
) -> None:
    with pytest.raises(error, match=message):
        run(lesions()[0], **changes)


def test_mappings_frames_and_matrices_of_scores_are_one_and_the_same() -> None:
    rows, _ = lesions()
    frame = rows[SCORES]
    given: list[dict[str, Any]] = [
        {"score": {name: rows[f"score_{name}"] for name in CLASSES}},
        {"score": frame},
        {"score": frame.set_axis([0, 1, 2], axis="columns"), "classes": CLASSES},
        {"score": frame.to_numpy(), "classes": CLASSES},
    ]
    macros = [
        audit(label=rows["dx"], attributes={"sex": rows["sex"]}, threshold=0.5, resampling=None, **how).to_dict()[
            "macro"
        ]
        for how in given
    ]
    assert all(macro == run(rows).to_dict()["macro"] for macro in macros)


def test_findings_whose_labels_are_others_than_their_scores_or_of_another_length_are_refused() -> None:
    scores = {"a": [0.1, 0.2], "b": [0.3, 0.4]}
    how: dict[str, Any] = {"attributes": {"sex": ["f", "m"]}, "resampling": None}
    with pytest.raises(ConfigurationError, match=r"The labels are of \['b', 'a'\] and the scores of \['a', 'b'\]"):
        audit(label={"b": [0, 1], "a": [1, 0]}, score=scores, **how)
    with pytest.raises(PredictionsError, match=r"The labels of the classes have different lengths: \[2, 1\]"):
        audit(label={"a": [0, 1], "b": [1]}, score=scores, **how)


def test_probabilities_that_do_not_add_up_to_one_are_refused() -> None:
    rows, _ = lesions()
    rows["score_mel"] *= 0.5
    with pytest.raises(PredictionsError, match="The probabilities of 3 classes add up to between"):
        run(rows)


def test_an_export_to_fairlearn_needs_one_class() -> None:
    with pytest.raises(ConfigurationError, match="The audit has several classes"):
        run(lesions()[0]).to_metric_frame("sex")
