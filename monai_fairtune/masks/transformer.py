"""Search spaces of Vision Transformers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from monai_fairtune.exceptions import MaskError
from monai_fairtune.masks.partitioning import Partitioner

__all__ = ["TRANSFORMER_SEARCH_SPACES", "TransformerPartitioner", "is_transformer"]

TRANSFORMER_SEARCH_SPACES = (
    "attention",
    "block",
    "norm",
    "mlp",
    "attention+norm",
    "attention+mlp",
    "norm+mlp",
    "attention+norm+mlp",
    "norm / attention / mlp",
    "norm1 / attention / norm2 / mlp",
    "attention tensors",
)
"""The search spaces of Vision Transformers that have a name in the literature."""

_BLOCK_PARAMETER = re.compile(r"((?:\w+\.)*?blocks\.\d+)\.((\w+)(?:\..+)?)$")

# What of a block each of its children belongs to: a scale belongs to what it scales.
_PART_OF_CHILD = {
    "norm1": "norm1",
    "attn": "attention",
    "ls1": "attention",
    "gamma_1": "attention",
    "norm2": "norm2",
    "mlp": "mlp",
    "ls2": "mlp",
    "gamma_2": "mlp",
}
_PARTS_OF_WORD = {
    "attention": ("attention",),
    "norm": ("norm1", "norm2"),
    "norm1": ("norm1",),
    "norm2": ("norm2",),
    "mlp": ("mlp",),
}
_SPELLING_ORDER = ("attention", "norm", "norm1", "norm2", "mlp")
_FORWARD_ORDER = ("norm", "norm1", "attention", "norm2", "mlp")


def is_transformer(parameter_names: Iterable[str]) -> bool:
    """Returns whether these are parameters of blocks with attention, as timm and MONAI name them."""
    matches = (_BLOCK_PARAMETER.match(name) for name in parameter_names)
    return any(match is not None and match[3] == "attn" for match in matches)


class TransformerPartitioner(Partitioner):
    """Splits the blocks of a Vision Transformer; everything outside of the blocks stays frozen.

    A search space names what one bit switches in a block. The parts are ``attention`` (with its LayerScale and its
    query and key norms), ``norm1``, ``norm2``, ``norm`` (both) and ``mlp`` (with its LayerScale). ``+`` puts parts
    under one bit, ``/`` gives each its own. ``block`` is the whole block under one bit; ``attention tensors`` gives
    a bit to every weight and bias of the attention's linear layers.

    Args:
        search_space: such as ``"attention"``, ``"attention+norm"`` or ``"norm / attention / mlp"``; blanks around
            the separators and the order of parts are free.

    Raises:
        MaskError: if the search space is unknown or names a part twice.

    Example:
        >>> TransformerPartitioner("mlp/attention + norm1").search_space
        'attention+norm1 / mlp'
    """

    def __init__(self, search_space: str) -> None:
        words = " ".join(str(search_space).split())
        self._whole = words if words in ("block", "attention tensors") else ""
        groups = [] if self._whole else _parse(words)
        self._name = self._whole or " / ".join(groups)
        self._group_of = {part: group for group in groups for part in _parts(group)}

    @property
    def search_space(self) -> str:
        """The search space in its usual spelling."""
        return self._name

    def assign(self, parameter_names: Sequence[str]) -> Mapping[str, str]:
        """Returns the searchable components, named like ``blocks.0.attention``."""
        if not is_transformer(parameter_names):
            return {}
        matches = {name: match for name in parameter_names if (match := _BLOCK_PARAMETER.match(name))}
        self._check_parts(matches)
        assigned = {name: self._component(match[1], match[2], match[3]) for name, match in matches.items()}
        return {name: component for name, component in assigned.items() if component}

    def _component(self, block: str, parameter: str, child: str) -> str | None:
        if self._whole == "block":
            return block
        if self._whole:
            is_tensor = child == "attn" and "norm" not in parameter
            return f"{block}.attention.{parameter.partition('.')[2]}" if is_tensor else None
        group = self._group_of.get(_PART_OF_CHILD.get(child, ""))
        return f"{block}.{group}" if group else None

    def _check_parts(self, matches: Mapping[str, re.Match[str]]) -> None:
        children: dict[str, set[str]] = {}
        for match in matches.values():
            children.setdefault(match[1], set()).add(match[3])
        for block, held in children.items():
            missing = set(self._group_of).difference(_PART_OF_CHILD.get(child) for child in held)
            if "attn" in held and missing:
                raise MaskError(
                    f"{block!r} has no {sorted(missing)} with parameters, which search space {self._name!r} switches; "
                    f"it holds {sorted(held)}. Choose a search space of parts that every block has, such as 'block'."
                )


def _parse(words: str) -> list[str]:
    groups = [[word.strip() for word in group.split("+")] for group in words.split("/")]
    known = all(word in _PARTS_OF_WORD for group in groups for word in group)
    parts = [part for group in groups for word in group for part in _PARTS_OF_WORD.get(word, ())]
    if not known or len(set(parts)) != len(parts):
        raise MaskError(
            f"A Vision Transformer has no search space {words!r}. Choose one of {list(TRANSFORMER_SEARCH_SPACES)}, "
            "or combine attention, norm, norm1, norm2 and mlp, each once, with '+' (one bit) and '/' (own bits)."
        )
    groups.sort(key=lambda group: min(map(_FORWARD_ORDER.index, group)))
    return ["+".join(sorted(group, key=_SPELLING_ORDER.index)) for group in groups]


def _parts(group: str) -> list[str]:
    return [part for word in group.split("+") for part in _PARTS_OF_WORD[word]]
