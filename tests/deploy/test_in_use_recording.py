"""Answers for DICOM images are logged with what headers record of the patient, which no model is given."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from monai_fairtune.cli import main
from monai_fairtune.deploy import ImageClassifier
from monai_fairtune.deploy.dicom import answer_study
from monai_fairtune.deploy.export import ExportedModel
from monai_fairtune.deploy.in_use import AnswerLog, header_attributes, logged, read_answers
from monai_fairtune.exceptions import StorageUnreachableError
from monai_fairtune.testing.classifiers import BrightnessClassifier
from tests.deploy.dicom_files import CANARIES, picture, write_image

KEY = b"k" * 64


class Watching(BrightnessClassifier):
    """Remembers the bytes of what it was given."""

    def probabilities(self, paths: Sequence[Path]) -> NDArray[np.float64]:
        self.given = b"".join(path.read_bytes() for path in paths)
        return super().probabilities(paths)


def test_no_argument_of_a_classifier_could_carry_an_attribute() -> None:
    assert list(inspect.signature(ImageClassifier.probabilities).parameters) == ["self", "paths"]


def test_the_model_is_given_the_same_bytes_whatever_the_header_says_of_the_patient(tmp_path: Path) -> None:
    given = []
    for sex, age in (("F", "066Y"), ("M", "021Y")):
        classifier = Watching()
        path = write_image(tmp_path / f"{sex}.dcm", picture(0.4), PatientSex=sex, PatientAge=age)
        answer_study([path], classifier)
        given.append(classifier.given)
    assert given[0] == given[1]
    assert b"066Y" not in given[0]


def test_a_study_is_logged_as_it_is_answered_and_refused_images_are_left_out(tmp_path: Path) -> None:
    log, classifier = AnswerLog(tmp_path / "log.db", KEY), BrightnessClassifier()
    files = [write_image(tmp_path / f"{n}.dcm", picture(0.2 * n), number=n) for n in (1, 2)]
    (tmp_path / "damaged.dcm").write_text("no image")
    answer = logged(answer_study, log)
    found = answer([*files, tmp_path / "damaged.dcm"], classifier)
    table = read_answers(log.path).table
    assert table["score"].tolist() == [each.probability for each in found.answers[:2]]
    assert set(zip(table["sex"], table["age"], strict=True)) == {("female", "66")}
    assert table["patient"].nunique() == 1
    content = log.path.read_bytes()
    assert not [name for name, value in CANARIES.items() if value.encode() in content]


def test_without_a_row_in_the_log_there_is_no_answer(tmp_path: Path) -> None:
    log = AnswerLog(tmp_path / "log.db", KEY)
    answer = logged(answer_study, log)
    log.path = tmp_path / "gone" / "log.db"
    with pytest.raises(StorageUnreachableError):
        answer([write_image(tmp_path / "a.dcm")], BrightnessClassifier())


def test_dicom_run_logs_what_it_answers_once(
    exported_zip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FAIRTUNE_PSEUDONYM_KEY", raising=False)
    (tmp_path / "keys").mkdir()
    for n in (1, 2):
        write_image(tmp_path / "in" / f"{n}.dcm", picture(0.2 * n), number=n)
    asked = [
        "dicom",
        "run",
        str(tmp_path / "in"),
        "--model",
        str(exported_zip),
        "--key-file",
        str(tmp_path / "keys" / "k"),
    ]
    for output in ("a", "b"):
        logging = ["--output-dir", str(tmp_path / output), "--answer-log", str(tmp_path / "log.db")]
        assert main([*asked, *logging]) == 0
    found = read_answers(tmp_path / "log.db")
    answered = pd.read_csv(tmp_path / "a" / "predictions.csv")
    assert found.model == ExportedModel.load(exported_zip).identity.sha256
    assert sorted(found.table["image"]) == sorted(answered["image"])
    assert sorted(found.table["score"]) == pytest.approx(sorted(answered["score"]))
    assert set(found.table["sex"]) == {"female"}


@pytest.mark.parametrize(
    ("header", "sex", "age"),
    [
        ({"PatientSex": "M", "PatientAge": "021Y"}, "male", "21"),
        ({"PatientSex": "O", "PatientAge": "018M"}, "", "1.5"),
        ({"PatientSex": "", "PatientAge": "", "PatientBirthDate": "19520301", "StudyDate": "20260228"}, "", "73"),
        ({"PatientSex": "F", "PatientAge": "200Y"}, "female", ""),
        ({"PatientBirthDate": "19520301"}, "", ""),
        ({}, "", ""),
    ],
)
def test_sex_and_age_are_read_as_the_header_records_them_or_are_missing(
    header: dict[str, str], sex: str, age: str
) -> None:
    assert header_attributes(header) == {"sex": sex, "age": age}
