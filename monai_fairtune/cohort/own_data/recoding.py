"""What the values of a source become, as the mapping says; a value that it does not name is never guessed."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from monai_fairtune.cohort.console import n_of
from monai_fairtune.cohort.own_data.dates import read_years
from monai_fairtune.cohort.own_data.mapping import Recode, YearOf
from monai_fairtune.cohort.own_data.mapping_schema import MISSING_CELL
from monai_fairtune.cohort.own_data.proposed import listed
from monai_fairtune.exceptions import ConfigurationError, ManifestError

__all__ = ["MOST_VALUES", "recode_cells", "recode_first", "refuse_dates", "refuse_identifiers"]

_DATE = "|".join(
    (
        r"(?:18|19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:\d{6})?",
        r"(?:18|19|20)\d\d[-./](?:0?[1-9]|1[0-2])[-./](?:0?[1-9]|[12]\d|3[01])",
        r"\d{1,2}[./-]\d{1,2}[./-](?:\d\d){1,2}",
        r"\d{1,2}[. /-][A-Za-z]{3,9}[. /-](?:\d\d){1,2}",
    )
)
_FEW = 20
_ID_DIGITS = 5
_UNSHARED = 0.95  # of the numbers belong to one patient

MOST_VALUES = 50
"""A column of text with more values than this is taken for names, ids or remarks."""


def recode_cells(frame: pd.DataFrame, recode: Recode, where: str) -> pd.Series[str]:
    """Returns what each image's value becomes; ``missing`` is a blank.

    Args:
        frame: one row an image, columns named as ``Source`` says.
        recode: the source and its values; without values they stay as they are.
        where: in the mapping, for messages.

    Raises:
        ConfigurationError: if a value is not named.
    """
    cells = frame[str(recode.source)]
    if recode.values is None:
        return cells
    unknown = sorted(set(cells) - set(recode.values))
    if unknown:
        n_unknown = int(cells.isin(unknown).sum())
        named = listed([repr(value) for value in unknown]) if len(unknown) <= _FEW else "which are not shown"
        raise ConfigurationError(
            f"{recode.source} holds {n_of(len(unknown), 'value')} in {n_unknown} of {len(cells)} images that the "
            f"mapping does not name at {where!r}: {named}. Add them there."
        )
    return cells.map({value: "" if meaning == MISSING_CELL else meaning for value, meaning in recode.values.items()})


def recode_first(frame: pd.DataFrame, sources: Sequence[Recode | YearOf], where: str) -> pd.Series[str]:
    """Returns the value of the first source that has one for an image; the arguments are those of ``recode_cells``."""
    cells = pd.Series("", index=frame.index)
    for each in sources:
        found = read_years(frame, each.date) if isinstance(each, YearOf) else recode_cells(frame, each, where)
        cells = cells.where(cells != "", found)
    return cells


def refuse_dates(rows: pd.DataFrame) -> None:
    """Refuses a manifest that would hold dates.

    Args:
        rows: of the manifest, without ``image``.

    Raises:
        ManifestError: naming the column.
    """
    for name in rows.columns:
        n_dates = int(rows[name].str.match(rf"(?:{_DATE})(?:[\sT].*)?$").sum())
        if n_dates:
            raise ManifestError(
                f"Column {name!r} of the manifest would hold dates in {n_dates} of {len(rows)} images, and dates never "
                "reach a manifest. Leave this column out of the mapping, give its values other words, or take their "
                "year by year_of."
            )


def refuse_identifiers(cells: pd.Series[str], patients: pd.Series[str], where: str) -> None:
    """Refuses a column that would reach a manifest as it is and tells patients apart; no value is quoted.

    Texts do so if there are many of them; whole numbers if hardly one is shared by two patients and they are many, or
    long.

    Args:
        cells: one an image.
        patients: whose image each is.
        where: in the mapping, for messages.

    Raises:
        ConfigurationError: saying how many values there are.
    """
    texts = cells[pd.to_numeric(cells, errors="coerce").isna()]
    if texts.nunique() > MOST_VALUES:
        raise ConfigurationError(
            f"The column at {where!r} holds {texts.nunique()} different texts, as names, ids or remarks do, and these "
            "must not reach a manifest. Leave it out, or say by values what each becomes."
        )
    numbers = cells[cells.str.fullmatch(r"\d+")]
    n_patients_of = patients[numbers.index].groupby(numbers).nunique()
    many = len(n_patients_of) > MOST_VALUES or bool((numbers.str.len() >= _ID_DIGITS).all())
    if len(n_patients_of) > 1 and many and (n_patients_of == 1).mean() >= _UNSHARED:
        raise ConfigurationError(
            f"The column at {where!r} holds {len(n_patients_of)} different whole numbers that tell patients apart, as "
            "ids do, and these must not reach a manifest. Leave it out, or, if they are measured, say measured: true."
        )
