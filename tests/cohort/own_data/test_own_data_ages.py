from __future__ import annotations

import pandas as pd
import pytest

from monai_fairtune.cohort.own_data.ages import count_missing, read_ages
from monai_fairtune.cohort.own_data.mapping import AgeSource, DateSource
from monai_fairtune.cohort.own_data.sources import Source

_AGE = AgeSource(age=Source("column", "age"))
_DATES = AgeSource(
    birth=DateSource(Source("dicom", "PatientBirthDate"), None), study=DateSource(Source("column", "seen"), "%d.%m.%Y")
)


@pytest.mark.parametrize(
    ("cell", "age"),
    [
        ("063Y", "63"), ("63", "63"), ("63.9", "63"), ("63,5", "63"), ("63 years", "63"), ("024M", "2"),
        ("011M", "0.92"), ("018M", "1.5"), ("006W", "0.08"), ("010D", "0"), ("0", "0"), ("120", "120"),
        ("", ""), ("121", ""), ("-1", ""), ("199Y", ""), ("adult", ""), ("60-70", ""), ("1950-02-01", ""),
    ],
)  # fmt: skip
def test_ages_of_every_form_become_completed_years_or_months(cell: str, age: str) -> None:
    assert read_ages(pd.DataFrame({"column age": [cell]}), [_AGE])["age"].tolist() == [age]


@pytest.mark.parametrize(
    ("born", "seen", "age"),
    [
        ("19600302", "01.03.2020", "59"), ("19600302", "02.03.2020", "60"), ("1960.03.02", "03.03.2020", "60"),
        ("20190315", "14.01.2020", "0.75"), ("20200302", "01.03.2020", ""), ("18990101", "01.03.2020", ""),
        ("", "01.03.2020", ""), ("19601302", "01.03.2020", ""),
    ],
)  # fmt: skip
def test_an_age_between_two_dates_is_completed_on_the_birthday(born: str, seen: str, age: str) -> None:
    frame = pd.DataFrame({"dicom PatientBirthDate": [born], "column seen": [seen]})
    assert read_ages(frame, [_DATES])["age"].tolist() == [age]


def test_a_missing_age_is_counted_once_under_its_gravest_reason_and_the_next_source_is_asked() -> None:
    cells = [("63", "19500101"), ("", "19500101"), ("200", "18000101"), ("adult", ""), ("", ""), ("", "18000101")]
    frame = pd.DataFrame(cells, columns=["column age", "dicom PatientBirthDate"]).assign(
        **{"column seen": "01.01.2020"}
    )
    read = read_ages(frame, [_AGE, _DATES])
    assert read["age"].tolist() == ["63", "70", "", "", "", ""]
    assert (read["missing"] == "").tolist() == [True, True, False, False, False, False]
    assert count_missing(read) == {
        "not recorded": 1, "not readable as an age": 1, "below 0 or above 120 years": 2,
    }  # fmt: skip
    assert count_missing(read_ages(frame, [])) == {"not recorded": 6}
