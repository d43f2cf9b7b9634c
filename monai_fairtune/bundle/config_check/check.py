"""A check of bundle configs against an allow-list."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from monai_fairtune.bundle.config_check.allowed import AllowList, code_name, takes_code
from monai_fairtune.bundle.config_check.entries import Entry, entries_of, import_of, values_of
from monai_fairtune.bundle.config_check.errors import NotAllowedError
from monai_fairtune.bundle.config_check.expressions import Scope, parse, why_not
from monai_fairtune.bundle.config_check.reading import config_files, not_plain, read_config
from monai_fairtune.bundle.config_check.written import Written
from monai_fairtune.exceptions import ConfigurationError

__all__ = ["ConfigCheck", "Finding", "check_config"]

_PROVIDED = {"monai": "monai", "torch": "torch", "np": "numpy", "numpy": "numpy"}  # by MONAI, to every expression
_LIST_POSITION = re.compile(r"::\d+$")
_HARMLESS = {"_mode_": ("callable", "default"), "_debug_": ("False",), "weights_only": ("True",)}


@dataclass(frozen=True)
class Finding:
    """An entry, and why it is refused; None if it is not."""

    entry: Entry
    refusal: str | None


@dataclass(frozen=True)
class ConfigCheck:
    """What configs would execute.

    Args:
        findings: in the order of the files.
        allowed: the allow-list.
    """

    findings: tuple[Finding, ...]
    allowed: tuple[str, ...]

    @property
    def refused(self) -> tuple[Finding, ...]:
        """The findings outside the allow-list or the grammar."""
        return tuple(finding for finding in self.findings if finding.refusal is not None)

    def to_dict(self) -> dict[str, Any]:
        """Returns it as plain JSON."""
        return {
            "schema": 1,
            "allowed": list(self.allowed),
            "n_refused": len(self.refused),
            "findings": [asdict(finding.entry) | {"refusal": finding.refusal} for finding in self.findings],
        }


def check_config(paths: Sequence[Path], *, allow: Iterable[str] = ()) -> ConfigCheck:
    """Returns what configs that are run together would execute; they are read as data, and nothing of them is run.

    It is for a reviewer, and no sandbox: an allowed component still does what it is told to, such as writing a file.

    Args:
        paths: files, later ones override; or the folder of a bundle.
        allow: dotted prefixes beside ``ALLOWED``, whose modules are imported to see what a name stands for; and
            attributes after a dot, such as ``.my_method``.

    Raises:
        ConfigurationError: if a file cannot be read as plain data within limits, or a prefix is no dotted name.
    """
    extra = tuple(allow)
    for prefix in extra:
        if not all(part.isidentifier() for part in prefix.removeprefix(".").split(".")):
            raise ConfigurationError(f"The prefix {prefix!r} is no dotted name. Give such as my_package.networks.")
    files = config_files(paths)
    values = {file: _values(file) for file in files}
    check = _Check(values, AllowList(extra))
    return ConfigCheck(
        tuple(Finding(entry, check.refusal(entry)) for entry in check.entries), check.scope.allowed.names
    )


def _values(file: Path) -> list[tuple[str, object]]:
    try:
        return list(values_of("", read_config(file)))
    except (ValueError, RecursionError) as error:
        raise not_plain(file, error) from error


class _Check:
    def __init__(self, values: Mapping[Path, Sequence[tuple[str, object]]], allowed: AllowList) -> None:
        self.files = {file.resolve() for file in values}
        self.entries = [entry for file, found in values.items() for entry in entries_of(str(file), found)]
        self.imports = {entry: _imported(entry) for entry in self.entries if entry.kind == "import"}
        names = {name: module for found in self.imports.values() if found for name, module in [found]}
        self.scope = Scope(
            allowed, _PROVIDED | names, frozenset(_LIST_POSITION.sub("", entry.id) for entry in self.imports)
        )
        together: dict[str, list[object]] = {}
        for id_, value in (each for found in values.values() for each in found):
            together.setdefault(id_, []).append(value)
        self.written = Written(together, self.scope)

    def refusal(self, entry: Entry) -> str | None:
        text, allowed = entry.text, self.scope.allowed
        if entry.kind == "target":
            return self._target(entry)
        if entry.kind == "mode":
            harmless = _HARMLESS[entry.id.rpartition("::")[2]]
            return None if text in harmless else f"{text!r} is not {' or '.join(harmless)}"
        if entry.kind == "import":
            return self._import(entry)
        if entry.kind == "expression":
            return why_not(text[1:], self.scope)
        if entry.kind == "name":
            return allowed.why_not(str(code_name(text)))
        if entry.kind == "macro":
            return self._macro(text[1:])
        return "it refers to a module" if self.scope.holds_module(text[1:]) else None

    def _target(self, entry: Entry) -> str | None:
        from monai.bundle import ComponentLocator

        homes = None if "." in entry.text else ComponentLocator().get_component_module_name(entry.text)
        if "." not in entry.text and homes is None:
            return f"MONAI has no component {entry.text}"
        names = [f"{home}.{entry.text}" for home in ([homes] if isinstance(homes, str) else homes or [])]
        try:
            found = [self.scope.allowed.find(name, is_target=True) for name in names or [entry.text]]
        except NotAllowedError as refusal:
            return str(refusal)
        reasons = (self.written.why_not(entry.id, each) for each in found if takes_code(each))
        return next((reason for reason in reasons if reason is not None), None)

    def _import(self, entry: Entry) -> str | None:
        found = self.imports[entry]
        if found is None:
            return "it is more than one import"
        name, module = found
        if name.startswith("_"):
            return f"it binds the private name {name}"
        if not self.scope.allowed.may_import(module):
            return f"{module} lies outside the allow-list"
        meanings = {
            _PROVIDED.get(name, module),
            *(each[1] for each in self.imports.values() if each and each[0] == name),
        }
        return f"{name} has several meanings: {', '.join(sorted(meanings))}" if len(meanings) > 1 else None

    def _macro(self, text: str) -> str | None:
        from monai.bundle import ConfigParser

        path, id_ = ConfigParser.split_path_id(text)
        if path and Path(path).resolve() not in self.files:
            return f"{path} is not checked with it"
        return "it copies an import" if self.scope.holds_module(id_) else None


def _imported(entry: Entry) -> tuple[str, str] | None:
    """Returns the name that an import binds and what it stands for; None if it is not one absolute import."""
    tree, node = parse(entry.text[1:]), import_of(entry.text)
    if tree is None or node is None or len(tree.body) != 1 or len(node.names) != 1:
        return None
    alias = node.names[0]
    if isinstance(node, ast.ImportFrom):
        return None if node.level or alias.name == "*" else (alias.asname or alias.name, f"{node.module}.{alias.name}")
    return alias.asname or alias.name, alias.name
