"""Small subgroups are merged by counts alone, and every merge is listed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monai_fairtune.exceptions import ConfigurationError, PredictionsError
from monai_fairtune.subgroups import MISSING, Merge, Subgroups, class_counts, merge_small

_BINS = ("[0,40)", "[40,60)", "[60,75)", "[75,inf)")


def of_counts(attribute: str, counts: dict[str, tuple[int, int]], n_missing: int = 0) -> tuple[Subgroups, list[int]]:
    """Subgroups with the given numbers of negatives and positives, and the labels."""
    codes, labels = [MISSING] * n_missing, [1] * n_missing
    for code, (n_negative, n_positive) in enumerate(counts.values()):
        codes += [code] * (n_negative + n_positive)
        labels += [0] * n_negative + [1] * n_positive
    return Subgroups(attribute, tuple(counts), codes), labels


def test_a_small_bin_joins_the_smaller_of_its_neighbours() -> None:
    age, labels = of_counts("age:40,60,75", dict(zip(_BINS, [(50, 50), (3, 3), (40, 40), (60, 60)], strict=True)))
    merged, merges = merge_small(age, labels, min_per_class=10)
    assert merges == (Merge("[40,75)", ("[40,60)", "[60,75)")),)
    assert merged.attribute == "age:40,60,75"
    assert class_counts(merged, labels) == {"[0,40)": (50, 50), "[40,75)": (43, 43), "[75,inf)": (60, 60)}


def test_bins_join_until_each_is_large_enough() -> None:
    age, labels = of_counts("age:40,60,75", dict(zip(_BINS, [(4, 4), (4, 4), (4, 4), (60, 60)], strict=True)))
    merged, merges = merge_small(age, labels, min_per_class=10)
    assert merges == (Merge("[0,75)", ("[0,40)", "[40,60)", "[60,75)")),)
    assert class_counts(merged, labels) == {"[0,75)": (12, 12), "[75,inf)": (60, 60)}


def test_ranges_that_join_name_all_their_parts() -> None:
    skin, labels = of_counts("skin_type:1-2,3-4,5-6", {"1-2": (50, 50), "3-4": (50, 50), "5-6": (2, 2)})
    assert merge_small(skin, labels, min_per_class=10)[1] == (Merge("3-4 or 5-6", ("3-4", "5-6")),)


def test_small_values_without_order_become_one_subgroup() -> None:
    site, labels = of_counts("site", {"a": (50, 9), "b": (50, 50), "c": (0, 0), "d": (60, 60)}, n_missing=3)
    merged, merges = merge_small(site, labels, min_per_class=10)
    assert merges == (Merge("other", ("a", "c")),)
    assert (merged.names, merged.n_missing) == (("b", "d", "other"), 3)
    assert class_counts(merged, labels)["other"] == (50, 9)


def test_the_name_of_the_merged_subgroup_is_free() -> None:
    race, labels = of_counts("race", {"a": (2, 2), "b": (2, 2), "other": (60, 60)})
    assert merge_small(race, labels, min_per_class=4)[0].names == ("other", "other (merged)")


def test_an_intersection_has_no_order_even_where_its_parts_have() -> None:
    names = {"f & [0,60)": (50, 50), "f & [60,inf)": (2, 2), "m & [0,60)": (2, 2), "m & [60,inf)": (50, 50)}
    both, labels = of_counts("sex*age:60", names)
    assert merge_small(both, labels, min_per_class=10)[0].names == ("f & [0,60)", "m & [60,inf)", "other")


@pytest.mark.parametrize(
    ("attribute", "counts"),
    [
        ("sex", {"f": (50, 50), "m": (60, 60)}),
        ("sex", {"f": (50, 50), "m": (60, 60), "x": (1, 0)}),
        ("sex", {"f": (1, 1), "m": (2, 2)}),
        ("age:60", {"[0,60)": (50, 50), "[60,inf)": (2, 2)}),
    ],
    ids=["all large", "one small value", "all small", "one bin would remain"],
)
def test_where_merging_leaves_nothing_to_compare_nothing_is_merged(
    attribute: str, counts: dict[str, tuple[int, int]]
) -> None:
    subgroups, labels = of_counts(attribute, counts)
    assert merge_small(subgroups, labels, min_per_class=10) == (subgroups, ())


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=6), st.booleans())
def test_merging_neither_loses_an_image_nor_moves_one_to_an_unlisted_subgroup(
    cells: list[tuple[int, int]], ordered: bool
) -> None:
    names = dict(zip("abcdef", cells, strict=False))
    subgroups, labels = of_counts("x:1" if ordered else "x", names, n_missing=2)
    merged, merges = merge_small(subgroups, labels, min_per_class=10)
    becomes = {part: merge.into for merge in merges for part in merge.parts}
    before = np.array([*subgroups.names, "missing"])[subgroups.codes]
    after = np.array([*merged.names, "missing"])[merged.codes]
    assert after.tolist() == [becomes.get(name, name) for name in before.tolist()]
    if merges and ordered:
        assert min(min(cell) for cell in class_counts(merged, labels).values()) >= 10


def test_a_minimum_below_one_and_labels_of_another_length_are_refused() -> None:
    sex = Subgroups("sex", ("f", "m"), [0, 1])
    with pytest.raises(ConfigurationError, match=r"min_per_class is 0\. Give at least 1"):
        merge_small(sex, [0, 1], 0)
    with pytest.raises(PredictionsError, match="Give one label a sample"):
        merge_small(sex, [0, 1, 1], 1)
