"""What must not change a number, and what must change it in one way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monai_fairtune.metrics import Assessment, Threshold, assess, auroc, choose_threshold
from monai_fairtune.predictions import Predictions
from monai_fairtune.subgroups import MISSING, Subgroups

_HALF = Threshold(0.5, "given", "fixed")
_COUNTED = ("n", "n_missing", "n_positive", "n_patients")


@st.composite
def splits(draw: st.DrawFn, *, missing: bool = True) -> Predictions:
    """Draws small splits with ties, empty subgroups and one-class subgroups."""
    n = draw(st.integers(1, 40))
    lowest = MISSING if missing else 0
    labels = draw(st.lists(st.integers(0, 1), min_size=n, max_size=n))
    scores = draw(st.lists(st.integers(-6, 6), min_size=n, max_size=n))
    codes = draw(st.lists(st.integers(lowest, 2), min_size=n, max_size=n))
    patients = draw(st.lists(st.integers(0, 10), min_size=n, max_size=n))
    subgroups = {"site": Subgroups("site", ("a", "b", "c"), np.array(codes))}
    return Predictions(labels, np.array(scores) / 2, kind="logit", subgroups=subgroups, patient_ids=patients)


def flat(report: Assessment, *, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """Returns every number of a report by its path, None where it is undefined."""
    found: dict[str, Any] = {}

    def walk(path: str, node: object) -> None:
        if isinstance(node, Mapping):
            for key, child in node.items():
                if key not in ("reason", "low", "high", *without):
                    walk(f"{path}/{key}", child)
        else:
            found[path] = node

    walk("", report.to_dict())
    return found


def assert_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Compares numbers to the last digits, since sums may be taken in another order, and all else exactly."""
    assert one.keys() == other.keys()
    for path, value in one.items():
        expected = pytest.approx(value, abs=1e-12) if isinstance(value, float) else value
        assert other[path] == expected, path


def rebuild(predictions: Predictions, subgroups: Subgroups) -> Predictions:
    return Predictions(
        predictions.labels,
        predictions.scores,
        kind=predictions.kind,
        subgroups={subgroups.attribute: subgroups},
        patient_ids=predictions.patient_ids,
    )


@settings(deadline=None)
@given(splits(), st.randoms(use_true_random=False))
def test_permuting_the_samples_changes_nothing_fault_1(predictions: Predictions, random: Any) -> None:
    order = list(range(len(predictions)))
    random.shuffle(order)
    ours, shuffled = (assess(p, _HALF, min_per_class=1) for p in (predictions, predictions.take(order)))
    assert_same(flat(ours), flat(shuffled))


@settings(deadline=None)
@given(splits(), st.integers(1, 7))
def test_gathering_the_split_from_batches_changes_nothing_fault_7(predictions: Predictions, batch_size: int) -> None:
    starts = range(0, len(predictions), batch_size)
    batches = [predictions.take(np.arange(s, min(s + batch_size, len(predictions)))) for s in starts]
    gathered = Predictions(
        np.concatenate([b.labels for b in batches]),
        np.concatenate([b.scores for b in batches]),
        kind="logit",
        subgroups={
            "site": Subgroups("site", ("a", "b", "c"), np.concatenate([b.subgroups["site"].codes for b in batches]))
        },
        patient_ids=np.concatenate([b.patient_ids for b in batches]),
    )
    assert flat(assess(gathered, _HALF, min_per_class=1)) == flat(assess(predictions, _HALF, min_per_class=1))


@settings(deadline=None)
@given(splits())
def test_renaming_the_subgroups_renames_the_result_and_nothing_else_fault_12(predictions: Predictions) -> None:
    renamed = rebuild(predictions, Subgroups("site", ("x", "y", "z"), predictions.subgroups["site"].codes))
    names = dict(zip("abc", "xyz", strict=True))
    ours = assess(predictions, _HALF, min_per_class=1).attributes["site"]
    theirs = assess(renamed, _HALF, min_per_class=1).attributes["site"]
    for old, new in names.items():
        assert {k: v.value for k, v in ours.subgroups[old].values.items()} == {
            k: v.value for k, v in theirs.subgroups[new].values.items()
        }
    for metric, value in ours.comparisons.items():
        other = theirs.comparisons[metric]
        assert other.value == pytest.approx(value.value, abs=1e-12) if value.value is not None else other.value is None
        assert other.extra.get("subgroup") == names.get(str(value.extra.get("subgroup")))


@settings(deadline=None)
@given(splits())
def test_the_order_in_which_subgroups_are_declared_changes_no_number(predictions: Predictions) -> None:
    codes = predictions.subgroups["site"].codes
    reversed_codes = np.where(codes == MISSING, MISSING, 2 - codes)
    reordered = rebuild(predictions, Subgroups("site", ("c", "b", "a"), reversed_codes))
    # Of equally bad subgroups the first is named, and that depends on the order.
    ours, theirs = (flat(assess(p, _HALF, min_per_class=1), without=("subgroup",)) for p in (predictions, reordered))
    assert_same(ours, theirs)


