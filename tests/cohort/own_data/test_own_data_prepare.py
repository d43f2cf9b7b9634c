from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from monai_fairtune.cohort.manifest import read_manifest
from monai_fairtune.cohort.own_data import prepare_table, propose_mapping
from monai_fairtune.exceptions import ConfigurationError, ManifestError
from tests.cohort.own_data import hospital
from tests.cohort.own_data.conftest import Desk

Edit = Callable[[dict[str, Any]], object]
VARIABLE = "FAIRTUNE_PSEUDONYM_KEY"


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


def test_the_manifest_holds_what_the_mapping_says(desk: Desk) -> None:
    manifest = desk.prepare(hospital.findings())
    assert list(manifest.columns) == ["image", "label", "label_name", "patient_id", "age", "sex", "manufacturer"]
    first, *_, last = manifest.to_dict("records")
    assert first | {"patient_id": ""} == {
        "image": "DIR000/ST0000/IM0", "label": "0", "label_name": "no", "patient_id": "", "age": "40", "sex": "female",
        "manufacturer": "Acme",
    }  # fmt: skip
    assert (last["image"], last["label"], last["sex"], last["age"]) == ("DIR002/ST0011/IM0", "1", "male", "51")
    read = read_manifest(desk.prepared.manifest)
    assert (read.class_names, read.prepared) == (("no", "yes"), desk.prepared.record)


def test_every_image_and_row_is_kept_or_counted_with_its_reason(desk: Desk) -> None:
    hospital.write_clutter(desk.root)
    hospital.write_dicom(desk.root / "nobody", AccessionNumber="00112", PatientID="", Modality="DX", ViewPosition="PA")
    hospital.write_dicom(desk.root / "keyless", AccessionNumber="", PatientID="8", Modality="DX", ViewPosition="PA")
    rows = [
        *hospital.findings(11),
        {"Accession": 112, "Finding": "yes"},
        {"Accession": 100, "Finding": "no", "Comment": "dictated again"},
        {"Accession": 101, "Finding": "no"},
        {"Accession": 999, "Finding": "no"},
        {"Accession": "", "Finding": "no"},
        {"Accession": 102, "Finding": "no"},
    ]
    rows[3]["Finding"] = ""
    manifest = desk.prepare(rows)
    record = json.loads((desk.out / "prepared.json").read_text())
    assert record == desk.prepared.to_dict()
    assert record["dropped"] == {
        "the key is blank": 1, "rows with this key differ": 1, "no row has this key": 1, "the label is left out": 1,
        "the patient's id is blank": 1,
    }  # fmt: skip
    assert record["rows_left_out"] == {
        "the key is blank": 1, "an earlier row says the same": 2, "another row with this key differs": 2,
        "no image has this key": 1,
    }  # fmt: skip
    assert record["n_read"] == record["n"] + sum(record["dropped"].values()) == 14
    assert record["n_rows"] == record["rows_matched"] + sum(record["rows_left_out"].values()) == 17
    assert record["files_left_out"]["not an image file"] == 2
    assert len(manifest) == record["n"] == 9


def test_rows_of_one_key_differ_only_in_columns_that_the_mapping_uses(desk: Desk) -> None:
    rows = [*hospital.findings(), hospital.findings()[0] | {"Ward": "moved"}]
    assert len(desk.prepare(rows)) == 12
    manifest = desk.prepare(edit=lambda mapping: mapping["columns"].update(ward={"column": "Ward"}))
    assert len(manifest) == 11


def test_ids_that_only_differ_in_zeros_are_not_taken_for_one(desk: Desk) -> None:
    hospital.write_dicom(desk.root / "other", AccessionNumber="100", PatientID="9", Modality="DX", ViewPosition="PA")
    assert len(desk.prepare(hospital.findings())) == 11
    assert desk.prepared.record["dropped"] == {"ignoring leading zeros makes it another image's key": 2}


