"""What a mapping may say, as a JSON schema, and what is wrong with one that says something else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from monai_fairtune.cohort.own_data.headers import ELEMENTS
from monai_fairtune.cohort.own_data.images import KINDS
from monai_fairtune.cohort.splits import SPLIT_NAMES
from monai_fairtune.exceptions import ConfigurationError

__all__ = ["DROP", "MISSING_CELL", "RECORDED", "check_mapping"]

DROP, MISSING_CELL = "drop", "missing"
RECORDED = (
    "Modality", "ViewPosition", "PatientSex", "Manufacturer", "ManufacturerModelName", "StationName", "InstitutionName",
)  # fmt: skip
"""Elements of DICOM headers that may reach a manifest as they are: none is about one patient alone."""

_RESERVED = ("image", "label", "label_name", "patient_id", "split", "age")
_TEXT = {"type": "string", "minLength": 1}


def _object(required: list[str], optional: dict[str, Any] | None = None, **properties: Any) -> dict[str, Any]:
    everything = {**properties, **(optional or {})}
    return {"type": "object", "required": required, "additionalProperties": False, "properties": everything}


def _values(*allowed: str) -> dict[str, Any]:
    return {"type": "object", "minProperties": 1, "additionalProperties": {"enum": list(allowed)} if allowed else _TEXT}


def _source(elements: tuple[str, ...], **more: Any) -> dict[str, Any]:
    return _object([], column=_TEXT, dicom={"enum": list(elements)}, **more)


def _or_list(one: dict[str, Any]) -> dict[str, Any]:
    return {"if": {"type": "array"}, "then": {"items": one, "minItems": 1}, "else": one}


_DATE = _source(("PatientBirthDate", "StudyDate"), format=_TEXT)
_AGE = _source(("PatientAge",), birth=_DATE, study=_DATE)
_COLUMN = _source(
    RECORDED, values=_values(), measured={"enum": ["true", "false"]}, year_of=_source(("StudyDate",), format=_TEXT)
)
_NAMES = {"enum": ["path", "name", "stem"]}
_SPLIT = _source(()) | {"type": ["object", "null"]}
_SPLIT["properties"] |= {"values": _values(*SPLIT_NAMES, DROP)}

_SCHEMA = _object(
    ["schema", "table", "images", "join", "label", "patient_id", "age", "columns", "split"],
    schema={"enum": ["1"]},
    table=_object([], separator=_TEXT, encoding=_TEXT, sheet=_TEXT),
    images=_object(
        ["kind"],
        kind={"enum": list(KINDS)},
        keep={
            "type": "object",
            "propertyNames": {"enum": list(RECORDED)},
            "additionalProperties": {"type": "array", "items": {"type": "string"}, "minItems": 1},
        },
    ),
    join=_object(
        ["column", "leading_zeros"],
        column=_TEXT,
        dicom={"enum": list(ELEMENTS)},
        image=_NAMES,
        leading_zeros={"enum": ["keep", "ignore"]},
        optional={"date": _source((), format=_TEXT)},
    ),
    label=_object(["column", "values"], column=_TEXT, values=_values("0", "1", DROP)),
    patient_id=_source(("PatientID",), image={"enum": ["path"]}),
    age={"type": "array", "items": _AGE},
    columns={
        "type": "object",
        "propertyNames": {"pattern": "^[^=+@-]", "not": {"enum": list(_RESERVED)}},
        "additionalProperties": _or_list(_COLUMN),
    },
    split=_SPLIT,
)


def check_mapping(plain: Any, name: str) -> None:
    """Refuses what is no mapping, and a mapping with open questions.

    Args:
        plain: as YAML was read, every scalar text or None.
        name: of the file, for messages.

    Raises:
        ConfigurationError: saying where.
    """
    from jsonschema import Draft202012Validator

    if isinstance(plain, dict) and (still_open := list(_open(plain))):
        raise ConfigurationError(
            f"'{name}' says null at {', '.join(still_open[:5])}, which is a question that only you can answer. "
            "The comments in the file name what there is to choose from."
        )
    error = next(
        iter(sorted(Draft202012Validator(_SCHEMA).iter_errors(plain), key=lambda each: list(map(str, each.path)))), None
    )
    if error is not None:
        where = ", ".join(map(str, error.absolute_path)) or "the top"
        raise ConfigurationError(
            f"'{name}' cannot be used because of what it says at {where}: {error.message[:300]}. Correct it there, or "
            "have it proposed anew."
        )


def _open(node: Any, where: str = "") -> Iterator[str]:
    """Yields where there is a null; no split is an answer."""
    if node is None and where != "split":
        yield repr(where)
    pairs = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in pairs:
        yield from _open(child, f"{where}, {key}" if where else str(key))