@settings(deadline=None)
@given(splits())
def test_adding_an_empty_subgroup_makes_every_comparison_undefined(predictions: Predictions) -> None:
    codes = predictions.subgroups["site"].codes
    ours = assess(predictions, _HALF, min_per_class=1).attributes["site"]
    wider = assess(rebuild(predictions, Subgroups("site", ("a", "b", "c", "d"), codes)), _HALF, min_per_class=1)
    theirs = wider.attributes["site"]
    assert all(value.value is None for value in theirs.comparisons.values())
    assert all("'d'" in str(value.reason) for name, value in theirs.comparisons.items() if "odds" not in name)
    for name, subgroup in ours.subgroups.items():
        assert subgroup.to_dict() == theirs.subgroups[name].to_dict()


@settings(deadline=None)
@given(splits())
def test_comparisons_lie_where_they_must(predictions: Predictions) -> None:
    site = assess(predictions, _HALF, min_per_class=1).attributes["site"]
    aurocs = [subgroup.values["auroc"].value for subgroup in site.subgroups.values()]
    if None in aurocs:
        assert site.auroc_gap.value is None
        return
    worst, best, gap = (
        v.require() for v in (site.worst_group_auroc, site.comparisons["best_group_auroc"], site.auroc_gap)
    )
    assert 0 <= worst <= best <= 1
    assert gap == best - worst
    assert 0 <= site.comparisons["equity_scaled_auroc"].require() <= 1
    assert 1 - worst - 1e-12 <= site.comparisons["distance_to_optimal"].require() <= np.sqrt(3) * (1 - worst) + 1e-12
    for name in ("equalized_odds_difference", "equalized_odds_ratio", "demographic_parity_ratio"):
        value = site.comparisons[name].value
        assert value is None or 0 <= value <= 1


@settings(deadline=None)
@given(splits(missing=False), st.lists(st.tuples(st.integers(0, 1), st.integers(-6, 6)), max_size=10))
def test_samples_without_the_attribute_enter_no_comparison_but_the_equity_scaled_one(
    predictions: Predictions, extra: list[tuple[int, int]]
) -> None:
    codes = predictions.subgroups["site"].codes
    wider = Predictions(
        np.concatenate([predictions.labels, [label for label, _ in extra]]).astype(int),
        np.concatenate([predictions.scores, [float(score) for _, score in extra]]),
        kind="logit",
        subgroups={"site": Subgroups("site", ("a", "b", "c"), np.concatenate([codes, np.full(len(extra), MISSING)]))},
    )
    ours, theirs = (assess(p, _HALF, min_per_class=1).attributes["site"].comparisons for p in (predictions, wider))
    for name, value in ours.items():
        if name != "equity_scaled_auroc":
            assert value == theirs[name]


@settings(deadline=None)
@given(splits())
def test_doubling_every_sample_changes_no_metric(predictions: Predictions) -> None:
    twice = predictions.take(np.repeat(np.arange(len(predictions)), 2))
    ours, theirs = (
        flat(assess(p, _HALF, min_per_class=1), without=("minimum_detectable_gap", *_COUNTED))
        for p in (predictions, twice)
    )
    assert_same(ours, theirs)


_SCORED = st.lists(st.tuples(st.integers(0, 1), st.integers(-50, 50)), max_size=40)


@settings(deadline=None)
@given(_SCORED)
def test_auroc_is_the_share_of_pairs_in_the_right_order(rows: list[tuple[int, int]]) -> None:
    labels, scores = np.array([(0, 0), (1, 1), *rows]).T
    won = [float(p > q) + 0.5 * float(p == q) for p in scores[labels == 1] for q in scores[labels == 0]]
    assert auroc(labels, scores) == pytest.approx(np.mean(won), abs=1e-12)


@settings(deadline=None)
@given(_SCORED)
def test_auroc_sees_only_the_order_and_turns_with_it(rows: list[tuple[int, int]]) -> None:
    labels, scores = np.array([(0, 0), (1, 1), *rows]).T
    value = auroc(labels, scores)
    assert auroc(labels, np.exp(scores / 10)) == value
    assert auroc(labels, -scores) == pytest.approx(1 - value, abs=1e-12)
    assert auroc(1 - labels, -scores) == pytest.approx(value, abs=1e-12)


@settings(deadline=None)
@given(splits())
def test_logits_and_their_probabilities_agree(predictions: Predictions) -> None:
    as_probabilities = Predictions(
        predictions.labels,
        predictions.probabilities,
        kind="probability",
        subgroups=predictions.subgroups,
        patient_ids=predictions.patient_ids,
    )
    assert_same(*(flat(assess(p, _HALF, min_per_class=1)) for p in (predictions, as_probabilities)))
    if 0 < predictions.prevalence < 1:
        assert choose_threshold(predictions) == choose_threshold(as_probabilities)
