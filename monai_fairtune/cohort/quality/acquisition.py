"""Acquisition confounding: do the site, the scanner or the like tell the label or the subgroup?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import stdtr

from monai_fairtune.cohort.quality.alarms import TELLING, adjust, is_clear
from monai_fairtune.cohort.quality.recorded import Recorded, columns_of
from monai_fairtune.metrics import Value
from monai_fairtune.metrics.estimate import AUROCEstimate
from monai_fairtune.metrics.placements import Placements
from monai_fairtune.subgroups import MISSING, SensitiveAttribute, Subgroups

__all__ = ["acquisition_cautions", "assign_acquisition", "measure_acquisition", "predictability"]

_MOST_VALUES = 20
_N_FOLDS = 5
_FEWEST_PATIENTS = 10
_ALPHA = 0.025


def assign_acquisition(table: pd.DataFrame, declarations: Sequence[str]) -> dict[str, Subgroups]:
    """Reads columns that say how images came about, declared as attributes are: ``site``, ``kvp:80,100``.

    Of a column with more than 20 values, the rarer ones beyond the first 19 become one value, ``other values``.

    Raises:
        AttributeDeclarationError: as ``SensitiveAttribute.parse`` and ``assign``.
    """
    found = {}
    for attribute in SensitiveAttribute.parse_all(declarations) if declarations else ():
        whole = [column.name for column in attribute.columns if not column.cuts and not column.ranges]
        pooled = table.assign(**{name: _pool_rare(table[name]) for name in whole if name in table.columns})
        found[attribute.declaration] = attribute.assign(pooled)
    return found


def _pool_rare(column: pd.Series[str]) -> pd.Series[str]:
    values = column[column != ""].value_counts().sort_index().sort_values(ascending=False, kind="stable")
    if len(values) <= _MOST_VALUES:
        return column
    return column.where((column == "") | column.isin(values.index[: _MOST_VALUES - 1]), "other values")


def measure_acquisition(recorded: Recorded, *, seed: int) -> list[dict[str, Any]]:
    """Returns how well each acquisition column, and all of them together, tell the label and each subgroup.

    Args:
        recorded: the images.
        seed: deals patients to folds.

    Returns:
        One ``{"from": [declarations], "target": "label" or an attribute, "subgroup": name or None, "auroc": V}`` each;
        V holds an interval by patient, ``p_value`` and ``p_holm``, adjusted over all of them.
    """
    sources = [[name] for name in recorded.acquisition]
    sources += [list(recorded.acquisition)] if len(sources) > 1 else []
    asked = [
        (source, target, name, is_one) for source in sources for target, name, is_one in _targets(recorded, source)
    ]
    values = adjust([_told_by(recorded, source, is_one, seed) for source, _, _, is_one in asked])
    return [
        {"from": source, "target": target, "subgroup": name, "auroc": value.to_dict()}
        for (source, target, name, _), value in zip(asked, values, strict=True)
    ]


def _targets(recorded: Recorded, source: Sequence[str]) -> Iterator[tuple[str, str | None, NDArray[np.int64]]]:
    """Yields what may be told: name of the target, subgroup, and per image 1, 0 or -1 for not recorded."""
    yield "label", None, recorded.labels
    for attribute, group in recorded.attributes.items():
        if any(columns_of(attribute) & columns_of(name) for name in source):
            continue
        present = [name for name, member in group.items() if member.any()]
        for name in present[1:] if len(present) == 2 else present:  # of two, each tells the other
            yield attribute, name, np.where(group.codes == MISSING, MISSING, group.member(name))


def _told_by(recorded: Recorded, source: Sequence[str], target: NDArray[np.int64], seed: int) -> Value:
    known = target != MISSING
    codes = np.stack([recorded.acquisition[name].codes[known] for name in source], axis=1)
    return predictability(codes, target[known], recorded.patients[known], seed=seed)


def predictability(
    codes: NDArray[np.int64], labels: NDArray[np.int64], patients: NDArray[np.int64], *, seed: int
) -> Value:
    """Returns the AUROC with which a logistic regression on one-hot columns tells labels of patients it has not seen.

    Patients are dealt to five folds at random; the fold of an image is predicted by a model of the other four. The
    p-value is one-sided against an AUROC of 0.5, from the null variance of the Mann-Whitney statistic with patients in
    the place of images and without allowance for ties, which errs towards no alarm.

    Args:
        codes: shape ``(n, n_columns)``, -1 where not recorded, which is a value of its own here.
        labels: shape ``(n,)``, 0 or 1.
        patients: shape ``(n,)``, whole numbers.
        seed: deals patients to folds.

    Returns:
        The AUROC with its 95 % interval by patient and ``p_value``; undefined below 10 patients of either class.
    """
    _, owner = np.unique(patients, return_inverse=True)
    fold = np.random.default_rng(seed).permutation(int(owner.max(initial=-1)) + 1)[owner] % _N_FOLDS
    with_class = [np.unique(owner[labels == label]).size for label in (0, 1)]
    if min(with_class) < _FEWEST_PATIENTS:
        return Value(
            None,
            f"It holds {with_class[0]} patients of the one kind and {with_class[1]} of the other; "
            f"at least {_FEWEST_PATIENTS} of each are asked for.",
        )
    distinct, kind = np.unique(codes, axis=0, return_inverse=True)
    scores = _out_of_fold(distinct, kind.ravel(), labels, fold)
    return _auroc(labels, scores, owner, with_class)


def _out_of_fold(
    distinct: NDArray[np.int64], kind: NDArray[np.int64], labels: NDArray[np.int64], fold: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Returns the log-odds of each image; images that are alike in all columns are fitted as one with a weight."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    scores = np.empty(len(labels))
    for held_out in range(_N_FOLDS):
        others = fold != held_out
        weights = np.bincount(kind[others] * 2 + labels[others], minlength=2 * len(distinct))
        used = np.flatnonzero(weights)
        if len(np.unique(used % 2)) < 2:  # all patients of one class are held out
            scores[~others] = 0.0
            continue
        model = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression())
        model.fit(distinct[used // 2], used % 2, logisticregression__sample_weight=weights[used])
        scores[~others] = model.decision_function(distinct)[kind[~others]]
    return scores


def _auroc(
    labels: NDArray[np.int64], scores: NDArray[np.float64], owner: NDArray[np.int64], with_class: Sequence[int]
) -> Value:
    placements = Placements.of(labels, scores)
    pulls = np.bincount(owner, weights=placements.pull(labels))
    error = math.sqrt(len(pulls) / (len(pulls) - 1) * float(pulls @ pulls))
    negative, positive = with_class
    n_positive = int(labels.sum())
    n_negative = len(labels) - n_positive
    estimate = AUROCEstimate(placements.auroc, error, min(with_class), n_positive, n_negative, positive, negative)
    low, high = estimate.limits(_ALPHA)
    spread = math.sqrt((positive + negative + 1) / (12 * positive * negative))
    p_value = float(stdtr(min(with_class) - 1, (0.5 - placements.auroc) / spread))
    return Value(placements.auroc, low=low, high=high, extra={"p_value": p_value})


def acquisition_cautions(found: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yields what acquisition tells: a network can then learn the site in place of the finding.

    All columns together are named only where none of them is by itself.
    """
    told = set()
    for entry in found:
        target = (entry["target"], entry["subgroup"])
        if not is_clear(entry["auroc"], TELLING) or (len(entry["from"]) > 1 and target in told):
            continue
        told.add(target)
        what = "the label" if entry["target"] == "label" else f"{entry['target']} ({entry['subgroup']})"
        yield (
            f"{' and '.join(entry['from'])} alone {'tells' if len(entry['from']) == 1 else 'tell'} {what} with an "
            f"AUROC of {entry['auroc']['value']:.2f} ({entry['auroc']['low']:.2f} to {entry['auroc']['high']:.2f}). A "
            "network may learn how images were taken in place of what they show: test on a site that was not trained "
            "on (split_by)."
        )
