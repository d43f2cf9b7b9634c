"""Reading a mapping, strictly: a rule that is not known, or open, is refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from monai_fairtune.cohort.own_data.mapping import AgeSource, DateSource, Join, Recode, TableMapping, YearOf
from monai_fairtune.cohort.own_data.mapping_schema import check_mapping
from monai_fairtune.cohort.own_data.sources import Source
from monai_fairtune.cohort.own_data.table import TableFormat
from monai_fairtune.cohort.own_data.yaml_text import read_yaml
from monai_fairtune.exceptions import ConfigurationError

__all__ = ["read_mapping"]


def read_mapping(path: Path) -> TableMapping:
    """Reads a mapping strictly; see ``docs/own_data.md`` for what it says.

    Raises:
        ConfigurationError: if it cannot be read, has a key that is not known, lacks one, or leaves a question open.
    """
    plain = read_yaml(path)
    check_mapping(plain, str(path))
    images = plain["images"]
    split = plain["split"]
    return TableMapping(
        table=TableFormat(**plain["table"]),
        kind=images["kind"],
        keep={keyword: tuple(values) for keyword, values in images.get("keep", {}).items()},
        join=_join(plain["join"]),
        label=_recode(plain["label"], "label"),
        patient_id=_source(plain["patient_id"], ("column", "dicom", "image"), "patient_id"),
        age=tuple(_age(each) for each in plain["age"]),
        columns={name: _column(entry, f"columns, {name}") for name, entry in plain["columns"].items()},
        split=None if split is None else _recode(split, "split"),
        plain=plain,
    )


def _join(entry: Mapping[str, Any]) -> Join:
    image = _source(entry, ("dicom", "image"), "join")
    date = _date(entry["date"], "join, date") if "date" in entry else None
    if date is not None and image.kind == "image":
        raise ConfigurationError(
            f"The mapping joins on a date and on {image}. Only DICOM images have one: leave it out, or join on dicom."
        )
    return Join(entry["column"], image, entry["leading_zeros"], date)


def _source(entry: Mapping[str, Any], kinds: tuple[Literal["column", "dicom", "image"], ...], where: str) -> Source:
    given = [kind for kind in kinds if kind in entry]
    if len(given) != 1:
        raise ConfigurationError(f"The mapping names {given} at {where!r}. Name one of {list(kinds)}.")
    return Source(given[0], entry[given[0]])


def _recode(entry: Mapping[str, Any], where: str) -> Recode:
    return Recode(_source(entry, ("column", "dicom"), where), entry.get("values"), entry.get("measured") == "true")


def _column(entry: Mapping[str, Any] | list[Mapping[str, Any]], where: str) -> tuple[Recode | YearOf, ...]:
    return tuple(_recode_or_year(each, where) for each in (entry if isinstance(entry, list) else [entry]))


def _recode_or_year(entry: Mapping[str, Any], where: str) -> Recode | YearOf:
    if "year_of" not in entry:
        return _recode(entry, where)
    if len(entry) > 1:
        raise ConfigurationError(f"The mapping names {sorted(entry)} at {where!r}. Name year_of alone.")
    return YearOf(_date(entry["year_of"], f"{where}, year_of"))


def _age(entry: Mapping[str, Any]) -> AgeSource:
    if set(entry) not in ({"column"}, {"dicom"}, {"birth", "study"}):
        raise ConfigurationError(
            f"The mapping names {sorted(entry)} at 'age'. Name a column, dicom, or birth and study."
        )
    if "birth" in entry:
        return AgeSource(birth=_date(entry["birth"], "age, birth"), study=_date(entry["study"], "age, study"))
    return AgeSource(age=_source(entry, ("column", "dicom"), "age"))


def _date(entry: Mapping[str, Any], where: str) -> DateSource:
    source = _source(entry, ("column", "dicom"), where)
    if (source.kind == "column") != ("format" in entry):
        raise ConfigurationError(
            f"The mapping at {where!r} reads {source}. Give the format of a column's dates, such as %d.%m.%Y, and none "
            "for an element of DICOM."
        )
    _require_date_format(entry.get("format"), where)
    return DateSource(source, entry.get("format"))


def _require_date_format(written: str | None, where: str) -> None:
    try:
        pd.to_datetime(pd.Series(["1"]), format=written, errors="coerce")
    except ValueError as error:
        raise ConfigurationError(
            f"The mapping at {where!r} has the date format {written!r}: {error}. Give one such as %d.%m.%Y."
        ) from error
