"""Words by which columns and cells of hospitals' tables are recognized; what is not among them is asked for."""

from __future__ import annotations

import re
from collections.abc import Collection
from itertools import pairwise

__all__ = [
    "ACQUISITION", "AGE", "BIRTH", "LABEL", "NO_LABEL", "OTHER_ATTRIBUTES", "PATIENT", "SEX", "SPLIT", "STUDY_DATE",
    "label_of", "name_words", "reads_like", "sex_of", "split_of", "value_of",
]  # fmt: skip

PATIENT = frozenset({"patient", "patientid", "subject", "subjectid", "participant", "mrn", "pid"})
SEX = frozenset({"sex", "gender", "geschlecht"})
AGE = frozenset({"age", "alter"})
BIRTH = frozenset({"birth", "birthdate", "dob", "geburtsdatum", "born"})
STUDY_DATE = frozenset({"studydate", "examdate", "scandate", "date", "datum"})
SPLIT = frozenset({"split", "partition", "subset", "list"})
LABEL = frozenset(
    {"label", "target", "class", "diagnosis", "dx", "finding", "outcome", "truth", "disease", "pathology", "y"}
)
ACQUISITION = frozenset(
    {"site", "hospital", "center", "centre", "clinic", "institution", "scanner", "device", "manufacturer", "vendor",
     "station", "modality", "view", "protocol"}
)  # fmt: skip
NO_LABEL = SEX | AGE | BIRTH | PATIENT | STUDY_DATE | SPLIT
OTHER_ATTRIBUTES = frozenset({"race", "ethnicity", "skin", "fitzpatrick", "insurance", "language"})

_NOT_RECORDED = frozenset({"", "na", "n/a", "nan", "none", "null", "unknown", "unk", "?", "missing", "unbekannt"})
_FEMALE = frozenset({"f", "female", "w", "weiblich", "woman"})
_MALE = frozenset({"m", "male", "männlich", "man"})
_NEITHER = frozenset({"o", "other", "u", "d", "divers"})
_POSITIVE = frozenset({"1", "yes", "y", "true", "positive", "pos", "present", "malignant", "abnormal", "ja"})
_NEGATIVE = frozenset({"0", "no", "n", "false", "negative", "neg", "absent", "benign", "normal", "nein"})
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
