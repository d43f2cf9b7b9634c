from __future__ import annotations

import pandas as pd
import pytest

from monai_fairtune.cohort.filters import keep_rows
from monai_fairtune.exceptions import ConfigurationError, ManifestError

TABLE = pd.DataFrame({"plane": ["axial", "coronal", "axial"], "site": ["A", "A", "B"], "type": ["1.0", "2", ""]})


def test_without_a_filter_every_row_is_kept() -> None:
    assert keep_rows(TABLE, None) is TABLE


@pytest.mark.parametrize(
    ("where", "rows"),
    [
        ("plane=axial", ["A", "B"]),
        (" plane = axial , site = B ", ["B"]),
        ("site=A|B,plane=coronal", ["A"]),
        ("type=1|2", ["A", "A"]),
        ("type=2.0", ["A"]),
    ],
)
def test_rows_that_meet_every_condition_are_kept(where: str, rows: list[str]) -> None:
    kept = keep_rows(TABLE, where)
    assert kept["site"].tolist() == rows
    assert kept.index.tolist() == list(range(len(rows)))


@pytest.mark.parametrize(
    "where", ["", "plane", "plane=", "=axial", "plane=axial,", "plane=axial,plane=coronal", "a=b||c"]
)
def test_a_filter_that_cannot_be_read_is_refused(where: str) -> None:
    with pytest.raises(ConfigurationError, match="column=value"):
        keep_rows(TABLE, where)


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("view=axial", "names the column 'view'; the manifest's columns are"),
        ("plane=axial|sagital", "never holds .'sagital'.; it holds .'axial', 'coronal'."),
        ("plane=coronal,site=B", "No row of the manifest meets"),
    ],
)
def test_a_filter_that_cannot_be_met_is_refused(where: str, message: str) -> None:
    with pytest.raises(ManifestError, match=message):
        keep_rows(TABLE, where)
