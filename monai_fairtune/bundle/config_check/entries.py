"""What MONAI would interpret in a config, entry by entry."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from monai_fairtune.bundle.config_check.allowed import code_name
from monai_fairtune.bundle.config_check.expressions import parse

__all__ = ["Entry", "Kind", "entries_of", "import_of", "values_of"]

Kind = Literal["target", "mode", "import", "expression", "macro", "reference", "name"]


@dataclass(frozen=True)
class Entry:
    """One thing that MONAI would do.

    Args:
        file: the config's path.
        id: MONAI's id, such as ``train::optimizer::_target_``.
        kind: ``target`` is built or called, ``mode`` says how (in a debugger, with unpickling), ``import`` and
            ``expression`` are run, ``macro`` and ``reference`` stand for another entry, ``name`` is a text that names
            code and may be looked up as such.
        text: as it stands there; of an expression, with references as MONAI writes them before it evaluates.
    """

    file: str
    id: str
    kind: Kind
    text: str


def values_of(id_: str, value: object) -> Iterator[tuple[str, object]]:
    """Yields id and value of all in a config, parts first; ``::``, ``#`` and ``+`` in keys are read as MONAI does.

    Args:
        id_: of ``value``; empty for a whole config.
        value: a config or a part of one.
    """
    from monai.bundle import ConfigParser

    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from values_of(_joined(id_, str(key).replace("#", "::").removeprefix("+")), each)
    elif isinstance(value, list):
        for position, each in enumerate(value):
            yield from values_of(_joined(id_, str(position)), each)
    is_text = isinstance(value, str) and value.startswith(("$", "@", "%"))
    yield id_, ConfigParser.resolve_relative_ids(id_, str(value)) if is_text else value


def entries_of(file: str, values: Iterable[tuple[str, object]]) -> Iterator[Entry]:
    """Yields what MONAI would interpret among the values of a file."""
    for id_, value in values:
        last = id_.rpartition("::")[2]
        if last == "_target_":
            yield Entry(file, id_, "target", str(value))
        elif last in ("_mode_", "_debug_", "weights_only"):
            yield Entry(file, id_, "mode", str(value))
        elif isinstance(value, str):
            yield from _interpreted(file, id_, value)


def _interpreted(file: str, id_: str, text: str) -> Iterator[Entry]:
    from monai.bundle import ReferenceResolver

    if text.startswith("$"):
        found = ReferenceResolver.match_refs_pattern(text)
        written = ReferenceResolver.update_refs_pattern(text, found)
        is_import = import_of(text) is not None or import_of(written) is not None
        yield Entry(file, id_, "import", text) if is_import else Entry(file, id_, "expression", written)
    elif text.startswith("%"):
        yield Entry(file, id_, "macro", text)
    elif text.startswith("@"):
        yield Entry(file, id_, "reference", text)
    elif code_name(text) is not None:
        yield Entry(file, id_, "name", text)


def import_of(text: str) -> ast.Import | ast.ImportFrom | None:
    """Returns the import that an entry is to MONAI, which looks at its first statement alone."""
    tree = parse(text.removeprefix("$"))
    first = tree.body[0] if tree is not None and tree.body else None
    return first if isinstance(first, (ast.Import, ast.ImportFrom)) else None


def _joined(id_: str, key: str) -> str:
    return f"{id_}::{key}" if id_ else key