def test_images_of_other_views_are_left_out_on_request(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    hospital.write_studies(desk.root, views=("PA", "LL", ""))
    mapping = desk.propose(hospital.findings())
    assert mapping["images"]["keep"] == {"ViewPosition": ["", "LL", "PA"]}
    manifest = desk.prepare(edit=lambda mapping: mapping["images"].update(keep={"ViewPosition": ["PA"]}))
    assert len(manifest) == 12
    assert desk.prepared.record["dropped"] == {"an element of DICOM is not among those kept": 24}
    with pytest.raises(
        ConfigurationError, match=r"No image is left by ViewPosition \['AP'\]; found are \['', 'LL', 'PA'\]"
    ):
        desk.prepare(edit=lambda mapping: mapping["images"].update(keep={"ViewPosition": ["AP"]}))


def test_patients_of_several_studies_keep_one_pseudonym_and_another_key_gives_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(tmp_path)
    hospital.write_studies(desk.root, per_patient=3)
    first = desk.prepare(hospital.findings())["patient_id"]
    assert first.nunique() == 4
    assert first.str.fullmatch("[0-9a-f]{16}").all()
    key = desk.out / "pseudonym.key"
    assert key.stat().st_mode & 0o777 == 0o600
    assert (desk.prepare()["patient_id"] == first).all()
    monkeypatch.setenv(VARIABLE, "k" * 32)
    assert not set(desk.prepare()["patient_id"]) & set(first)
    monkeypatch.setenv(VARIABLE, "short")
    with pytest.raises(ConfigurationError, match="FAIRTUNE_PSEUDONYM_KEY has 5 characters"):
        desk.prepare()


def test_no_id_no_name_and_no_date_reaches_any_file(desk: Desk) -> None:
    rows = [
        row | {"mrn": f"P-{k}", "dob": f"15.03.{1970 - k}", "seen": "2020-01-01"}
        for k, row in enumerate(hospital.findings())
    ]
    desk.prepare(rows)
    assert (desk.out / "manifest.csv").stat().st_mode & 0o777 == 0o600
    written = "".join(path.read_text() for path in desk.out.iterdir() if path.name != "pseudonym.key")
    for secret in ("00100", "P-3", "1.2.3.4", "15.03", "1970", "20110101", "2020-01-01", "SECRET"):
        assert secret not in written + desk.prepared.to_text().replace(str(desk.root.parent), "")


def test_text_that_could_be_a_formula_is_written_as_text(desk: Desk) -> None:
    rows = [row | {"site": ("=1+1", "@x")[k % 2]} for k, row in enumerate(hospital.findings())]
    manifest = desk.prepare(rows)
    assert manifest["site"].tolist()[:2] == ["'=1+1", "'@x"]


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (
            lambda m: m["label"].update(column="Befund"),
            "names column Befund, and there is no such thing: the table's columns",
        ),
        (
            lambda m: m["label"]["values"].pop("yes"),
            "column Finding holds 1 value in 6 of 12 images .* 'label': 'yes'",
        ),
        (lambda m: m["columns"]["sex"]["values"].pop("O"), "dicom PatientSex holds 1 value in 2 of 12 .*: 'O'"),
        (lambda m: m["columns"].update(mrn={"column": "Accession"}), r"writes to the columns \['mrn'\] what tells"),
        (
            lambda m: m["columns"].update(born={"column": "Birth"}),
            "Column 'born' of the manifest would hold dates in 12",
        ),
        (
            lambda m: m["columns"].update(seen={"column": "Seen"}),
            "Column 'seen' of the manifest would hold dates in 12 .* or take their year by year_of",
        ),
        (
            lambda m: m["label"].update(values={"yes": "drop", "no": "drop"}),
            "No image is left: .*'the label is left out': 12",
        ),
        (lambda m: m["images"].update(kind="nifti"), "is no image of the kind 'nifti'"),
        (lambda m: m["table"].update(encoding="klingon"), "cannot be read: unknown encoding: klingon"),
    ],
)
def test_a_mapping_that_does_not_fit_is_refused_with_what_was_found(desk: Desk, edit: Edit, message: str) -> None:
    seen = ("2019-01-01T10:00:00", "2019-1-5", "31-Jan-2019", "20190131101500", "1.2.19", "2019/12/31 10:00")
    rows = [row | {"Birth": f"{1970 - k}-03-15", "Seen": seen[k % 6]} for k, row in enumerate(hospital.findings())]
    with pytest.raises((ConfigurationError, ManifestError), match=message):
        desk.prepare(rows, edit)
    assert not (desk.out / "manifest.csv").exists()


