from __future__ import annotations

from pathlib import Path

from monai_fairtune.cohort.readers import PADUFES20
from monai_fairtune.testing.readers import check_reader
from tests.cohort.readers import downloads


def test_conformance_of_the_reader(tmp_path: Path) -> None:
    check_reader(PADUFES20(), downloads.write_pad_ufes_20(tmp_path))


def test_each_row_has_its_label_patient_and_attributes(tmp_path: Path) -> None:
    rows = PADUFES20().read(downloads.write_pad_ufes_20(tmp_path)).rows
    assert dict(zip(rows["label_name"], rows["label"], strict=True)) == {
        "NEV": "0", "BCC": "1", "ACK": "0", "SEK": "0", "MEL": "1",
    }  # fmt: skip
    assert rows["patient_id"].tolist() == ["PAT_1516", "PAT_46", "PAT_1545", "PAT_46", "PAT_684"]
    assert rows["sex"].tolist() == ["", "female", "", "female", "male"]
    assert rows["skin_type"].tolist() == ["", "3", "", "3", "1"]
    assert rows["age"].tolist() == ["8", "55", "77", "55", "79"]
    assert rows["image"].tolist()[:2] == [
        "images/imgs_part_1/PAT_1516_1765_530.png",
        "images/imgs_part_2/PAT_46_881_939.png",
    ]


def test_actinic_keratosis_is_benign_unless_it_is_asked_to_be_malignant(tmp_path: Path) -> None:
    rows = PADUFES20(ack="malignant").read(downloads.write_pad_ufes_20(tmp_path)).rows
    assert rows["label"].tolist() == ["0", "1", "1", "0", "1"]


def test_the_true_table_is_as_published(metadata: Path) -> None:
    found = PADUFES20().read(metadata / "PAD-UFES-20")
    assert found.counts == PADUFES20.about.published == {"images": 2298, "patients": 1373, "lesions": 1641}
    assert (found.rows["label"] == "1").sum() == 845 + 52 + 192
    assert [(found.rows[name] == "").sum() for name in ("sex", "skin_type", "age")] == [804, 804, 0]
