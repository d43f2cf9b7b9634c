"""Words by which columns and cells of hospitals' tables are recognized; what is not among them is asked for."""

from __future__ import annotations

import re
from collections.abc import Collection
from itertools import pairwise

__all__ = [
    "ACQUISITION", "AGE", "BIRTH", "LABEL", "NO_LABEL", "OTHER_ATTRIBUTES", "PATIENT", "SEX", "SPLIT",
    "is_date", "is_exam_date", "label_of", "name_words", "reads_like", "sex_of", "split_of", "value_of",
]  # fmt: skip

PATIENT = frozenset(
    {"patient", "patientid", "subject", "subjectid", "participant", "mrn", "pid", "patienten", "patientennummer"}
)
SEX = frozenset({"sex", "gender", "geschlecht"})
AGE = frozenset({"age", "alter"})
BIRTH = frozenset({"birth", "birthdate", "dob", "born", "geb", "gebdatum", "geboren", "geburtsdatum", "geburtstag"})
SPLIT = frozenset({"split", "partition", "subset", "list"})
LABEL = frozenset(
    {"label", "target", "class", "diagnosis", "dx", "finding", "outcome", "truth", "disease", "pathology", "y",
     "result", "befund", "diagnose", "ergebnis"}
)  # fmt: skip
ACQUISITION = frozenset(
    {"site", "hospital", "center", "centre", "clinic", "institution", "scanner", "device", "manufacturer", "vendor",
     "station", "modality", "view", "protocol", "standort", "klinik", "krankenhaus", "gerät", "hersteller"}
)  # fmt: skip
NO_LABEL = SEX | AGE | BIRTH | PATIENT | SPLIT
OTHER_ATTRIBUTES = frozenset({"race", "ethnicity", "skin", "fitzpatrick", "insurance", "language"})

_DATE = frozenset({"date", "examdate", "studydate", "scandate"})
_EXAM = frozenset(
    {"exam", "examination", "study", "scan", "imaging", "acquisition", "untersuchung", "untersuchungs", "studien",
     "examdate", "studydate", "scandate", "untersuchungsdatum", "studiendatum"}
)  # fmt: skip
_BESIDE_EXAM = _DATE | {"datum"} | {"of", "the", "der", "time", "dd", "mm", "yyyy", "tt", "jjjj"}

_NOT_RECORDED = frozenset(
    {"", "na", "n/a", "nan", "none", "null", "unknown", "unk", "?", "missing", "unbekannt",
     "k.a.", "k. a.", "keine angabe"}
)  # fmt: skip
_FEMALE = frozenset({"f", "female", "w", "weiblich", "woman"})
_MALE = frozenset({"m", "male", "männlich", "man"})
_NEITHER = frozenset({"o", "other", "u", "d", "divers"})
_POSITIVE = frozenset({"1", "yes", "y", "true", "positive", "pos", "present", "malignant", "abnormal", "ja", "positiv"})
_NEGATIVE = frozenset({"0", "no", "n", "false", "negative", "neg", "absent", "benign", "normal", "nein", "negativ"})
_SPLITS = {
    "train": "train", "training": "train", "val": "validation", "valid": "validation", "validation": "validation",
    "selection": "selection", "test": "test", "testing": "test",
}  # fmt: skip


def name_words(name: str) -> list[str]:
    """Returns the words of a column's name, in lower case.

    Example:
        >>> name_words("PatientID"), name_words("age_at-scan (years)")
        (['patient', 'id'], ['age', 'at', 'scan', 'years'])
    """
    parted = re.sub(r"(?<=[a-zäöüß])(?=[A-ZÄÖÜ])", " ", name)
    return re.findall(r"[^\W\d_]+", parted.lower())


def reads_like(name: str, words: Collection[str]) -> bool:
    """Returns whether one word of a column's name, or two in a row, are among ``words``.

    Example:
        >>> reads_like("Study Date", {"studydate"}), reads_like("image", {"age"})
        (True, False)
    """
    found = name_words(name)
    pairs = {first + second for first, second in pairwise(found)}
    return bool((set(found) | pairs) & set(words))


def is_date(name: str) -> bool:
    """Returns whether a column's name says that it holds dates.

    Example:
        >>> is_date("Report date"), is_date("Entlassungsdatum"), is_date("candidate")
        (True, True, False)
    """
    return any(word in _DATE or word.endswith("datum") for word in name_words(name))


def is_exam_date(name: str) -> bool:
    """Returns whether a column's name says that it is the date of the exam, and nothing else: not the last one's.

    Example:
        >>> is_exam_date("Date of exam"), is_exam_date("Untersuchungsdatum"), is_exam_date("Date of last contact")
        (True, True, False)
    """
    found = set(name_words(name))
    return is_date(name) and bool(found & _EXAM) and found <= _EXAM | _BESIDE_EXAM


def sex_of(cell: str) -> str | None:
    """Returns ``female``, ``male``, ``missing``, or None for a cell that means none of these for certain."""
    text = cell.lower()
    if text in _NOT_RECORDED | _NEITHER:
        return "missing"
    return "female" if text in _FEMALE else "male" if text in _MALE else None


def label_of(cell: str) -> int | str | None:
    """Returns 1, 0, ``drop`` for what is not recorded, or None for a cell that means none of these for certain."""
    text = cell.lower()
    if text in _NOT_RECORDED:
        return "drop"
    return 1 if text in _POSITIVE else 0 if text in _NEGATIVE else None


def value_of(cell: str) -> str:
    """Returns a cell as it is, or ``missing``."""
    return "missing" if cell.lower() in _NOT_RECORDED else cell


def split_of(cell: str) -> str | None:
    """Returns the manifest's name of a split, or None."""
    return _SPLITS.get(cell.lower())
