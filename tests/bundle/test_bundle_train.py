from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from monai_fairtune.audit import compare_folders
from monai_fairtune.bundle import list_images, load_cohort, make_tuner
from monai_fairtune.cohort import DefaultAugmentation, Preprocessing, cache_images
from monai_fairtune.masks import FairTuneNetwork, load_delta, read_delta_metadata
from monai_fairtune.metrics import Resampling
from monai_fairtune.predictions import write_csv
from monai_fairtune.tuning import Budget, EpochReport, Verdict
from tests.bundle.bundle_runs import CONFIGS, TINY, RunBundle, read_result, read_rows, write_rows


@pytest.fixture(scope="module")
def study(searched: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of a search's output folder, for the other configs to go on in."""
    return shutil.copytree(searched, tmp_path_factory.mktemp("study") / "output")


@pytest.fixture(scope="module")
def options(study: Path, manifest: Path, weights: Path) -> dict[str, object]:
    return {"manifest": manifest, "attribute": "sex", "weights": weights, "output_dir": study} | TINY


def _network(weights: Path) -> FairTuneNetwork:
    return FairTuneNetwork("monai_fairtune.masks.tiny_vit", weights, image_size=16)


def test_training_gives_what_the_tuner_of_the_search_gives(
    options: dict[str, object], manifest: Path, weights: Path, tmp_path: Path, run_bundle: RunBundle
) -> None:
    given = {"mask": "bias", "learning_rate": 1e-3, "max_epochs": 2, "seed": 3, "key_metric": "auroc"}
    outcome = run_bundle("train.yaml", options | given | {"output_dir": tmp_path})
    assert outcome.returncode == 0, outcome.stderr

    cohort = load_cohort(manifest, "sex", seed=3)
    preprocessing = Preprocessing(16)
    tuner = make_tuner(
        network=_network(weights),
        cohort=cohort,
        images=cache_images(cohort, preprocessing, tmp_path / "cache", progress=False),
        preprocessing=preprocessing,
        augmentation=DefaultAugmentation(),
        device=torch.device("cpu"),
        batch_size=16,
    )
    best = [0.0]

    def keep(report: EpochReport) -> Verdict:
        from monai_fairtune.metrics import auroc

        value = auroc(report.validation.labels, report.validation.scores)
        is_better = value > best[-1]
        best.append(max(value, best[-1]))
        return Verdict(keep=is_better)

    mask = tuner.network.anchors()["bias"]
    tuned = tuner.tune(mask, {"learning_rate": 1e-3}, Budget(2), seed=3, on_epoch=keep)
    expected = tuner.predict(tuned.model, "validation").scores
    load_delta(tmp_path / "models" / "model.safetensors", tuner.network)
    split = tuner.splits["validation"]
    logits = tuner.network.eval()(split.gather(slice(None))).detach().double().numpy()
    assert np.array_equal(logits[:, 1] - logits[:, 0], expected)


def test_all_configs_compute_in_the_precision_that_they_are_given(
    options: dict[str, object], study: Path, tmp_path: Path, run_bundle: RunBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: set[str] = set()
    forward = FairTuneNetwork.forward

    def note(network: FairTuneNetwork, images: torch.Tensor) -> torch.Tensor:
        used.add(network.precision)
        return forward(network, images)

    monkeypatch.setattr(FairTuneNetwork, "forward", note)
    given = options | {"output_dir": tmp_path, "model": study / "model.safetensors"}
    of_config: dict[str, dict[str, object]] = {
        "train.yaml": options | {"output_dir": tmp_path, "mask": "bias", "learning_rate": 1e-3, "max_epochs": 1},
        "evaluate.yaml": given | {"min_per_class": 5},
        "inference.yaml": given | {"threshold": 0.5, "attribute": "null"},
    }
    for precision, expected in (("bfloat16", "bfloat16"), ("null", "float32")):
        for name, its in of_config.items():
            used.clear()
            outcome = run_bundle(name, its | {"precision": precision})
            assert outcome.returncode == 0, outcome.stderr
            assert used == {expected}, name


def test_training_takes_mask_and_learning_rate_from_the_search(
    options: dict[str, object], study: Path, run_bundle: RunBundle
) -> None:
    outcome = run_bundle("train.yaml", options | {"max_epochs": 1})
    assert outcome.returncode == 0, outcome.stderr
    header = read_delta_metadata(study / "models" / "model.safetensors")
    assert header["mask"] == json.loads((study / "mask.json").read_text())
    assert header["class_names"] == ["0", "1"]
    assert header["preprocessing"] == Preprocessing(16).to_dict()


def test_a_checkpoint_holds_plain_tensors_of_the_whole_network(
    options: dict[str, object], weights: Path, tmp_path: Path, run_bundle: RunBundle
) -> None:
    given = {"mask": "head only", "learning_rate": 1e-3, "max_epochs": 1, "output_dir": tmp_path}
    assert run_bundle("train.yaml", options | given).returncode == 0
    state = torch.load(tmp_path / "models" / "model.pt", weights_only=True)
    assert {type(tensor) for tensor in state.values()} == {torch.Tensor}
    assert set(state) == set(_network(weights).state_dict())


@pytest.mark.parametrize("key_metric", ["auroc_gap", "worst_group_auroc"])
@pytest.mark.filterwarnings("ignore:parsing config_file")
def test_the_model_kept_is_that_of_the_best_epoch(
    key_metric: str, options: dict[str, object], tmp_path: Path, run_bundle: RunBundle
) -> None:
    from monai.bundle import ConfigWorkflow

    given = {name: str(value) for name, value in options.items()} | {"output_dir": str(tmp_path)}
    training = {"mask": "norm", "learning_rate": 1e-2, "max_epochs": 4, "key_metric": key_metric}
    workflow = ConfigWorkflow(str(CONFIGS / "train.yaml"), logging_file=False, **given, **training)
    workflow.initialize()
    workflow.run()
    workflow.finalize()
    best = workflow.parser.get_parsed_content("validate::evaluator").state.best_metric

    model = {"model": tmp_path / "models" / "model.safetensors", "split": "validation", "min_per_class": 5}
    assert run_bundle("evaluate.yaml", given | model).returncode == 0
    report = json.loads((tmp_path / "evaluation" / "report.json").read_text())
    assert report["split"] == "validation"
    subgroups = report["attributes"]["sex"]["subgroups"]
    aurocs = [subgroups[name]["auroc"]["value"] for name in ("female", "male")]
    found = {"auroc_gap": abs(aurocs[0] - aurocs[1]), "worst_group_auroc": min(aurocs)}
    assert found[key_metric] == pytest.approx(best, abs=1e-12)
    assert not (tmp_path / "test_reads.json").exists()


def test_a_learning_rate_that_nobody_found_is_asked_for(
    options: dict[str, object], tmp_path: Path, run_bundle: RunBundle
) -> None:
    outcome = run_bundle("train.yaml", options | {"mask": "full", "output_dir": tmp_path})
    assert outcome.returncode == 2
    assert "Pass one: --learning_rate 1e-4" in outcome.sentence


def test_a_training_that_diverges_fails_with_one_sentence(
    options: dict[str, object], tmp_path: Path, run_bundle: RunBundle
) -> None:
    given = {"mask": "full", "learning_rate": 1e30, "max_epochs": 3, "output_dir": tmp_path}
    outcome = run_bundle("train.yaml", options | given)
    assert outcome.returncode == 1
    assert "Lower" in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_an_evaluation_agrees_with_the_search_and_counts_its_read_of_test(
    options: dict[str, object], study: Path, run_bundle: RunBundle
) -> None:
    outcome = run_bundle("evaluate.yaml", options | {"min_per_class": 5})
    assert outcome.returncode == 0, outcome.stderr
    assert "The test split is read for time number 2 in this study." in outcome.stdout
    found = json.loads((study / "evaluation" / "report.json").read_text())
    expected = read_result(study)["test"]
    assert found["threshold"] == expected["threshold"]
    assert found["overall"]["auroc"]["value"] == pytest.approx(expected["overall"]["auroc"]["value"], abs=1e-12)
    assert found["attributes"]["sex"]["subgroups"].keys() == {"female", "male"}
    paired = compare_folders([study / "evaluation", study], resampling=Resampling(100, 100))
    assert paired["overall"]["auroc"]["difference"]["value"] == pytest.approx(0, abs=1e-12)
    run_bundle("evaluate.yaml", options | {"min_per_class": 5})
    assert json.loads((study / "test_reads.json").read_text()) == {"test_reads": 3}


def test_an_unknown_split_is_refused(options: dict[str, object], run_bundle: RunBundle) -> None:
    outcome = run_bundle("evaluate.yaml", options | {"split": "tests"})
    assert outcome.returncode == 2
    assert "Choose one of train, validation, selection, test" in outcome.sentence


def test_a_model_of_another_image_size_is_refused(options: dict[str, object], run_bundle: RunBundle) -> None:
    outcome = run_bundle("evaluate.yaml", options | {"image_size": 24})
    assert outcome.returncode == 2
    assert "Build the network with the backbone, weights and options that it was tuned with" in outcome.sentence


def test_inference_needs_neither_labels_nor_attributes(
    options: dict[str, object], study: Path, manifest: Path, run_bundle: RunBundle
) -> None:
    without = {name: value for name, value in options.items() if name not in ("manifest", "attribute")}
    outcome = run_bundle("inference.yaml", without | {"dataset_dir": manifest.parent / "images"})
    assert outcome.returncode == 0, outcome.stderr
    with (study / "predictions.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 160
    assert list(rows[0]) == ["image", "probability", "class"]
    assert rows[0]["image"] == "test_000.png"
    threshold = read_result(study)["validation"]["threshold"]["value"]
    assert {row["class"] for row in rows} == {"0", "1"}
    assert all((float(row["probability"]) >= threshold) == (row["class"] == "1") for row in rows)


def test_inference_finds_an_image_whose_name_begins_like_a_formula(tmp_path: Path) -> None:
    (tmp_path / "=1.png").touch()
    write_csv(tmp_path / "m.csv", pd.DataFrame({"image": ["=1.png"]}))
    (found,) = list_images(None, str(tmp_path / "m.csv"))
    assert found["name"] == "=1.png"


def test_inference_gives_the_probabilities_that_the_search_assessed(
    options: dict[str, object], study: Path, manifest: Path, tmp_path: Path, run_bundle: RunBundle
) -> None:
    rows = [row for row in read_rows(manifest) if row["split"] == "test"]
    table = write_rows(tmp_path / "test.csv", [{"image": row["image"]} for row in rows])
    given = options | {"manifest": table, "data_root": manifest.parent, "attribute": "null"}
    assert run_bundle("inference.yaml", given).returncode == 0
    from monai_fairtune.metrics import auroc

    with (study / "predictions.csv").open(newline="") as file:
        scores = np.array([float(row["probability"]) for row in csv.DictReader(file)])
    labels = np.array([int(row["label"]) for row in rows])
    result = read_result(study)
    assert auroc(labels, scores) == pytest.approx(result["test"]["overall"]["auroc"]["value"], abs=0.01)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"dataset_dir": "absent"}, "No image lies below dataset_dir"),
        ({"dataset_dir": "null", "manifest": "null"}, "No images are given"),
        ({"manifest": "absent.csv"}, "There is no manifest at"),
        ({"model": "absent.safetensors"}, "cannot be read"),
        ({"threshold": 2}, "threshold is 2"),
    ],
)
def test_inference_refuses_what_it_cannot_use(
    change: dict[str, object], words: str, options: dict[str, object], manifest: Path, run_bundle: RunBundle
) -> None:
    given = options | {"manifest": "null", "dataset_dir": manifest.parent / "images"} | change
    outcome = run_bundle("inference.yaml", given)
    assert outcome.returncode == 2
    assert words in outcome.sentence


def test_a_threshold_that_nobody_chose_is_asked_for(
    options: dict[str, object], study: Path, manifest: Path, tmp_path: Path, run_bundle: RunBundle
) -> None:
    model = shutil.copy(study / "model.safetensors", tmp_path)
    given = options | {"model": model, "output_dir": tmp_path, "manifest": "null", "dataset_dir": manifest.parent}
    outcome = run_bundle("inference.yaml", given)
    assert outcome.returncode == 2
    assert "--threshold 0.5" in outcome.sentence
    assert run_bundle("inference.yaml", given | {"threshold": 0.5}).returncode == 0


def test_a_name_that_reads_like_a_formula_is_quoted_for_spreadsheets(
    options: dict[str, object], study: Path, manifest: Path, tmp_path: Path, run_bundle: RunBundle
) -> None:
    (tmp_path / "images").mkdir()
    shutil.copy(manifest.parent / "images" / "test_000.png", tmp_path / "images" / "=cmd.png")
    given = options | {"manifest": "null", "dataset_dir": tmp_path / "images"}
    assert run_bundle("inference.yaml", given).returncode == 0
    assert (study / "predictions.csv").read_text().splitlines()[1].startswith("'=cmd.png,")
