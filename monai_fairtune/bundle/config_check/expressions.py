"""Expressions of a config, held against a grammar without statements, imports and private names."""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from monai_fairtune.bundle.config_check.allowed import AllowList, code_name, takes_code
from monai_fairtune.bundle.config_check.errors import NotAllowedError

__all__ = ["REFERENCES", "Scope", "parse", "why_not"]

REFERENCES = "__local_refs"  # what MONAI calls the dictionary that it writes for an "@"
_MAX_LENGTH = 4000
_NODES = (
    ast.Expression, ast.Constant, ast.Name, ast.Load, ast.Store, ast.Attribute, ast.Call, ast.keyword, ast.Starred,
    ast.Subscript, ast.Slice, ast.List, ast.Tuple, ast.Dict, ast.Set, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare,
    ast.operator, ast.unaryop, ast.boolop, ast.cmpop, ast.IfExp, ast.Lambda, ast.arguments, ast.arg, ast.ListComp,
    ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.comprehension, ast.JoinedStr, ast.FormattedValue,
)  # fmt: skip
_BUILTINS = frozenset(
    {
        "abs", "all", "any", "bool", "dict", "enumerate", "float", "int", "isinstance", "len", "list", "max", "min",
        "print", "range", "reversed", "round", "set", "sorted", "str", "sum", "tuple", "zip",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Scope:
    """What names mean in the expressions of a config.

    Args:
        allowed: the allow-list.
        modules: name to dotted name, of what MONAI provides and of the config's own imports.
        import_ids: ids of the entries that are imports; of a list of imports, the id of the list, because lists are
            merged.
    """

    allowed: AllowList
    modules: Mapping[str, str]
    import_ids: frozenset[str] = field(default=frozenset())

    def holds_module(self, reference: str) -> bool:
        """Says whether a reference stands for an import, for what holds one, or for a part of a list of them."""
        return any(
            f"{entry}::".startswith(f"{reference}::") or reference.startswith(f"{entry}::") for entry in self.import_ids
        )


def parse(source: str) -> ast.Module | None:
    """Returns the syntax tree of a text, or None if it is no Python or too long for it."""
    try:
        return ast.parse(source) if len(source) <= _MAX_LENGTH else None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def why_not(source: str, scope: Scope) -> str | None:
    """Returns why an expression is refused, or None.

    Args:
        source: as Python would evaluate it, with MONAI's own words for references.
        scope: what its names mean.
    """
    tree = parse(source)
    if tree is None or len(tree.body) != 1 or not isinstance(tree.body[0], ast.Expr):
        return f"it is no single expression of at most {_MAX_LENGTH} characters"
    try:
        _Grammar(scope, tree).visit(tree.body[0].value)
    except NotAllowedError as refusal:
        return str(refusal)
    except RecursionError:
        return "it is nested too deeply"
    return None


class _Grammar(ast.NodeVisitor):
    def __init__(self, scope: Scope, tree: ast.AST) -> None:
        nodes = list(ast.walk(tree))
        self.scope = scope
        self.called = {id(node.func): node for node in nodes if isinstance(node, ast.Call)}
        stored = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        self.bound = stored | {node.arg for node in nodes if isinstance(node, ast.arg)}

    def generic_visit(self, node: ast.AST) -> None:
        if not isinstance(node, _NODES):
            raise NotAllowedError(f"it holds a {type(node).__name__}")
        super().generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        if not isinstance(node.ctx, ast.Load):
            self._require_own(node.id)
        if node.id in self.scope.modules:
            self._require(self.scope.modules[node.id])
        elif node.id not in self.bound and node.id not in _BUILTINS:
            raise NotAllowedError(f"it uses the name {node.id}")

    def visit_Attribute(self, node: ast.Attribute) -> None:
        scope = self.scope
        self._require_read(node)
        dotted = self._dotted(node)
        if dotted is not None:
            self._require(dotted)
            return
        call = self.called.get(id(node))
        is_module = call is None and (node.attr in sys.stdlib_module_names or node.attr in scope.modules)
        is_text_run = node.attr == "eval" and (call is None or bool(call.args or call.keywords))  # unlike a network's
        if is_module or is_text_run or not scope.allowed.allows_attribute(node.attr):
            raise NotAllowedError(f"it uses the attribute {node.attr}")
        self.visit(node.value)

    def visit_arg(self, node: ast.arg) -> None:
        self._require_own(node.arg)

    def _require_own(self, name: str) -> None:
        # Names are not followed through scopes: one that is bound somewhere must mean nothing elsewhere.
        if name.startswith("_") or hasattr(builtins, name) or name in self.scope.modules:
            raise NotAllowedError(f"it hides the name {name}")

    def visit_Subscript(self, node: ast.Subscript) -> None:
        self._require_read(node)
        if not isinstance(node.value, ast.Name) or node.value.id != REFERENCES:
            self.generic_visit(node)
        elif not isinstance(node.slice, ast.Constant) or self.scope.holds_module(str(node.slice.value)):
            raise NotAllowedError("it refers to a module")

    def visit_Constant(self, node: ast.Constant) -> None:
        name = code_name(node.value) if isinstance(node.value, str) else None
        if name is not None:
            self._require(name)

    def visit_keyword(self, node: ast.keyword) -> None:
        if node.arg is None:
            raise NotAllowedError("it unpacks arguments whose names are not seen")
        if node.arg == "weights_only" and not (isinstance(node.value, ast.Constant) and node.value.value is True):
            raise NotAllowedError("it would unpickle")
        self.visit(node.value)

    def _require_read(self, node: ast.Attribute | ast.Subscript) -> None:
        if not isinstance(node.ctx, ast.Load):  # a comprehension can assign to a part of another entry
            raise NotAllowedError("it assigns to a part of an object")

    def _dotted(self, node: ast.expr) -> str | None:
        """Returns the full name of a chain of attributes that begins with a module, or None."""
        if isinstance(node, ast.Name):
            return self.scope.modules.get(node.id)
        if not isinstance(node, ast.Attribute):
            return None
        before = self._dotted(node.value)
        return None if before is None else f"{before}.{node.attr}"

    def _require(self, dotted: str) -> None:
        if takes_code(self.scope.allowed.find(dotted)):
            raise NotAllowedError(f"{dotted} runs what an argument names: write it as a _target_, where that is seen")
