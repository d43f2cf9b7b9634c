"""The page of an audit: three readers, one set of numbers, nothing that the numbers do not show."""

from __future__ import annotations

import copy
import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from monai_fairtune.exceptions import ConfigurationError
from monai_fairtune.report import write_audit_report
from monai_fairtune.report.audit.clinician import headline, story
from monai_fairtune.report.audit.engineer import engineer
from monai_fairtune.report.audit.plain_limits import plain_limits
from monai_fairtune.report.audit.reading import Audit
from monai_fairtune.report.audit.regulator import count_tests, told_tests
from monai_fairtune.report.names import attribute_words
from monai_fairtune.report.table_assessment import gaps_table, pairs_table
from monai_fairtune.testing.example_report import example_multiclass, example_report
from tests.report.pages import Page

Report = dict[str, Any]
JARGON = ("AUROC", "TPR", "FPR", "p =", "p-value", "threshold", "calibrat", "confidence", "class 1", "odds", "subgroup")


@lru_cache(maxsize=1)
def _plain() -> Report:
    return example_report()


@pytest.fixture
def report() -> Report:
    return copy.deepcopy(_plain())


def write(folder: Path, report: Report) -> Page:
    (folder / "report.json").write_text(json.dumps(report), encoding="utf-8")
    return Page(write_audit_report(folder).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Page:
    return write(tmp_path_factory.mktemp("audit"), _plain())


def test_everything_is_written_and_the_same_report_gives_the_same_bytes(report: Report, tmp_path: Path) -> None:
    contents = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write(tmp_path / name, report)
        files = sorted(path for path in (tmp_path / name).rglob("*") if path.is_file())
        contents.append({str(path.relative_to(tmp_path / name)): path.read_bytes() for path in files})
    assert contents[0] == contents[1]
    plots = {path.split("/")[1].partition(".")[0] for path in contents[0] if path.startswith("plots/")}
    assert plots == {"harm", "gaps"} | {f"{key}{k}" for key in ("forest", "roc", "calibration") for k in ("", "_2")}
    assert {"report.html", "model_card.md", "appendix.json"} <= set(contents[0])


def test_each_reader_has_a_part_and_a_link_to_it(page: Page) -> None:
    parts = [a["id"] for tag, a in page.elements if tag == "h2"]
    assert parts == ["clinician", "engineer", "regulator"]
    links = [(a["href"] or "")[1:] for a in page.all("a") if (a.get("href") or "").startswith("#")]
    assert set(parts) <= set(links)
    assert set(links) <= {a.get("id") for _, a in page.elements}
    ids = [a["id"] for _, a in page.elements if a.get("id")]
    assert len(ids) == len(set(ids))
    assert page.open == []


def test_the_part_for_clinicians_has_no_jargon_and_the_one_for_engineers_has(page: Page) -> None:
    told = page.text_of("clinician")
    assert len(told) > 1500
    assert [word for word in JARGON if word in told] == []
    assert all(word in page.text_of("engineer") for word in ("AUROC", "TPR", "p (Holm)", "calibration slope"))


def test_clinicians_are_told_where_no_difference_could_have_been_seen(report: Report) -> None:
    assert not any("cannot be said" in limit for limit in plain_limits(Audit(report)))
    name, entry = next(iter(report["attributes"].items()))
    entry["minimum_detectable_gap"] = {"value": None, "reason": "No AUROC gap would show."}
    (told,) = [limit for limit in plain_limits(Audit(report)) if "cannot be said" in limit]
    assert told.startswith(f"That groups of {attribute_words(name)} do not differ")


def test_clinicians_are_told_who_is_worst_off_with_ranges(report: Report) -> None:
    part = Audit(report).parts[0]
    worst = report["attributes"]["age:60"]["worst_group_auroc"]
    assert headline(part) == "Worst off: age 60 and above, which may be chance"
    report["attributes"]["age:60"]["auroc_gap"]["p_value"] = 0.01
    assert headline(part) == "Worst off: age 60 and above"
    told = " ".join(story(part))
    low, high = (f"{100 * worst[end]:.0f}" for end in ("low", "high"))
    assert f"in {100 * worst['value']:.0f} of 100 such pairs (plausibly {low} to {high})" in told
    missed = report["overall"]["fn_per_1000"]
    assert f"misses about {missed['value']:.0f} cases in 1000 images (plausibly {missed['low']:.0f} to" in told


@pytest.mark.parametrize(
    ("p", "words"),
    [
        (0.3, "cannot be told from chance"),
        (0.04, "take it as a hint"),
        (0.001, "larger than chance alone usually makes."),
        (None, "was not tested"),
    ],
)
def test_a_difference_is_claimed_only_where_it_is_more_than_chance(report: Report, p: float | None, words: str) -> None:
    report["attributes"]["age:60"]["auroc_gap"]["p_value"] = p
    assert words in story(Audit(report).parts[0])[1]


def test_missed_cases_differ_only_where_ranges_do_not_overlap(report: Report) -> None:
    assert "By age" in story(Audit(report).parts[0])[2]
    groups = report["attributes"]["age:60"]["subgroups"]
    groups["[60,inf)"]["fnr"] = {"value": 0.5, "low": 0.4, "high": 0.6}
    groups["[0,60)"]["fnr"] = {"value": 0.3, "low": 0.2, "high": 0.41}
    assert "overlap, so this may be chance" in story(Audit(report).parts[0])[2].split("By sex")[0]
    groups["[0,60)"]["fnr"]["high"] = 0.39
    assert "do not overlap" in story(Audit(report).parts[0])[2].split("By sex")[0]


def test_pairs_are_called_different_only_if_interval_and_corrected_p_agree(report: Report) -> None:
    pair = report["attributes"]["age:60"]["pairs"][0]
    pair |= {"difference": {"value": 0.04, "low": 0.01, "high": 0.07}, "p_value": 0.01, "p_holm": 0.01, "p_max_t": 0.01}

    def concluded() -> str:
        table = pairs_table(Audit(report).first, "age:60", "pairs")
        assert table is not None
        return table.rows[0].cells[-1].text

    assert concluded() == "first higher"
    pair["p_holm"] = 0.06
    assert concluded() == "not distinguishable"
    pair |= {"p_holm": 0.01, "difference": {"value": 0.04, "low": -0.001, "high": 0.07}}
    assert concluded() == "not distinguishable"


def test_the_gap_stands_beside_its_null(report: Report) -> None:
    gap = report["attributes"]["sex"]["auroc_gap"]
    gap |= {"value": 0.021, "p_value": 0.4, "null_mean": 0.02, "null_high": 0.049}
    row = gaps_table(Audit(report).first, "gaps").rows[1]
    assert [cell.text for cell in row.cells][:4] == ["0.021", "0.020", "0.049", "0.40"]
    assert row.cells[-1].text == "not distinguishable from chance"


@pytest.mark.parametrize(
    ("chosen_on", "rule", "words"),
    [
        ("given", "fixed", "a probability of 0.2500, which was given."),
        ("default", "fixed", "a probability of 0.2500, the default: none was given or chosen."),
        ("validation", "youden", "a probability of 0.2500, chosen on validation by Youden's index"),
    ],
)
def test_the_threshold_is_told_with_where_it_came_from(report: Report, chosen_on: str, rule: str, words: str) -> None:
    report["threshold"] = {"value": 0.25, "chosen_on": chosen_on, "rule": rule}
    assert words in engineer(Audit(report).parts[0], {})["threshold"]


def test_regulators_find_origin_tests_and_hashes(page: Page, report: Report) -> None:
    told = page.text_of("regulator")
    source = report["audit"]["source"]
    for text in (source["sha256"], source["file"], "1615", "age:60", "max-T", "Holm", "report.json", "not certify"):
        assert text in told
    assert count_tests(Audit(report)) == {"permutation_tests": 2, "pairwise_tests": 2}
    report["attributes"]["sex"]["auroc_gap"]["p_value"] = None
    assert count_tests(Audit(report))["permutation_tests"] == 1
    assert told_tests(Audit(report))[0].startswith("Permutation tests whose result is given: 1,")
    assert not any("corrected across" in sentence for sentence in told_tests(Audit(report)))


def test_tests_whose_results_are_withheld_are_not_told_as_none(report: Report) -> None:
    for entry in report["attributes"].values():
        entry["auroc_gap"]["p_value"] = None
        for pair in entry["pairs"]:
            pair["p_value"] = None
    assert told_tests(Audit(report))[0].startswith("The result of no test is given")
    assert told_tests(Audit({**report, "intervals": None}))[0].startswith("No test was made, and no interval")


def test_a_report_without_intervals_and_without_its_origin_is_shown_and_concludes_nothing(tmp_path: Path) -> None:
    report = example_report()
    bare = {key: report[key] for key in ("schema", "n", "n_patients", "prevalence", "threshold", "overall")}
    attributes = copy.deepcopy(report["attributes"])
    for entry in attributes.values():
        entry |= {"pairs": [], "auroc_gap": {"value": 0.04, "low": None, "high": None}}
    page = write(tmp_path, {**bare, "intervals": None, "curves": None, "attributes": attributes})
    assert "this report describes and concludes nothing" in page.text_of("regulator")
    assert "was not tested" in page.text_of("clinician")


def test_a_report_without_attributes_is_a_page_too(report: Report, tmp_path: Path) -> None:
    page = write(tmp_path, {**report, "attributes": {}, "audit": {}})
    assert "No groups were named." in page.text_of("clinician")


def test_cautions_stand_beside_their_numbers(page: Page) -> None:
    assert "ECE is biased up" in page.text_of("engineer")
    assert "ECE is biased up" in page.text_of("regulator")


def test_an_intersection_that_is_too_small_is_called_descriptive(tmp_path: Path) -> None:
    groups = ["f & [0,60)", "f & [60,inf)", "m & [0,60)"]
    page = write(tmp_path, example_report({"sex*age:60": groups}, rare=[("sex*age:60", groups[1])]))
    assert "are described only" in " ".join(page.text_of("regulator").split())


@pytest.mark.parametrize("kind", ["multiclass", "multilabel"])
def test_several_classes_have_a_mean_and_a_part_each(tmp_path: Path, kind: str) -> None:
    report = example_multiclass(["<b>", "melanoma", "nevus"]) | {"kind": kind}
    page = write(tmp_path, report)
    parts = [a for a in page.all("details") if a.get("class") == "part"]
    assert len(parts) == 2 * 3
    assert page.all("b") == []
    assert "mean over classes" in page.text_of("engineer")
    assert ("each class against the others" in page.text_of("engineer")) == (kind == "multiclass")
    assert [word for word in JARGON if word in page.text_of("clinician")] == []
    macro = report["macro"]["attributes"]["sex"]["subgroups"]["male"]["auroc"]["value"]
    assert f"{macro:.3f}" in page.text_of("engineer")


def test_an_undefined_mean_over_classes_is_told_with_its_reason(tmp_path: Path) -> None:
    report = example_multiclass(["a", "b"])
    report["macro"]["auroc"] = {"value": None, "reason": "Class b is absent from the split."}
    assert "Class b is absent from the split." in write(tmp_path, report).text_of("engineer")


@pytest.mark.parametrize("word", ["fair model", "unbiased", "debias", "bias-free", "is fair"])
def test_no_audit_claims_fairness(page: Page, word: str) -> None:
    assert word not in page.words().lower()


def test_a_folder_without_a_report_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no report\.json in .* Give the output_dir of a finished audit"):
        write_audit_report(tmp_path)


def test_only_our_own_script_is_in_an_audit(page: Page) -> None:
    assert page.all("script") == [{}]
    assert not re.search(r"(?i)https?:|@import|javascript:", page.words())
