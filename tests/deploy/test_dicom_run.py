from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from filelock import FileLock
from pydicom import dcmread

from monai_fairtune.cohort.hashing import file_sha256
from monai_fairtune.deploy import IntendedUse, ModelIdentity
from monai_fairtune.deploy.dicom import ReadingLimits, ReadingRules, RunSummary, answer_files
from monai_fairtune.deploy.in_use import AnswerLog, read_answers
from monai_fairtune.exceptions import ConfigurationError, DiskFullError, StudyDriftError, StudyLockedError
from monai_fairtune.predictions import keyed_pseudonym
from monai_fairtune.testing.classifiers import BrightnessClassifier
from tests.deploy.dicom_files import CANARIES, picture, write_image
from tests.search.faults.disks import SmallDisk

KEY = b"k" * 32
Answer = Callable[..., RunSummary]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two studies of two and one images, an image of another modality, and a note."""
    for n in (1, 2):
        write_image(tmp_path / "in" / "CANARYFOLDER" / f"IM{n}", picture(0.3 * n), number=n)
    write_image(tmp_path / "in" / "c.dcm", picture(0.8), study="1.2.3.200", PatientID=" =cmd()")
    write_image(tmp_path / "in" / "mr.dcm", study="1.2.3.300", modality="MR")
    (tmp_path / "in" / "CANARYNOTE.txt").write_text("CANARYTEXT")
    return tmp_path / "in"


@pytest.fixture
def answer(tmp_path: Path) -> Answer:
    def run(*inputs: Path, key: bytes = KEY, classifier: BrightnessClassifier | None = None) -> RunSummary:
        model = classifier or BrightnessClassifier(intended_use=IntendedUse(modalities=("DX",)))
        return answer_files(inputs, tmp_path / "out", model, key=key)

    return run


def _table(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(folder / name, dtype=str, keep_default_na=False)


def test_each_study_has_a_report_and_each_image_a_row(root: Path, answer: Answer, tmp_path: Path) -> None:
    found = answer(root)
    assert found.to_dict() == {
        "n_files": 5, "n_known": 0, "n_answered": 3, "n_refused": 2, "n_reports": 2,
        "refused": {"not_dicom": 1, "modality": 1},
    }  # fmt: skip
    reports = [dcmread(path) for path in (tmp_path / "out" / "reports").iterdir()]
    assert sorted((report.StudyInstanceUID, report.PatientID) for report in reports) == [
        ("1.2.3.100", "CANARYID7"),
        ("1.2.3.200", " =cmd()"),
    ]
    answered = _table(tmp_path / "out", "predictions.csv")
    assert sorted(answered["class"]) == ["bright", "bright", "dark"]
    assert sorted(float(score) for score in answered["score"]) == pytest.approx([0.3, 0.6, 0.8], abs=0.02)
    assert set(_table(tmp_path / "out", "refused.csv")["reason"]) == {"not_dicom", "modality"}


def test_a_report_is_partial_where_an_image_of_its_study_has_no_answer(
    root: Path, answer: Answer, tmp_path: Path
) -> None:
    write_image(root / "mr_of_c.dcm", study="1.2.3.200", number=2, modality="MR")
    write_image(root / "report_of_im.dcm", number=3, Rows=None, Columns=None)
    assert answer(root).refused == {"modality": 2, "not_dicom": 1, "no_pixels": 1}
    reports = [dcmread(path) for path in (tmp_path / "out" / "reports").iterdir()]
    assert {report.StudyInstanceUID: report.CompletionFlag for report in reports} == {
        "1.2.3.100": "COMPLETE",
        "1.2.3.200": "PARTIAL",
    }


def test_whoever_has_the_key_finds_image_patient_study_and_file_again(
    root: Path, answer: Answer, tmp_path: Path
) -> None:
    answer(root)
    row = (
        _table(tmp_path / "out", "predictions.csv")
        .set_index("file")
        .loc[keyed_pseudonym(file_sha256(root / "CANARYFOLDER" / "IM2"), KEY)]
    )
    assert row["image"] == keyed_pseudonym("1.2.3.100.1.2", KEY)
    assert row["study"] == keyed_pseudonym("1.2.3.100", KEY)
    assert row["patient_id"] == keyed_pseudonym("CANARYID7", KEY)


def test_blanks_about_a_patients_id_change_no_pseudonym(root: Path, answer: Answer, tmp_path: Path) -> None:
    answer(root / "c.dcm")
    assert _table(tmp_path / "out", "predictions.csv")["patient_id"].item() == keyed_pseudonym("=cmd()", KEY)


def test_no_file_but_the_reports_holds_anything_of_a_patient_a_path_or_a_uid(
    root: Path, answer: Answer, tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    answer(root)
    written = [path for path in (tmp_path / "out").rglob("*") if path.is_file() and path.parent.name != "reports"]
    assert {path.name for path in written} == {"predictions.csv", "refused.csv", "run.json", ".lock"}
    shown = capfd.readouterr()
    texts = [path.read_text() for path in written] + [shown.out, shown.err, caplog.text]
    for secret in (*CANARIES.values(), "CANARY", "1.2.3", str(root), "IM1", "066Y", "=cmd"):
        assert not any(secret in text for text in texts), secret


def test_outputs_are_for_their_owner_alone(root: Path, answer: Answer, tmp_path: Path) -> None:
    answer(root)
    for path in (tmp_path / "out").rglob("*.[cd][sc][vm]"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "out" / "reports").stat().st_mode) == 0o700


def test_started_again_it_asks_the_model_for_new_images_only(root: Path, answer: Answer, tmp_path: Path) -> None:
    answer(root)
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    again = BrightnessClassifier(intended_use=IntendedUse(modalities=("DX",)))
    assert answer(root, classifier=again).n_known == 3
    assert again.n_images == 0
    assert {path: path.read_bytes() for path in before} == before
    write_image(root / "d.dcm", study="1.2.3.400")
    assert answer(root, classifier=again).n_answered == again.n_images == 1
    assert len(_table(tmp_path / "out", "predictions.csv")) == 4


def test_an_interrupted_run_keeps_what_it_has(root: Path, answer: Answer, tmp_path: Path) -> None:
    class Interrupted(BrightnessClassifier):
        def probabilities(self, paths):  # type: ignore[no-untyped-def]
            if self.n_images:
                raise KeyboardInterrupt
            return super().probabilities(paths)

    use = IntendedUse(modalities=("DX",))
    with pytest.raises(KeyboardInterrupt):
        answer(root, classifier=Interrupted(intended_use=use))
    n_before = len(_table(tmp_path / "out", "predictions.csv"))
    assert 1 <= n_before < 3
    assert answer(root).n_answered == 3 - n_before
    assert len(_table(tmp_path / "out", "predictions.csv")) == 3


def test_an_answer_that_was_logged_and_then_not_written_is_in_the_log_once(root: Path, tmp_path: Path) -> None:
    log, model, out = AnswerLog(tmp_path / "log.db", KEY), BrightnessClassifier(), tmp_path / "out"
    answer_files([root / "c.dcm"], tmp_path / "first", model, key=KEY)
    (report,) = (tmp_path / "first" / "reports").iterdir()
    (out / "reports" / report.name).mkdir(parents=True)
    with pytest.raises(IsADirectoryError):
        answer_files([root / "c.dcm"], out, model, key=KEY, log=log)
    (out / "reports" / report.name).rmdir()
    assert (len(read_answers(log.path).table), list((out / "reports").iterdir())) == (1, [])
    assert answer_files([root / "c.dcm"], out, model, key=KEY, log=log).n_answered == 1
    assert len(read_answers(log.path).table) == 1


def test_copies_are_answered_once(root: Path, answer: Answer, tmp_path: Path) -> None:
    (root / "copy").write_bytes((root / "c.dcm").read_bytes())
    other_bytes = write_image(root / "CANARYFOLDER" / "IM9", picture(0.2), study="1.2.3.200", PatientID=" =cmd()")
    found = answer(root)
    assert (found.n_known, found.refused["duplicate"]) == (1, 1)
    assert answer(other_bytes).n_answered + answer(root / "c.dcm").n_answered == 0
    assert _table(tmp_path / "out", "predictions.csv")["image"].is_unique


def test_a_refused_file_that_is_answered_later_is_refused_no_more(root: Path, answer: Answer, tmp_path: Path) -> None:
    theirs = write_image(root / "theirs.dcm", study="1.2.3.200", number=2)
    assert answer(root / "c.dcm", theirs).refused == {"mixed_patients": 2}
    assert answer(root / "c.dcm").n_answered == 1
    refused = _table(tmp_path / "out", "refused.csv")
    assert refused["file"].to_list() == [keyed_pseudonym(file_sha256(theirs), KEY)]


def test_an_image_whose_damaged_file_was_repaired_is_refused_no_more(
    root: Path, answer: Answer, tmp_path: Path
) -> None:
    whole = (root / "c.dcm").read_bytes()
    (root / "c.dcm").write_bytes(whole[:-100])
    assert answer(root).refused["unreadable"] == 1
    (root / "c.dcm").write_bytes(whole)
    assert answer(root).n_answered == 1
    assert sorted(_table(tmp_path / "out", "refused.csv")["reason"]) == ["modality", "not_dicom"]


def test_a_damaged_copy_of_an_image_that_is_answered_has_a_row(root: Path, answer: Answer, tmp_path: Path) -> None:
    (root / "a.dcm").write_bytes((root / "c.dcm").read_bytes()[:-100])
    assert answer(root / "a.dcm", root / "c.dcm").refused == {"unreadable": 1}
    assert _table(tmp_path / "out", "refused.csv")["reason"].to_list() == ["unreadable"]


def test_a_file_beyond_the_limit_is_not_read_and_its_path_stands_in_for_its_content(root: Path, tmp_path: Path) -> None:
    rules = ReadingRules(limits=ReadingLimits(n_bytes=(root / "CANARYNOTE.txt").stat().st_size))
    found = answer_files(
        [root / "c.dcm", root / "CANARYNOTE.txt"], tmp_path / "out", BrightnessClassifier(), key=KEY, rules=rules
    )
    assert found.refused == {"too_large": 1, "not_dicom": 1}
    rows = _table(tmp_path / "out", "refused.csv").set_index("reason")["file"]
    assert rows["too_large"] == keyed_pseudonym(ascii(str(root / "c.dcm")), KEY)
    assert rows["not_dicom"] == keyed_pseudonym(file_sha256(root / "CANARYNOTE.txt"), KEY)


def test_a_full_disk_is_said_and_leaves_nothing_half_written(root: Path, tmp_path: Path) -> None:
    with SmallDisk(tmp_path / "disk") as disk:
        inputs, out, model = [root / "c.dcm"], disk.folder / "out", BrightnessClassifier()
        answer_files(inputs, out, model, key=KEY)
        before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
        disk.fill()
        with pytest.raises(DiskFullError, match=r"disk is full. Nothing is lost: make room") as caught:
            answer_files([root], out, model, key=KEY)
        assert caught.value.exit_code == 75
        assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
        disk.free()
        assert answer_files([root], out, model, key=KEY).n_answered == 3


def test_names_of_classes_that_look_like_formulas_stay_as_they_are(root: Path, answer: Answer, tmp_path: Path) -> None:
    model = BrightnessClassifier(class_names=("=no", "'+yes"))
    for _ in range(3):
        answer(root, classifier=model)
        assert set(_table(tmp_path / "out", "predictions.csv")["class"]) == {"'=no", "''+yes"}


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"classifier": BrightnessClassifier(ModelIdentity("brightness", "1.0.0", "c" * 64))}, "model"),
        ({"classifier": BrightnessClassifier(threshold=0.7)}, "threshold"),
        ({"key": b"other" * 8}, "key"),
    ],
)
def test_answers_of_different_kinds_do_not_mix(
    root: Path, answer: Answer, changed: dict[str, object], what: str
) -> None:
    answer(root)
    with pytest.raises(StudyDriftError, match=rf"differ in .*{what}") as caught:
        answer(root, **changed)
    assert caught.value.exit_code == 64


def test_what_does_not_exist_is_refused_without_its_name(root: Path, answer: Answer, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="Number 2 of the 2 files and folders given does not exist"):
        answer(root, tmp_path / "SECRET")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigurationError, match="There is no file"):
        answer(tmp_path / "empty")


def test_links_that_lead_out_of_a_folder_are_not_followed(root: Path, answer: Answer, tmp_path: Path) -> None:
    outside = write_image(tmp_path / "outside.dcm", study="1.2.3.500")
    (root / "link.dcm").symlink_to(outside)
    assert answer(root).n_files == 5


def test_two_runs_do_not_write_to_one_folder(root: Path, answer: Answer, tmp_path: Path) -> None:
    answer(root)
    with (
        FileLock(tmp_path / "out" / ".lock").acquire(timeout=0),
        pytest.raises(StudyLockedError, match="Another process"),
    ):
        answer(root)
    assert answer(root).n_known == 3


def test_outputs_among_the_images_are_not_taken_for_images(root: Path) -> None:
    model = BrightnessClassifier()
    first = answer_files([root], root / "out", model, key=KEY)
    again = answer_files([root], root / "out", model, key=KEY)
    assert (first.n_files, again.n_files, again.n_known) == (5, 5, 4)


def test_a_link_to_another_folder_is_left_alone_and_a_file_given_twice_counts_once(root: Path, answer: Answer) -> None:
    (root / "again").symlink_to(root / "CANARYFOLDER")
    assert answer(root, root / "c.dcm", root / "c.dcm").n_files == 5


def test_the_middle_frame_is_taken_where_asked(tmp_path: Path) -> None:
    frames = np.stack([picture(0.2), picture(0.6), picture(0.9)])
    cine = write_image(tmp_path / "in.dcm", frames)
    model = BrightnessClassifier()
    answer_files([cine], tmp_path / "out", model, key=KEY, rules=ReadingRules(frame="middle"))
    row = _table(tmp_path / "out", "predictions.csv").iloc[0]
    assert row["frame"] == "2"
    assert float(row["score"]) == pytest.approx(0.6, abs=0.02)
    (report,) = (tmp_path / "out" / "reports").iterdir()
    numbers = [element.value for element in dcmread(report).iterall() if element.keyword == "ReferencedFrameNumber"]
    assert numbers == [2]
