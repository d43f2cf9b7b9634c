"""What MONAI would interpret in a config, entry by entry."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from monai_fairtune.bundle.config_check.allowed import code_name
from monai_fairtune.bundle.config_check.expressions import parse

__all__ = ["Entry", "Kind", "entries_of", "import_of"]

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


def entries_of(file: str, config: Mapping[Any, Any]) -> Iterator[Entry]:
    """Yields what MONAI would interpret in a config; ``::``, ``#`` and ``+`` in keys are read as MONAI does."""
    yield from _walk(file, "", config)


def _walk(file: str, id_: str, value: object) -> Iterator[Entry]:
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _walk(file, _joined(id_, str(key).replace("#", "::").removeprefix("+")), each)
    elif isinstance(value, list):
        for position, each in enumerate(value):
            yield from _walk(file, _joined(id_, str(position)), each)
    last = id_.rpartition("::")[2]
    if last == "_target_":
        yield Entry(file, id_, "target", str(value))
    elif last in ("_mode_", "_debug_", "weights_only"):
        yield Entry(file, id_, "mode", str(value))
    elif isinstance(value, str):
        yield from _interpreted(file, id_, value)


def _interpreted(file: str, id_: str, value: str) -> Iterator[Entry]:
    from monai.bundle import ConfigParser, ReferenceResolver

    text = ConfigParser.resolve_relative_ids(id_, value)
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
