from __future__ import annotations

import json
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import monai_fairtune.cohort
from monai_fairtune.cohort import Cohort
from monai_fairtune.exceptions import AttributeDeclarationError, ImageError, PredictionsError, SplitError
from monai_fairtune.subgroups import SensitiveAttribute

Write = Callable[..., Path]
Rows = Callable[..., list[dict[str, object]]]
SEX_AND_AGE = SensitiveAttribute.parse_all(["sex", "age:60"])


@pytest.fixture
def cohort(write_manifest: Write, rows: Rows) -> Cohort:
    return Cohort.from_manifest(write_manifest(rows(60, 2)), SEX_AND_AGE)


def test_rows_keep_the_order_of_the_manifest(cohort: Cohort) -> None:
    assert cohort.n == len(cohort) == 120
    assert list(cohort.image_names) == sorted(cohort.image_names)
    assert [path.name for path in cohort.images] == [Path(name).name for name in cohort.image_names]
    assert cohort.class_names == ("0", "1")
    assert set(cohort.subgroups) == {"sex", "age:60"}


def test_every_image_is_in_exactly_one_split(cohort: Cohort) -> None:
    rows = np.concatenate([cohort.indices(split) for split in cohort.split_names])
    assert sorted(rows) == list(range(cohort.n))
    assert all((np.diff(cohort.indices(split)) > 0).all() for split in cohort.split_names)


def test_an_unknown_split_is_refused(cohort: Cohort) -> None:
    with pytest.raises(SplitError, match=r"no split 'val'. The splits are train, validation, selection, test"):
        cohort.indices("val")


def test_predictions_name_their_images_and_patients_as_the_manifest_does(cohort: Cohort) -> None:
    predictions = cohort.predictions("test", np.zeros(len(cohort.indices("test"))))
    chosen = cohort.indices("test").tolist()
    assert predictions.sample_ids is not None
    assert predictions.sample_ids.tolist() == [cohort.image_names[row] for row in chosen]
    assert predictions.patient_ids.tolist() == [str(cohort.patient_ids[row]) for row in chosen]


def test_two_logits_and_their_difference_are_the_same_predictions(cohort: Cohort) -> None:
    rows = cohort.indices("test")
    logits = np.random.default_rng(0).normal(size=(len(rows), 2)).astype(np.float32)
    both = cohort.predictions("test", logits)
    margin = cohort.predictions("test", logits[:, 1].astype(np.float64) - logits[:, 0])
    assert both.kind == "logit"
    assert both.scores.tolist() == margin.scores.tolist()
    assert both.labels.tolist() == cohort.labels[rows].tolist()
    assert both.patient_ids.tolist() == cohort.patient_ids[rows].tolist()
    assert both.subgroups["sex"].codes.tolist() == cohort.subgroups["sex"].codes[rows].tolist()
    assert both.subgroups["sex"].names == ("female", "male")


@pytest.mark.parametrize("shape", [(3,), (3, 2), (24, 3), (24, 1)])
def test_logits_of_another_shape_are_refused(cohort: Cohort, shape: tuple[int, ...]) -> None:
    with pytest.raises(PredictionsError, match="Logits have shape"):
        cohort.predictions("test", np.zeros(shape))


def test_counts_agree_with_counting_by_hand(cohort: Cohort) -> None:
    counts = cohort.counts()
    assert json.loads(json.dumps(counts)) == counts
    assert (counts["n"], counts["n_patients"], counts["n_positive"]) == (120, 60, 60)
    assert sum(split["n"] for split in counts["splits"].values()) == 120
    train = counts["splits"]["train"]
    rows = cohort.indices("train")
    female = rows[cohort.subgroups["sex"].member("female")[rows]]
    assert train["attributes"]["sex"]["subgroups"]["female"] == {
        "n": len(female),
        "n_patients": len(set(cohort.patient_ids[female])),
        "n_positive": int(cohort.labels[female].sum()),
    }
    sex = train["attributes"]["sex"]
    assert train["n"] == sum(cell["n"] for cell in sex["subgroups"].values()) + sex["missing"]["n"]


def test_a_copy_of_the_data_has_the_same_hash_and_a_changed_image_another(
    cohort: Cohort, tmp_path: Path, rows: Rows
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(tmp_path / "images", copy / "images")
    manifest = copy / "m.csv"
    shutil.copy(tmp_path / "manifest.csv", manifest)
    assert Cohort.from_manifest(manifest, SEX_AND_AGE).hash == cohort.hash
    assert Cohort.from_manifest(manifest, SEX_AND_AGE, seed=1).hash != cohort.hash
    assert Cohort.from_manifest(manifest, SEX_AND_AGE[:1]).hash != cohort.hash
    image = copy / cohort.image_names[7]
    image.write_bytes(image.read_bytes() + b"\0")
    assert Cohort.from_manifest(manifest, SEX_AND_AGE).hash != cohort.hash


def test_another_label_is_another_hash(write_manifest: Write, rows: Rows) -> None:
    made = rows(split=("train", "train", "validation", "selection", "test"))
    before = Cohort.from_manifest(write_manifest(made), []).hash
    made[0]["label"] = 1
    assert Cohort.from_manifest(write_manifest(made, images=False), []).hash != before


def test_a_cohort_survives_the_way_to_a_worker(cohort: Cohort) -> None:
    assert pickle.loads(pickle.dumps(cohort)).hash == cohort.hash  # noqa: S301


def test_arrays_cannot_be_written_to(cohort: Cohort) -> None:
    for array in (cohort.labels, cohort.patient_ids, cohort.splits):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = array[1]


def test_a_printed_cohort_shows_no_patient(cohort: Cohort) -> None:
    assert repr(cohort) == "Cohort(n=120, attributes=['sex', 'age:60'])"


def test_missing_image_files_are_refused(write_manifest: Write, rows: Rows, tmp_path: Path) -> None:
    path = write_manifest(rows())
    (tmp_path / "images/003_0.png").unlink()
    with pytest.raises(ImageError, match=r"1 of 40 image files do not exist: 'images/003_0.png'"):
        Cohort.from_manifest(path, SEX_AND_AGE)


def test_images_may_lie_under_another_data_root(write_manifest: Write, rows: Rows, tmp_path: Path) -> None:
    path = write_manifest(rows())
    moved = path.rename(tmp_path / "images" / "m.csv")
    assert Cohort.from_manifest(moved, SEX_AND_AGE, data_root=tmp_path).n == 40


def test_an_attribute_without_a_column_is_refused(write_manifest: Write, rows: Rows) -> None:
    with pytest.raises(AttributeDeclarationError, match="no column 'race'"):
        Cohort.from_manifest(write_manifest(rows()), SensitiveAttribute.parse_all("race"))


def test_a_filter_keeps_its_rows_and_their_subgroups_only(write_manifest: Write, rows: Rows) -> None:
    cohort = Cohort.from_manifest(write_manifest(rows(100)), SEX_AND_AGE, where="sex=female")
    assert cohort.subgroups["sex"].names == ("female",)
    assert cohort.n == 40


def test_the_public_names_are_those_listed() -> None:
    for name in monai_fairtune.cohort.__all__:
        assert getattr(monai_fairtune.cohort, name) is not None
    assert dir(monai_fairtune.cohort) == sorted(monai_fairtune.cohort.__all__)
    with pytest.raises(AttributeError, match="no attribute 'absent'"):
        _ = monai_fairtune.cohort.absent


def test_reading_a_manifest_needs_neither_torch_nor_monai() -> None:
    code = "import sys, monai_fairtune.cohort; print(sorted({'torch', 'monai', 'pydicom'} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
