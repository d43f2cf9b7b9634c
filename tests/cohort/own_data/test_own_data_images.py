from __future__ import annotations

import logging
from pathlib import Path

import pytest

from monai_fairtune.cohort.own_data.images import find_own_images
from monai_fairtune.exceptions import ManifestError
from tests.cohort.own_data import hospital


def test_images_are_found_by_what_is_in_them_and_all_else_is_counted(tmp_path: Path) -> None:
    root = hospital.write_studies(tmp_path)
    hospital.write_clutter(root)
    found = find_own_images(root)
    assert found.kind == "dicom"
    assert len(found.table) == 12
    assert found.left_out == {
        "not an image file": 2,
        "an empty file": 1,
        "a DICOM directory": 1,
        "a DICOM object without pixels": 1,
        "a DICOM image of several frames": 1,
        "a DICOM file that cannot be read": 1,
        "a copy of a DICOM image that is there already": 1,
    }


def test_a_header_is_text_and_blank_where_nothing_is_recorded(tmp_path: Path) -> None:
    hospital.write_dicom(
        tmp_path / "a",
        PatientID=" 007 ",
        PatientAge="063Y",
        ViewPosition="",
        SpecificCharacterSet="ISO_IR 100",
        InstitutionName="Köln",
    )
    (row,) = find_own_images(tmp_path).table.to_dict("records")
    assert (row["dicom PatientID"], row["dicom PatientAge"], row["dicom InstitutionName"]) == ("007", "063Y", "Köln")
    assert (row["dicom ViewPosition"], row["dicom StationName"]) == ("", "")
    assert (row["image path"], row["image name"], row["image stem"]) == ("a", "a", "a")


def test_no_value_of_a_malformed_header_is_quoted_anywhere(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, recwarn: pytest.WarningsRecorder
) -> None:
    caplog.set_level(logging.DEBUG)
    hospital.write_dicom(tmp_path / "a", PatientID="7")
    content = (tmp_path / "a").read_bytes()
    (tmp_path / "a").write_bytes(content.replace(b"1.2.1", b"abc-x"))
    (tmp_path / "torn^patient").write_bytes(content[:132] + b"\xff" * 40)
    assert find_own_images(tmp_path).table["dicom SeriesInstanceUID"].tolist() == ["abc-x"]
    assert caplog.text == ""
    assert not recwarn.list


def test_a_dicom_file_without_its_preamble_and_an_empty_file_are_called_so(tmp_path: Path) -> None:
    whole = hospital.write_dicom(tmp_path / "a").read_bytes()
    (tmp_path / "from_the_group_length.dcm").write_bytes(whole[132:])
    (tmp_path / "dataset_alone.dcm").write_bytes(whole[whole.index(b"\x08\x00\x16\x00UI") :])
    (tmp_path / "implicit").write_bytes(b"\x08\x00\x05\x00\x0a\x00\x00\x00ISO_IR 100")
    (tmp_path / "empty.dcm").touch()
    (tmp_path / "notes").write_text("none")
    assert find_own_images(tmp_path).left_out == {
        "a DICOM file without its preamble": 3, "an empty file": 1, "not an image file": 1,
    }  # fmt: skip


def test_images_without_an_instance_uid_are_no_copies_of_each_other(tmp_path: Path) -> None:
    for name in ("a", "b"):
        hospital.write_dicom(tmp_path / name, SOPInstanceUID="")
    assert len(find_own_images(tmp_path).table) == 2


def test_of_several_kinds_the_most_frequent_is_taken_and_the_other_is_counted(tmp_path: Path) -> None:
    hospital.write_studies(tmp_path, 2)
    (tmp_path / "preview.png").touch()
    found = find_own_images(tmp_path)
    assert (found.kind, found.left_out) == ("dicom", {"an image of another kind, pictures": 1})
    assert find_own_images(tmp_path, "pictures").table["image stem"].tolist() == ["preview"]


def test_a_folder_without_images_is_refused_with_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("none")
    with pytest.raises(ManifestError, match=r"Among the 1 file below .* is no image: \{'not an image file': 1\}"):
        find_own_images(tmp_path)
    with pytest.raises(ManifestError, match="is not a folder"):
        find_own_images(tmp_path / "notes")


def test_links_to_folders_are_counted_among_what_is_left_out(tmp_path: Path) -> None:
    hospital.write_studies(tmp_path / "archive", 2)
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "link").symlink_to(tmp_path / "archive")
    with pytest.raises(ManifestError, match=r"no image: \{'a link to a folder, which is not followed': 1\}"):
        find_own_images(tmp_path / "root")
    hospital.write_studies(tmp_path / "root" / "studies", 2)
    assert find_own_images(tmp_path / "root").left_out == {"a link to a folder, which is not followed": 1}
