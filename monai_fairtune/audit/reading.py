"""Reading a table of predictions from a file."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from monai_fairtune.exceptions import PredictionsError
from monai_fairtune.predictions import file_sha256

__all__ = ["Source", "read_table"]

Source = dict[str, Any]
"""``{"file": name, "sha256": digest}`` of the file that a table came from."""

_PARQUET = frozenset({".parquet", ".pq"})


def read_table(path: str | Path, columns: Sequence[str], *, numbers: Collection[str]) -> tuple[pd.DataFrame, Source]:
    r"""Reads the named columns of a CSV or Parquet file.

    A CSV file is in UTF-8, with a header and commas; blank cells are missing. Text stays as it is written: pandas' own
    guesses turn ``NA`` into missing and ``007`` into 7.

    Args:
        path: the file; one that ends in ``.parquet`` needs pyarrow.
        columns: those to read.
        numbers: those among them that hold scores.

    Returns:
        The table, and where it came from.

    Raises:
        PredictionsError: if the file is absent, cannot be read, has no rows or lacks a column.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "predictions.csv"
        >>> _ = path.write_text("label,score,sex,note\n1,0.9,f,x\n0,,m,y\n")
        >>> table, source = read_table(path, ["label", "score", "sex"], numbers=["score"])
        >>> table.to_dict("list"), source["file"]
        ({'label': ['1', '0'], 'score': [0.9, nan], 'sex': ['f', 'm']}, 'predictions.csv')
    """
    path = Path(path)
    if not path.is_file():
        raise PredictionsError(f"There is no file '{path}'. Give the path of a CSV or Parquet file.")
    wanted = list(dict.fromkeys(columns))
    try:
        table = _read_parquet(path, wanted) if path.suffix in _PARQUET else _read_csv(path, wanted, numbers)
    except (
        pd.errors.ParserError,
        pd.errors.EmptyDataError,
        UnicodeDecodeError,
        csv.Error,
        OSError,
        ImportError,
    ) as error:
        raise PredictionsError(
            f"'{path}' cannot be read: {str(error).strip()}. "
            "Give a CSV file in UTF-8 with a header and commas, or a Parquet file with pyarrow installed."
        ) from error
    if table.empty:
        raise PredictionsError(f"'{path}' has a header and no rows. Give one row an image.")
    return table, {"file": path.name, "sha256": file_sha256(path)}


def _read_parquet(path: Path, columns: list[str]) -> pd.DataFrame:
    import pyarrow.parquet

    try:
        _require(columns, list(pyarrow.parquet.read_schema(path).names), path)
        return pd.read_parquet(path, columns=columns)
    except pyarrow.ArrowInvalid as error:
        raise OSError(str(error)) from error


def _read_csv(path: Path, columns: list[str], numbers: Collection[str]) -> pd.DataFrame:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file)
        header = next(rows, [])
        _require(columns, header, path)
        _refuse_ragged(rows, path, len(header))
    places = [header.index(name) for name in columns]
    text: dict[int, Any] = dict.fromkeys(places, str)
    scores: dict[int, Any] = {header.index(name): "float64" for name in numbers}
    kept: dict[str, Any] = {
        "header": 0,
        "names": range(len(header)),
        "usecols": places,
        "keep_default_na": False,
        "encoding": "utf-8-sig",
    }
    blanks = {column: ["", "nan", "NaN"] for column in scores}
    try:
        numeric: dict[str, Any] = {"dtype": text | scores, "na_values": blanks, "float_precision": "round_trip"}
        table = pd.read_csv(path, **numeric, **kept)
    except ValueError as error:
        if isinstance(error, pd.errors.ParserError | pd.errors.EmptyDataError | UnicodeDecodeError):
            raise
        table = pd.read_csv(path, dtype=text, **kept)  # scores as text: whoever reads them says which are no numbers
    found: pd.DataFrame = table[places].set_axis(columns, axis="columns")
    return found


def _refuse_ragged(rows: Iterator[list[str]], path: Path, width: int) -> None:
    """Refuses rows of another width than the header's: pandas cuts or fills them, and cells end in other columns."""
    n_bad, first = 0, 0
    for number, n_cells in enumerate(map(len, rows), start=1):
        if n_cells != width and n_cells:  # blank lines are left out
            n_bad, first = n_bad + 1, first or number
    if n_bad:
        raise PredictionsError(
            f"{n_bad} rows of '{path}' have more or fewer cells than its header has (the first: row {first}). "
            "Put text that holds a comma into double quotes."
        )


def _require(columns: list[str], header: list[str], path: Path) -> None:
    absent = [name for name in columns if name not in header]
    repeated = [name for name in columns if header.count(name) > 1]
    if absent:
        raise PredictionsError(
            f"'{path}' has no column {' and no column '.join(map(repr, absent))}; its columns are {header[:30]}. "
            "Name the columns as the file does."
        )
    if repeated:
        raise PredictionsError(f"'{path}' has several columns {repeated}. Give each column its own name.")
