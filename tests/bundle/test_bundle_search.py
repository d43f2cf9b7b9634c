from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from tests.bundle.bundle_runs import QUICK, TINY, RunBundle, read_result, read_rows

_REPORT_KEYS = {"schema", "n", "n_patients", "prevalence", "overall", "threshold", "attributes"}


def test_a_search_leaves_the_files_of_the_contract(searched: Path) -> None:
    for name in ("result.json", "mask.json", "model.safetensors", "report.html", "report.json", "study.db"):
        assert (searched / name).stat().st_size > 0
    assert len(list((searched / "trials").glob("[0-9]*/result.json"))) == QUICK["n_trials"]
    assert (searched / "plots").is_dir()


def test_a_result_holds_what_the_contract_promises(searched: Path) -> None:
    result = read_result(searched)
    assert result["attribute"] == "sex"
    assert result["objective"] == "worst_group_auroc"
    assert len(result["anchors"]) == 5
    assert result["test_reads"] == 1
    assert set(result["n_trials"]) == {"complete", "pruned", "failed", "duplicate"}
    for split in ("validation", "selection", "test"):
        assert set(result[split]) >= _REPORT_KEYS
    assert json.loads((searched / "mask.json").read_text()) == result["mask"]
    assert json.loads((searched / "report.json").read_text())["n"] == 40


def test_a_result_says_what_the_objective_rests_on_and_that_the_limit_was_lowered(searched: Path) -> None:
    result = read_result(searched)
    assert result["eligibility"]["lowered"] is True
    assert (result["eligibility"]["min_per_class"], result["eligibility"]["default"]) == (5, 20)
    assert sum(result["eligibility"]["cells"]["test"]["sex"]["female"]) == 20
    assert result["network"]["pretrained"] is True
    assert result["cohort"]["splits"]["train"]["n"] == 60
    assert result["cohort"]["where"] is None
    assert result["training"]["class_weights"] == pytest.approx([2 / 3, 4 / 3])


def test_nothing_in_a_result_names_a_patient_a_file_or_a_folder(searched: Path, manifest: Path) -> None:
    row = read_rows(manifest)[0]
    for name in ("result.json", "report.html", "report.json", "mask.json"):
        text = (searched / name).read_text()
        for secret in (row["patient_id"], row["image"], str(manifest.parent), str(searched), "tiny.safetensors"):
            assert secret not in text, name
    dump = "\n".join(sqlite3.connect(searched / "study.db").iterdump())
    assert str(manifest.parent) not in dump
    assert row["patient_id"] not in dump


def test_a_search_ends_with_a_table_and_the_place_of_its_report(searched: Path) -> None:
    printed = (searched.parent / "stdout.txt").read_text()
    assert "head only" in printed
    assert printed.rstrip().splitlines()[-1] == f"Report: {Path('output') / 'report.html'}"


def test_a_pretrained_network_brings_no_warning(searched: Path) -> None:
    assert "random weights" not in (searched.parent / "stderr.txt").read_text()


@pytest.fixture
def folder(searched: Path, tmp_path: Path) -> Path:
    """A copy of the folder of a finished search."""
    return shutil.copytree(searched, tmp_path / "output")


@pytest.fixture
def again(folder: Path, manifest: Path, weights: Path) -> dict[str, object]:
    """The options of the search that left the folder."""
    return {"manifest": manifest, "attribute": "sex", "weights": weights, "output_dir": folder} | TINY | QUICK


def test_the_same_command_again_returns_the_stored_result_and_reads_test_no_second_time(
    again: dict[str, object], folder: Path, run_bundle: RunBundle
) -> None:
    before = (folder / "result.json").read_bytes()
    outcome = run_bundle("search.yaml", again)
    assert outcome.returncode == 0
    assert (folder / "result.json").read_bytes() == before


def test_another_configuration_in_the_same_folder_is_refused_with_64(
    again: dict[str, object], run_bundle: RunBundle
) -> None:
    outcome = run_bundle("search.yaml", again | {"max_epochs": 2})
    assert outcome.returncode == 64
    assert "max_epochs: 1 is now 2" in outcome.sentence


def test_a_study_does_not_go_on_in_another_precision(again: dict[str, object], run_bundle: RunBundle) -> None:
    outcome = run_bundle("search.yaml", again | {"precision": "bfloat16"})
    assert outcome.returncode == 64
    assert '(training.precision: "float32" is now "bfloat16")' in outcome.sentence
    assert run_bundle("search.yaml", again | {"precision": "float32"}).returncode == 0


def test_a_study_that_another_process_owns_is_refused_with_75(
    again: dict[str, object], folder: Path, run_bundle: RunBundle
) -> None:
    from filelock import FileLock

    with FileLock(folder / ".lock"):
        outcome = run_bundle("search.yaml", again)
    assert outcome.returncode == 75
    assert "Another process" in outcome.sentence


def test_an_interrupted_search_says_that_it_goes_on_and_exits_with_130(
    manifest: Path, weights: Path, tmp_path: Path, run_bundle: RunBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    from monai_fairtune.tuning import SupervisedTuner

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(SupervisedTuner, "tune", interrupt)
    options = {"manifest": manifest, "attribute": "sex", "weights": weights, "output_dir": tmp_path} | TINY | QUICK
    outcome = run_bundle("search.yaml", options)
    assert outcome.returncode == 130
    assert "Interrupted. The same command goes on where it stopped." in outcome.stderr


def test_random_weights_are_named_on_standard_error_and_in_the_result(
    manifest: Path, tmp_path: Path, run_bundle: RunBundle
) -> None:
    options = {"manifest": manifest, "attribute": "[sex,age:60]", "output_dir": tmp_path, "min_per_class": 2}
    outcome = run_bundle("search.yaml", options | TINY | QUICK | {"min_per_class": 2, "objective": "auroc_gap"})
    assert outcome.returncode == 0, outcome.stderr
    assert "starts from random weights and is not pretrained" in outcome.stderr
    assert "Note on objective auroc_gap" in outcome.stderr
    result = read_result(tmp_path)
    assert result["network"]["pretrained"] is False
    assert result["attributes"] == ["sex", "age:60"]
    assert set(result["test"]["attributes"]) == {"sex", "age:60"}
