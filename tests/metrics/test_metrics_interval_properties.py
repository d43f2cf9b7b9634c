"""Intervals on random tables: they hold their value, stay in range, and know no names and no order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from monai_fairtune.metrics import Assessment, Resampling, Threshold, Value, assess
from monai_fairtune.predictions import Predictions
from monai_fairtune.subgroups import MISSING, Subgroups
from monai_fairtune.testing.random_predictions import random_predictions

_HALF = Threshold(0.5, "given", "fixed")
_QUICK = Resampling(100, 100, n_threads=1)
_LOSSES = ("log_loss", "brier", "ece", "largest_subgroup_loss", "largest_brier", "largest_ece", "distance_to_optimal")
_REAL = ("calibration_intercept", "calibration_slope")
_METHODS = ("delong", "bootstrap", "wilson", "extreme", "mover", "percentile")


def split(seed: int) -> Predictions:
    """Draws a small split: ties, saturation, tiny subgroups, missing values, patients in one or several subgroups."""
    rng = np.random.default_rng((seed, 13))
    return random_predictions(
        seed,
        n=int(rng.integers(4, 250)),
        attributes=(("site", int(rng.integers(1, 5))),),
        prevalence=float(rng.choice([0.05, 0.3, 0.5, 0.9])),
        missing=float(rng.choice([0.0, 0.2])),
        n_levels=None if seed % 3 == 0 else int(rng.integers(2, 20)),
        kind="logit" if seed % 2 else "probability",
        images_per_patient=int(rng.choice([1, 3])),
        by_patient=bool(rng.random() < 0.5),
        evenness=float(rng.choice([0.5, 5.0])),
        saturated=float(rng.choice([0.0, 0.02])),
    )


def values(report: Assessment) -> Iterator[tuple[str, Value]]:
    """Yields every value of a report by its name."""
    yield from report.overall.items()
    for attribute in report.attributes.values():
        yield from attribute.comparisons.items()
        for subgroup in attribute.subgroups.values():
            yield from subgroup.values.items()
        for pair in attribute.pairs:
            yield "pair", pair.difference


def bounds(name: str) -> tuple[float, float]:
    """Returns where a measure can lie."""
    if name in _REAL:
        return -np.inf, np.inf
    if name == "pair":
        return -1.0, 1.0
    return 0.0, np.inf if name in _LOSSES else 1000.0 if "per_1000" in name else 1.0


@pytest.fixture(scope="module")
def reports() -> list[Assessment]:
    return [assess(split(seed), _HALF, min_per_class=2, resampling=_QUICK) for seed in range(300)]


def test_every_interval_holds_its_value_and_stays_in_range(reports: list[Assessment]) -> None:
    seen: Counter[str] = Counter()
    for seed, report in enumerate(reports):
        for name, value in values(report):
            if value.value is None or value.low is None or value.high is None:
                continue
            low, high = bounds(name)
            assert low <= value.low <= value.high <= high, (seed, name, value)
            if value.extra["interval"] != "percentile":  # one that is biased, and says so
                assert value.low <= value.value + 1e-12, (seed, name, value)
                assert value.value <= value.high + 1e-12, (seed, name, value)
            seen[name] += 1
    assert len(seen) == 43
    assert min(seen.values()) >= 60, seen


def test_a_value_has_an_interval_and_its_method_or_the_reason_why_not(reports: list[Assessment]) -> None:
    missing: Counter[str] = Counter()
    for report in reports:
        for name, value in values(report):
            if value.value is None:
                assert value.low is None
                assert value.high is None
                assert "interval" not in value.extra
            elif value.low is None:
                assert value.high is None
                assert str(value.extra["no_interval"]).endswith(".")
                missing[name] += 1
            else:
                assert value.extra["interval"] in _METHODS
                assert "no_interval" not in value.extra
            assert 0 < float(str(value.extra.get("undefined_replicates", 0.5))) <= 1
    assert missing["tpr"] > 5


def test_the_interval_of_a_gap_holds_the_gap_and_does_not_go_below_0(reports: list[Assessment]) -> None:
    n_seen = n_touching = 0
    for report in reports:
        for name, value in report.attributes["site"].comparisons.items():
            if name.endswith(("_gap", "_difference")) and value.low is not None and value.high is not None:
                assert 0 <= value.low <= value.require() + 1e-12
                assert value.require() <= value.high + 1e-12
                n_seen, n_touching = n_seen + 1, n_touching + (value.low == 0)
    assert n_seen > 1000
    assert 0.2 < n_touching / n_seen < 1


def test_patients_in_several_subgroups_leave_a_caution_on_extremes_and_on_nothing_else(
    reports: list[Assessment],
) -> None:
    n_shared = 0
    for seed, report in enumerate(reports):
        predictions = split(seed)
        codes = predictions.subgroups["site"].codes
        owned = {(p, c) for p, c in zip(predictions.patients.codes.tolist(), codes.tolist(), strict=True) if c != -1}
        shared = len(owned) > len({patient for patient, _ in owned})
        n_shared += shared
        for value in report.attributes["site"].comparisons.values():
            if value.extra.get("interval") == "extreme":
                assert ("in several of these subgroups" in str(value.extra.get("caution"))) == shared
    assert 30 < n_shared < 270


def flat(node: object, path: str = "") -> dict[str, Any]:
    """Returns every number of a report by its path."""
    if isinstance(node, Mapping):
        return {k: v for key, child in node.items() for k, v in flat(child, f"{path}/{key}").items()}
    if isinstance(node, (list, tuple)):
        return {k: v for key, child in enumerate(node) for k, v in flat(child, f"{path}/{key}").items()}
    return {path: node}


def report(predictions: Predictions) -> dict[str, Any]:
    return flat(assess(predictions, _HALF, min_per_class=2, resampling=_QUICK).to_dict())


def translated(found: Any) -> Any:
    """Returns a path, a name or a reason with the new names of the subgroups."""
    if not isinstance(found, str):
        return found
    for old, new in zip("abcd", "wxyz", strict=True):
        found = new if found == old else found.replace(f"/{old}/", f"/{new}/").replace(f"'{old}'", f"'{new}'")
    return found


def renamed(predictions: Predictions, names: str, patient_ids: list[str]) -> Predictions:
    codes = predictions.subgroups["site"].codes
    subgroups = {"site": Subgroups("site", tuple(names), codes)}
    return Predictions(
        predictions.labels, predictions.scores, kind=predictions.kind, subgroups=subgroups, patient_ids=patient_ids
    )


@settings(max_examples=30, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(st.integers(0, 10**6), st.randoms(use_true_random=False))
def test_renaming_patients_and_subgroups_changes_no_interval_and_no_p_value(seed: int, random: Any) -> None:
    predictions = split(seed)
    n = len(predictions.subgroups["site"].names)
    aliases = [f"p{number}" for number in random.sample(range(10**6), predictions.n_patients)]
    again = renamed(predictions, "wxyz"[:n], [aliases[code] for code in predictions.patients.codes])
    expected = {translated(path): translated(value) for path, value in report(predictions).items()}
    assert report(again) == expected


@settings(max_examples=30, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(st.integers(0, 10**6), st.randoms(use_true_random=False))
def test_permuting_the_images_changes_no_value_and_no_interval_that_draws_nothing(seed: int, random: Any) -> None:
    predictions = split(seed)
    order = list(range(len(predictions)))
    random.shuffle(order)
    ours, theirs = (
        dict(enumerate(values(assess(p, _HALF, min_per_class=2, resampling=_QUICK))))
        for p in (predictions, predictions.take(order))
    )
    apart = predictions.n_patients == len(predictions)
    for place, (name, value) in ours.items():
        other = theirs[place][1]
        assert other.value == (None if value.value is None else pytest.approx(value.value, abs=1e-9)), name
        exact = name in ("auroc", "pair", "auroc_gap", "worst_group_auroc", "best_group_auroc")
        if apart and exact and value.low is not None and other.low is not None:
            assert [other.low, other.high] == pytest.approx([value.low, value.high], abs=1e-9)


def test_permuting_the_images_moves_a_bootstrapped_interval_by_no_more_than_the_draws_do() -> None:
    predictions = random_predictions(3, n=600, images_per_patient=3, by_patient=True)
    order = np.random.default_rng(0).permutation(600)
    ours, theirs = (
        dict(enumerate(values(assess(p, _HALF, resampling=Resampling(2000, 100)))))
        for p in (predictions, predictions.take(order))
    )
    for place, (name, value) in ours.items():
        other = theirs[place][1]
        if value.low is not None and value.high is not None:
            width = value.high - value.low
            assert [other.low, other.high] == pytest.approx([value.low, value.high], abs=0.12 * width + 1e-9), name


def test_images_without_the_attribute_belong_to_no_pair_and_no_test() -> None:
    predictions = random_predictions(5, n=300, missing=0.3)
    known = predictions.subgroups["site"].codes != MISSING
    ours, theirs = (
        assess(p, _HALF, resampling=_QUICK).attributes["site"] for p in (predictions, predictions.take(known))
    )
    assert [pair.to_dict() for pair in ours.pairs] == [pair.to_dict() for pair in theirs.pairs]
    assert ours.auroc_gap.to_dict() == theirs.auroc_gap.to_dict()
