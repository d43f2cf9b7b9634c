"""A hospital's own table as text: a CSV file, a spreadsheet, or a MONAI datalist."""

from __future__ import annotations

import io
import re
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pandas as pd

from monai_fairtune.cohort.console import n_of
from monai_fairtune.cohort.own_data.datalist import read_datalist
from monai_fairtune.cohort.spreadsheets import read_spreadsheet
from monai_fairtune.exceptions import ManifestError
from monai_fairtune.subgroups import canonical

__all__ = ["OwnTable", "TableFormat", "below_root", "read_table"]

_TEXT, _SPREADSHEETS, _DATALIST = (".csv", ".tsv", ".txt"), (".xlsx", ".xlsm"), ".json"
_SEPARATORS = (",", ";", "\t", "|")
_FOR_EXCEL = re.compile(r'"?sep=(.)"?\r?\n', re.IGNORECASE)
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class TableFormat:
    """How a table is written.

    Args:
        separator: of the cells of a CSV file.
        encoding: of a CSV file.
        sheet: of a spreadsheet.
    """

    separator: str | None = None
    encoding: str | None = None
    sheet: str | None = None

    @property
    def plain(self) -> dict[str, str]:
        """As the mapping writes it."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True, eq=False, repr=False)
class OwnTable:
    """What was read.

    Args:
        rows: all cells as stripped text, ``12.0`` as ``12``; blank rows and columns are left out.
        format: how it was read.
        sheets: names of all sheets of a spreadsheet.
    """

    rows: pd.DataFrame
    format: TableFormat
    sheets: tuple[str, ...] = ()


def read_table(path: Path, given: TableFormat | None = None) -> OwnTable:
    """Reads a table with a header.

    Args:
        path: its ending says what it is.
        given: how it is written; None to find out: of a spreadsheet the first sheet, of a CSV file UTF-8, or else
            Windows' code page 1252, and the separator that a first line names for Excel, or that is
            most frequent in the header.

    Raises:
        ManifestError: if it cannot be read, holds no rows, or a column has no name or another one's.
        ConfigurationError: if openpyxl is needed and not installed.
    """
    ending = path.suffix.lower()
    try:
        if ending in _TEXT:
            return _read_text(path, given)
        if ending in _SPREADSHEETS:
            return _read_spreadsheet(path, given)
        if ending == _DATALIST:
            return OwnTable(_with_header(_header_first(read_datalist(path)), path), TableFormat())
    except (OSError, pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeError, LookupError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error).strip()
        raise ManifestError(
            f"The table '{path}' cannot be read: {reason}. Give a CSV file with one header and one row a study or "
            "image, a spreadsheet (.xlsx), or a MONAI datalist (.json)."
        ) from error
    raise ManifestError(
        f"The table '{path}' ends in {ending!r}. Save it as one of {', '.join((*_TEXT, *_SPREADSHEETS, _DATALIST))}."
    )


def below_root(table: OwnTable, root: Path) -> OwnTable:
    """Returns the table with absolute paths below ``root`` relative to it, as images are named."""
    starts = tuple({f"{folder.as_posix()}/" for folder in (root.absolute(), root.resolve())})

    def relative(cell: str) -> str:
        path = cell.replace("\\", "/")
        return next((path[len(start) :] for start in starts if path.startswith(start)), cell)

    return replace(table, rows=table.rows.map(relative))


def _read_text(path: Path, given: TableFormat | None) -> OwnTable:
    content = path.read_bytes()
    encoding = (given and given.encoding) or _encoding(content)
    text = content.decode(encoding)
    told = _FOR_EXCEL.match(text)
    text = text[told.end() :] if told else text
    found = told[1] if told else max(_SEPARATORS, key=text.partition("\n")[0].count)
    separator = (given and given.separator) or found
    rows = pd.read_csv(io.StringIO(text), sep=separator, header=None, dtype=str, keep_default_na=False)
    return OwnTable(_with_header(rows, path), TableFormat(separator=separator, encoding=encoding))


def _encoding(content: bytes) -> str:
    if content.startswith(_UTF16):
        return "utf-16"
    try:
        content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"


def _read_spreadsheet(path: Path, given: TableFormat | None) -> OwnTable:
    sheet = None if given is None else given.sheet
    rows, sheets = read_spreadsheet(path, sheet)
    return OwnTable(_with_header(rows, path), TableFormat(sheet=sheet or sheets[0]), sheets)


def _header_first(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([pd.DataFrame([list(rows.columns)]), rows.set_axis(range(rows.shape[1]), axis="columns")])


def _with_header(rows: pd.DataFrame, path: Path) -> pd.DataFrame:
    cells = rows.fillna("").map(str.strip).map(canonical)
    cells = cells.loc[(cells != "").any(axis="columns"), (cells != "").any(axis="index")]
    if len(cells) < 2:
        raise ManifestError(f"The table '{path}' has no rows below a header. Give one row a study or image.")
    names = list(cells.iloc[0])
    n_blank = names.count("")
    repeated = sorted({repr(name) for name in names if name and names.count(name) > 1})
    wrong = [f"{n_blank} {'has' if n_blank == 1 else 'have'} no name"] if n_blank else []
    wrong += [f"several are called {', '.join(repeated)}"] if repeated else []
    if wrong:
        raise ManifestError(
            f"The first row of the table '{path}' names {n_of(len(names), 'column')}: {', '.join(wrong)}. "
            "Put one name above each column, and nothing above the names."
        )
    return cells.iloc[1:].reset_index(drop=True).set_axis(names, axis="columns")
