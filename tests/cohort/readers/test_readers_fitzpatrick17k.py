from __future__ import annotations

from pathlib import Path

import pytest

from monai_fairtune.cohort.readers import Fitzpatrick17k
from monai_fairtune.exceptions import ManifestError
from monai_fairtune.testing.readers import check_reader
from tests.cohort.readers import downloads


def test_conformance_of_the_reader(tmp_path: Path) -> None:
    check_reader(Fitzpatrick17k(), downloads.write_fitzpatrick17k(tmp_path))


def test_malignant_is_1_and_an_unknown_skin_type_is_missing(tmp_path: Path) -> None:
    rows = Fitzpatrick17k().read(downloads.write_fitzpatrick17k(tmp_path)).rows
    assert rows["label"].tolist() == ["0", "0", "1", "1", "0"]
    assert rows["skin_type"].tolist() == ["3", "2", "1", "", "6"]
    assert rows["condition"].tolist()[1] == "dermatofibroma"
    assert rows["image"].tolist()[0] == "data/finalfitz17k/5e82a45bc5d78bd24ae9202d194423f8.jpg"


def test_each_image_is_its_own_patient(tmp_path: Path) -> None:
    rows = Fitzpatrick17k().read(downloads.write_fitzpatrick17k(tmp_path)).rows
    assert rows["patient_id"].is_unique


def test_wrong_labels_are_kept_unless_they_are_to_be_dropped(tmp_path: Path) -> None:
    root = downloads.write_fitzpatrick17k(tmp_path)
    assert Fitzpatrick17k().read(root).dropped == {}
    found = Fitzpatrick17k(wrongly_labelled="drop").read(root)
    assert found.dropped == {"a dermatologist called the label wrong": 1}
    assert found.rows["label"].tolist() == ["0", "0", "1", "0"]


def test_an_unknown_partition_or_scale_is_refused(tmp_path: Path) -> None:
    for number, (old, new) in enumerate([(",malignant,", ",cancer,"), (",-1,-1,", ",7,7,")]):
        lines = [line.replace(old, new) for line in downloads.FITZPATRICK17K]
        with pytest.raises(ManifestError, match=f"holds \\['{new.split(',')[1]}'\\]"):
            Fitzpatrick17k().read(downloads.write_fitzpatrick17k(tmp_path / str(number), lines=lines))


def test_the_true_table_is_as_published(metadata: Path) -> None:
    found = Fitzpatrick17k().read(metadata / "Fitzpatrick17k")
    assert found.counts == Fitzpatrick17k.about.published
    assert (found.counts["images"], (found.rows["skin_type"] == "").sum()) == (16577, 565)
    assert (found.rows["label"] == "1").sum() == 2263
    assert Fitzpatrick17k("drop").read(metadata / "Fitzpatrick17k").dropped == {
        "a dermatologist called the label wrong": 17
    }
