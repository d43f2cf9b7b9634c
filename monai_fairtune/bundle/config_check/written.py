"""Targets that run what an argument names, which must be written out where a reviewer sees it."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monai_fairtune.bundle.config_check.allowed import is_timm_model
from monai_fairtune.bundle.config_check.expressions import REFERENCES, Scope, parse
from monai_fairtune.masks import FairTuneNetwork

__all__ = ["Written"]

_TEXT = "monai_fairtune.bundle.text"  # passes a text through


@dataclass(frozen=True)
class Written:
    """Follows arguments of networks and engines to the texts that they may become.

    A network imports and calls what its ``backbone`` names. An engine hands ``compile_kwargs`` to ``torch.compile``,
    whose options hold the compiler's command.

    Args:
        values: id to what the files say there, relative references resolved; each file may say something else.
        scope: what names mean.
    """

    values: Mapping[str, Sequence[object]]
    scope: Scope

    def why_not(self, target: str, found: object) -> str | None:
        """Returns why the arguments of a network or an engine cannot be read here or are not allowed, or None.

        Args:
            target: the id of its ``_target_``.
            found: what that stands for.
        """
        id_ = target.rpartition("::")[0]
        if f"{id_}::_mode_" in self.values:
            return "it runs what an argument names, and _mode_ lets that be given elsewhere"
        if any(_overlap(id_, copied) for copied in self._macros()):
            return "it runs what an argument names, and a macro copies it"
        if f"{id_}::compile_kwargs" in self.values:
            return "compile_kwargs can hold the command of a compiler"
        is_network = found is FairTuneNetwork
        return self._replaceable(id_) or (self._of_entry(f"{id_}::backbone", frozenset()) if is_network else None)

    def _macros(self) -> list[str]:
        from monai.bundle import ConfigParser

        texts = [value for values in self.values.values() for value in values if isinstance(value, str)]
        return [ConfigParser.split_path_id(text[1:])[1] for text in texts if text.startswith("%")]

    def _replaceable(self, id_: str) -> str | None:
        """Returns why another entry may stand where this one seems to, or None."""
        parts = id_.split("::")
        for n in range(1, len(parts)):
            above = "::".join(parts[:n])
            if not all(isinstance(value, Mapping) for value in self.values.get(above, ())):
                return f"{above} holds a list or a text, so that another entry may stand at {id_}"
        return None

    def _of_entry(self, id_: str, seen: frozenset[str]) -> str | None:
        if id_ in seen or id_ not in self.values:
            return f"no text is found for the backbone at {id_}"
        reasons = [self._replaceable(id_), *(self._of_value(value, seen | {id_}) for value in self.values[id_])]
        return next((reason for reason in reasons if reason is not None), None)

    def _of_value(self, value: object, seen: frozenset[str]) -> str | None:
        if value is None:
            return None
        if isinstance(value, str) and value[:1] not in ("$", "@", "%"):
            return None if is_timm_model(value) else self.scope.allowed.why_not(value)
        reference = self._reference(value) if isinstance(value, str) else None
        if reference is None:
            return f"the backbone is {value!r}, which is no text that can be read here"
        return self._of_entry(reference, seen)

    def _reference(self, text: str) -> str | None:
        """Returns the id that a text passes on unchanged, or None."""
        from monai.bundle import ReferenceResolver

        expression = text if text.startswith("$") else f"${text}"
        found = ReferenceResolver.match_refs_pattern(expression)
        tree = parse(ReferenceResolver.update_refs_pattern(expression, found)[1:])
        statement = tree.body[0] if tree is not None and len(tree.body) == 1 else None
        node = statement.value if isinstance(statement, ast.Expr) else None
        if isinstance(node, ast.Call) and len(node.args) == 2 and self._is_text(node.func):
            node = node.args[1]
        if not isinstance(node, ast.Subscript) or not isinstance(node.slice, ast.Constant):
            return None
        is_reference = isinstance(node.value, ast.Name) and node.value.id == REFERENCES
        return str(node.slice.value) if is_reference else None

    def _is_text(self, node: ast.expr) -> bool:
        if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name):
            return False
        return f"{self.scope.modules.get(node.value.id)}.{node.attr}" == _TEXT


def _overlap(id_: str, copied: str) -> bool:
    is_whole_file = copied == ""
    return is_whole_file or f"{id_}::".startswith(f"{copied}::") or copied.startswith(f"{id_}::")
