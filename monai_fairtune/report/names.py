"""Attributes and subgroups as people say them."""

from __future__ import annotations

import re

from monai_fairtune.report.wording import isolate, shorten

__all__ = ["attribute_words", "subgroup_detail", "subgroup_label", "subgroup_words"]

_NUMBER = r"-?\d+(?:\.\d+)?"
_BIN = re.compile(rf"^\[({_NUMBER}),({_NUMBER}|inf)\)$")
_RANGE = re.compile(rf"^({_NUMBER})-({_NUMBER})$")


def attribute_words(attribute: str) -> str:
    """Returns what a declared attribute is about, without its bins.

    Example:
        >>> attribute_words("age:60"), attribute_words("skin_type:1-2,3-6"), attribute_words("sex*age:60")
        ('age', 'skin type', 'sex × age')
    """
    columns = [part.partition(":")[0].strip().replace("_", " ") for part in attribute.split("*")]
    return isolate(shorten(" × ".join(columns), 60))


def subgroup_words(attribute: str, subgroup: str, *, limit: int = 60) -> str:
    """Returns a subgroup as one says it in a sentence.

    Args:
        attribute: the declaration, such as ``"age:60"``.
        subgroup: the exact name, such as ``"[60,inf)"``.
        limit: longer names are cut, with an ellipsis.

    Example:
        >>> subgroup_words("age:60", "[60,inf)")
        'age 60 and above'
        >>> subgroup_words("sex*age:40,60", "female & [40,60)")
        'female (sex) and age 40 to below 60'
        >>> subgroup_words("skin_type:1-2,3-6", "1-2")
        'skin type 1 to 2'
    """
    columns = attribute.split("*")
    names = subgroup.split(" & ") if len(columns) > 1 else [subgroup]
    if len(names) != len(columns):
        return isolate(shorten(subgroup, limit))
    each = max(12, limit // len(columns))
    return " and ".join(_one_subgroup(column, name, each) for column, name in zip(columns, names, strict=True))


def subgroup_detail(attribute: str, subgroup: str) -> str:
    """Returns what a table says below the exact name: nothing where the name speaks for itself.

    Example:
        >>> subgroup_detail("age:60", "[0,60)"), subgroup_detail("sex", "female")
        ('age below 60', '')
    """
    words = subgroup_words(attribute, subgroup)
    plain = len(attribute.split("*")) == 1 and words.startswith((subgroup, isolate(shorten(subgroup, 60))))
    return "" if plain or words == subgroup else words


def _one_subgroup(column: str, name: str, limit: int) -> str:
    words = attribute_words(column)
    if match := _BIN.match(name):
        low, high = match.groups()
        if high == "inf":
            return f"{words} {low} and above"
        return f"{words} below {high}" if float(low) == 0 else f"{words} {low} to below {high}"
    if match := _RANGE.match(name):
        return f"{words} {match[1]} to {match[2]}"
    if re.fullmatch(_NUMBER, name):
        return f"{words} {name}"
    return f"{isolate(shorten(name, limit))} ({words})"


def subgroup_label(attribute: str, subgroup: str, *, limit: int = 28) -> str:
    """Returns a subgroup as a plot labels it.

    Example:
        >>> subgroup_label("age:60", "[60,inf)"), subgroup_label("sex*age:40,60", "female & [40,60)")
        ('age ≥ 60', 'female, age 40 to < 60')
    """
    columns = attribute.split("*")
    names = subgroup.split(" & ") if len(columns) > 1 else [subgroup]
    if len(names) != len(columns):
        return shorten(subgroup, limit)
    labels = [_one_label(column, name) for column, name in zip(columns, names, strict=True)]
    share = (limit - 2 * (len(labels) - 1)) // len(labels)
    long = [label for label in labels if len(label) > share]
    spare = sum(share - len(label) for label in labels if len(label) <= share) // max(1, len(long))
    return ", ".join(shorten(label, share + spare) for label in labels)


def _one_label(column: str, name: str) -> str:
    words = column.partition(":")[0].strip().replace("_", " ")
    if match := _BIN.match(name):
        low, high = match.groups()
        if high == "inf":
            return f"{words} ≥ {low}"
        return f"{words} < {high}" if float(low) == 0 else f"{words} {low} to < {high}"
    if match := _RANGE.match(name):
        return f"{words} {match[1]}–{match[2]}"
    return f"{words} {name}" if re.fullmatch(_NUMBER, name) else name
