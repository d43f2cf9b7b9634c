from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from monai_fairtune.cohort.hashing import file_sha256
from monai_fairtune.cohort.manifest import read_manifest
from monai_fairtune.exceptions import ManifestError
from monai_fairtune.predictions import write_csv

GOOD = "image,label,patient_id,sex,label_name\na.png,0,p1,f,healthy\nb.png,1,007,NA,ill\n"


@pytest.fixture
def read(tmp_path: Path) -> Callable[[str], object]:
    def write_and_read(text: str) -> object:
        path = tmp_path / "manifest.csv"
        path.write_text(text, encoding="utf-8")
        return read_manifest(path)

    return write_and_read


def test_cells_stay_the_text_that_was_written(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_text("\ufeff" + GOOD, encoding="utf-8")
    manifest = read_manifest(path)
    assert manifest.patient_ids.tolist() == ["p1", "007"]
    assert manifest.table["sex"].tolist() == ["f", "NA"]
    assert manifest.labels.tolist() == [0, 1]
    assert manifest.image_names == ("a.png", "b.png")


@pytest.mark.parametrize("sign", "-+=@'")
def test_names_and_values_that_could_be_formulas_are_read_as_they_were_before_they_were_written(
    tmp_path: Path, sign: str
) -> None:
    written = pd.DataFrame({
        "image": ["a.png", f"{sign}1.png"], "label": ["0", "1"], "label_name": [f"{sign}0", f"{sign}1"],
        "patient_id": [f"{sign}p", "q"], f"{sign}site": [f"{sign}A", "B"],
    })  # fmt: skip
    write_csv(tmp_path / "m.csv", written)
    read = read_manifest(tmp_path / "m.csv")
    pd.testing.assert_frame_equal(read.table, written)
    assert read.class_names == (f"{sign}0", f"{sign}1")


@pytest.mark.parametrize(
    ("more", "names"),
    [
        ("", ("healthy", "ill")),
        ("c.png,1,p3,m,a bit ill\n", ("healthy", "a bit ill, ill")),
        ('c.png,1,p3,m,"ill, a bit"\nd.png,1,p4,m,ill; so so\n', ("healthy", "ill, 'ill, a bit', 'ill; so so'")),
        ("c.png,1,p3,m,healthy\n", ("0", "1")),
        ("c.png,1,p3,m,\n", ("0", "1")),
        ("".join(f"{k}.png,1,p3,m,ill {k}\n" for k in range(5)), ("healthy", "ill, ill 0, ill 1, ill 2, ill 3, ill 4")),
        ("".join(f"{k}.png,1,p3,m,ill {k}\n" for k in range(6)), ("0", "1")),
    ],
)
def test_classes_are_named_by_label_name_where_its_names_are_few_and_none_is_of_both(
    tmp_path: Path, more: str, names: tuple[str, str]
) -> None:
    path = tmp_path / "m.csv"
    path.write_text(GOOD + more, encoding="utf-8")
    assert read_manifest(path).class_names == names


def test_a_class_of_one_name_has_that_name_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text(GOOD.replace("ill", '"ill, or so"'), encoding="utf-8")
    assert read_manifest(tmp_path / "m.csv").class_names == ("healthy", "ill, or so")


@pytest.mark.parametrize(
    "text", ["", "[1]", '{"about": {}, SHA}', '{"reader": "tiny", "about": "x", SHA}', '{"reader": "tiny"}', b"\xff"]
)
def test_a_file_named_prepared_that_is_no_record_of_a_preparation_tells_nothing(
    tmp_path: Path, text: str | bytes
) -> None:
    (tmp_path / "m.csv").write_text(GOOD, encoding="utf-8")
    sha = f'"manifest_sha256": "{file_sha256(tmp_path / "m.csv")}"'
    (tmp_path / "prepared.json").write_bytes(text if isinstance(text, bytes) else text.replace("SHA", sha).encode())
    assert read_manifest(tmp_path / "m.csv").prepared is None


def test_labels_written_as_whole_floats_are_labels(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_text("image,label,patient_id\na,0.0,p\nb,1.0,q\n", encoding="utf-8")
    assert read_manifest(path).labels.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image,label\na,0\n", "no column 'patient_id'; its columns are .* Give it the columns"),
        ("image;label;patient_id\na;0;p\n", "no column 'image' and no column 'label'"),
        ("image,label,patient_id,sex,sex\na,0,p,f,f\n", "several columns .'sex'."),
        ("image,patient_id,label_edema,label_mass\na,p,0,1\n", "label_edema.*takes one binary label.*column 'label'"),
        ("image,label,patient_id\n", "a header and no rows"),
        ("", "cannot be read"),
        ("image,label,patient_id\na,0,p,extra\nb,1\n", "cannot be read"),
        ("image,label,patient_id\na,0,p\na,1,q\n", "1 images stand in several rows, such as .'a'."),
        ("image,label,patient_id\na,0,p\nb,mel,q\n", "holds .'mel'. in 1 of 2 rows .the first: 2.*integer 0 or 1"),
        ("image,label,patient_id\na,0,p\nb,0.5,q\n", "holds .'0.5'."),
        ("image,label,patient_id\na,0,p\nb,,q\n", "holds .''. in 1 of 2 rows"),
        ("image,label,patient_id\na,0,p\nb,0,q\n", "All 2 images have the label 0"),
        ("image,label,patient_id\na,0,p\nb,1,q\nc,2,r\n", "holds 3 classes, .0, 1, 2., .*binary"),
        ("image,label,patient_id\na,-1,p\nb,1,q\n", r"2 classes, \[-1, 1\]"),
        ("image,label,patient_id\na,0,p\nb,1, \n", "'patient_id' is blank in 1 of 2 rows"),
        ("image,label,patient_id\n,0,p\nb,1,q\n", "'image' is blank in 1 of 2 rows"),
    ],
)
def test_a_manifest_that_cannot_be_used_is_refused_with_the_way_out(
    read: Callable[[str], object], text: str, message: str
) -> None:
    with pytest.raises(ManifestError, match=message):
        read(text)


def test_a_missing_manifest_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="no manifest at"):
        read_manifest(tmp_path / "absent.csv")
    with pytest.raises(ManifestError, match="no manifest at"):
        read_manifest(tmp_path)


def test_a_manifest_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_bytes(b"image,label\n\xff\xfe\x00\x01,\n")
    with pytest.raises(ManifestError, match="UTF-8"):
        read_manifest(path)


def test_messages_name_no_patient(read: Callable[[str], object]) -> None:
    with pytest.raises(ManifestError) as caught:
        read("image,label,patient_id\na,0,SECRET1\na,1,SECRET2\n")
    assert "SECRET" not in str(caught.value)