def test_a_column_of_names_is_refused_and_none_is_quoted(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    hospital.write_studies(desk.root, 60)
    rows = [row | {"Doctor": f"Dr. {k}"} for k, row in enumerate(hospital.findings(60))]
    with pytest.raises(ConfigurationError, match="holds 60 different texts") as caught:
        desk.prepare(rows, lambda mapping: mapping["columns"].update(doctor={"column": "Doctor"}))
    values = {"Dr. 0": "a"}
    with pytest.raises(ConfigurationError, match=r"holds 59 values .* which are not shown") as again:
        desk.prepare(edit=lambda mapping: mapping["columns"].update(doctor={"column": "Doctor", "values": values}))
    assert "Dr. " not in str(caught.value) + str(again.value)


def test_numbers_that_tell_patients_apart_are_refused_unless_they_are_said_to_be_measured(desk: Desk) -> None:
    rows = [row | {"Number": 4711000 + k, "Weight": 60 + k} for k, row in enumerate(hospital.findings())]

    def add(name: str, **more: str) -> Edit:
        return lambda mapping: mapping.update(columns={name.lower(): {"column": name, **more}})

    with pytest.raises(ConfigurationError, match=r"'columns, number' holds 12 different whole numbers") as caught:
        desk.prepare(rows, add("Number"))
    assert "4711" not in str(caught.value)
    assert desk.prepare(edit=add("Number", measured="true"))["number"].tolist()[0] == "4711000"
    assert desk.prepare(edit=add("Weight"))["weight"].tolist()[0] == "60"


def test_short_numbers_are_taken_for_ids_where_they_are_many_and_hardly_shared(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    hospital.write_studies(desk.root, 60)
    rows = [
        row | {"Number": 100 + max(k, 1), "Weight": 60 + k % 55} for k, row in enumerate(hospital.findings(60))
    ]  # one number was typed twice
    with pytest.raises(ConfigurationError, match=r"'columns, number' holds 59 different whole numbers"):
        desk.prepare(rows, lambda mapping: mapping["columns"].update(number={"column": "Number"}))
    assert len(desk.prepare(edit=lambda mapping: mapping.update(columns={"weight": {"column": "Weight"}}))) == 60


@pytest.mark.parametrize("year_of", [{"dicom": "StudyDate"}, {"column": "Seen", "format": "%d.%m.%Y"}])
def test_a_manifest_holds_the_year_of_the_exam_and_not_its_date(desk: Desk, year_of: dict[str, str]) -> None:
    rows = [row | {"Seen": "01.01.2011" if k else ""} for k, row in enumerate(hospital.findings())]
    manifest = desk.prepare(rows, lambda mapping: mapping["columns"].update(year={"year_of": year_of}))
    assert manifest["year"].tolist() == ["2011" if k or "dicom" in year_of else "" for k in range(12)]
    assert "01.01.2011" not in "".join(path.read_text() for path in desk.out.iterdir())


def test_each_image_can_be_a_patient_of_its_own_if_the_user_says_so(pictures: Desk) -> None:
    rows = [{"file": f"{k:03}.png", "label": k % 2} for k in range(12)]
    pictures.propose(rows)
    manifest = pictures.prepare(edit=lambda mapping: mapping.update(patient_id={"image": "path"}))
    assert manifest["patient_id"].nunique() == 12
    assert manifest["image"].tolist()[0] == "part 0/000.png"


def test_a_manifest_that_somebody_wrote_is_not_overwritten(desk: Desk) -> None:
    desk.propose(hospital.findings())
    (desk.out / "manifest.csv").write_text("mine")
    with pytest.raises(ConfigurationError, match=r"holds a manifest.csv that was not prepared by this command"):
        desk.prepare()


def test_neither_call_writes_into_the_folder_of_the_images(desk: Desk) -> None:
    desk.propose(hospital.findings())
    path = desk.proposal.path
    inside, before = desk.root / "cohort", sorted(desk.root.rglob("*"))
    with pytest.raises(ConfigurationError, match=r"'.*cohort' is in the root '.*export', which stays as it is"):
        propose_mapping(desk.root, desk.table, inside, progress=False)
    with pytest.raises(ConfigurationError, match="Give a folder outside"):
        prepare_table(desk.root, desk.table, inside, path, progress=False)
    assert sorted(desk.root.rglob("*")) == before


def test_a_key_in_the_folder_of_the_images_is_to_be_moved_with_the_output(desk: Desk) -> None:
    inside = desk.root / "cohort"
    inside.mkdir()
    (inside / "pseudonym.key").write_text("k" * 64)
    with pytest.raises(ConfigurationError, match=r"Give a folder outside\. Move '.*cohort/pseudonym.key' there first"):
        propose_mapping(desk.root, desk.table, inside, progress=False)
    desk.propose(hospital.findings())
    with pytest.raises(ConfigurationError, match="patients get other pseudonyms"):
        prepare_table(desk.root, desk.table, inside, desk.proposal.path, progress=False)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_refused(desk: Desk) -> None:
    desk.propose(hospital.findings())
    desk.out.chmod(0o500)
    with pytest.raises(ConfigurationError, match="cannot be written: Permission denied"):
        desk.prepare()


def test_images_that_are_links_out_of_the_root_are_refused(desk: Desk) -> None:
    image = next(desk.root.rglob("IM0"))
    image.symlink_to(image.rename(desk.root.parent / "away"))
    desk.propose(hospital.findings())
    with pytest.raises(ManifestError, match="1 images lie outside the data root once links are followed"):
        desk.prepare()
    assert not (desk.out / "manifest.csv").exists()
