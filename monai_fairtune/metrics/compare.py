"""Comparing two models on the same patients."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from monai_fairtune.exceptions import ConfigurationError, PredictionsError
from monai_fairtune.metrics.assessor import describe_intervals
from monai_fairtune.metrics.bootstrap import bootstrap
from monai_fairtune.metrics.cell import Cell, Cells
from monai_fairtune.metrics.comparison import (
    AttributeComparison,
    Comparison,
    LevelledDown,
    PairedDifference,
    SubgroupComparison,
)
from monai_fairtune.metrics.comparisons import compare_by
from monai_fairtune.metrics.gap_test import holm
from monai_fairtune.metrics.measured import Measured
from monai_fairtune.metrics.paired import paired_difference, paired_extreme
from monai_fairtune.metrics.resampling import Resampling, patient_strata
from monai_fairtune.metrics.threshold import Threshold
from monai_fairtune.predictions import Predictions
from monai_fairtune.subgroups import Subgroups

__all__ = ["compare"]

_OVERALL = ("auroc", "accuracy", "tpr", "fpr", "fn_per_1000", "fp_per_1000", "log_loss", "brier", "ece")
_BY_SUBGROUP = ("auroc", "tpr", "fpr", "fn_per_1000", "fp_per_1000", "brier")
_LARGER_IS_BETTER = ("auroc", "tpr")
_Replicates = Sequence[NDArray[np.float64]]
_EXTREMES: Mapping[str, tuple[tuple[str, ...], Callable[[_Replicates], NDArray[np.float64]]]] = {
    "worst_group_auroc": (("auroc",), lambda drawn: drawn[0].min(axis=1)),
    "auroc_gap": (("auroc",), lambda drawn: np.ptp(drawn[0], axis=1)),
    "equalized_odds_difference": (("tpr", "fpr"), lambda drawn: np.max([np.ptp(part, axis=1) for part in drawn], 0)),
}


def compare(
    a: Predictions,
    b: Predictions,
    threshold_a: Threshold,
    threshold_b: Threshold,
    *,
    names: tuple[str, str] = ("a", "b"),
    margin: float = 0.02,
    min_per_class: int = 10,
    resampling: Resampling | None = None,
) -> Comparison:
    """Compares two models on the same images of the same patients.

    Args:
        a: of the first model; differences are ``a`` minus ``b``.
        b: of the second model: the same images in the same order.
        threshold_a: the first model's operating point.
        threshold_b: the second model's operating point.
        names: of the models.
        margin: the first model is non-inferior if the lower limit of the difference of the overall AUROCs is above
            minus this; in (0, 0.5).
        min_per_class: as for ``assess``.
        resampling: how to compute intervals and tests; by default as ``Resampling()``.

    Raises:
        PredictionsError: if labels, patients, samples or subgroups differ.
        ConfigurationError: if the margin is out of range.

    Example:
        >>> sex = Subgroups("sex", ("f", "m"), [0, 1] * 20)
        >>> labels = [0, 0, 1, 1] * 10
        >>> scores = [k / 40 + y for k, y in enumerate(labels)]
        >>> better = Predictions(labels, scores, kind="logit", subgroups={"sex": sex})
        >>> worse = Predictions(labels, [k / 40 for k in range(40)], kind="logit", subgroups={"sex": sex})
        >>> half = Threshold(0.5, "given", "fixed")
        >>> found = compare(better, worse, half, half, resampling=Resampling(100))
        >>> round(found.overall["auroc"].difference.value, 3), found.overall["auroc"].extra["non_inferior"]
        (0.45, True)
    """
    if not 0 < margin < 0.5:
        raise ConfigurationError(f"The margin is {margin}. Give a difference of AUROCs, above 0 and below 0.5.")
    _require_pairs(a, b, names)
    resampling = resampling or Resampling()
    sides = Cells(a, threshold_a, min_per_class), Cells(b, threshold_b, min_per_class)
    everyone = [side.everyone() for side in sides]
    overall = _measure(everyone, np.zeros(a.n_patients, dtype=np.int64), resampling)
    measures = {name: paired_difference(overall[0], overall[1], name) for name in _OVERALL}
    return Comparison(
        names=names,
        n=len(a),
        n_patients=a.n_patients,
        margin=margin,
        intervals=describe_intervals(resampling, a),
        overall=measures | {"auroc": _with_non_inferiority(measures["auroc"], margin)},
        attributes={name: _attribute(sides, everyone, group, resampling) for name, group in a.subgroups.items()},
    )


def _require_pairs(a: Predictions, b: Predictions, names: tuple[str, str]) -> None:
    def differ(what: str, found: object) -> PredictionsError:
        return PredictionsError(
            f"{names[0]!r} and {names[1]!r} cannot be compared: {what} differ ({found}). "
            "Give predictions for the same images of the same patients, in the same order, with the same attributes."
        )

    if len(a) != len(b):
        raise differ("the numbers of images", f"{len(a)} and {len(b)}")
    if (a.labels != b.labels).any():
        raise differ("labels", f"of {int((a.labels != b.labels).sum())} images")
    if (a.patient_ids != b.patient_ids).any():
        raise differ("patients", f"of {int((a.patient_ids != b.patient_ids).sum())} images")
    if a.sample_ids is not None and b.sample_ids is not None and (a.sample_ids != b.sample_ids).any():
        raise differ("samples", f"at {int((a.sample_ids != b.sample_ids).sum())} positions")
    if list(a.subgroups) != list(b.subgroups):
        raise differ("attributes", f"{list(a.subgroups)} and {list(b.subgroups)}")
    for name, group in a.subgroups.items():
        other = b.subgroups[name]
        if group.names != other.names or (group.codes != other.codes).any():
            raise differ(f"the subgroups of {name!r}", f"{list(group.names)} and {list(other.names)}")


def _measure(cells: Sequence[Cell], strata: NDArray[np.int64], resampling: Resampling) -> list[Measured]:
    replicates = bootstrap(cells, strata, resampling)
    return [Measured.of(cell, drawn) for cell, drawn in zip(cells, replicates, strict=True)]


def _with_non_inferiority(auroc: PairedDifference, margin: float) -> PairedDifference:
    low, method = auroc.difference.low, auroc.a.extra.get("interval")
    return replace(
        auroc,
        extra={
            "non_inferior": None if low is None else low > -margin,
            "method": "delong" if method == "delong" else "bootstrap",
        },
    )


def _attribute(
    sides: tuple[Cells, Cells], everyone: Sequence[Cell], subgroups: Subgroups, resampling: Resampling
) -> AttributeComparison:
    taken = [
        side.members(member, f"Subgroup {name!r} of attribute {subgroups.attribute!r}")
        for side in sides
        for name, member in subgroups.items()
    ]
    strata = patient_strata(everyone[0].patients, subgroups.codes)
    measured = _measure(taken, strata, resampling)
    half = len(subgroups.names)
    a, b = (
        dict(zip(subgroups.names, measured[:half], strict=True)),
        dict(zip(subgroups.names, measured[half:], strict=True)),
    )
    by_subgroup = _subgroups(a, b)
    return AttributeComparison(
        measures={
            name: paired_extreme(
                list(a.values()), list(b.values()), (compare_by(a, name), compare_by(b, name)), of, choose
            )
            for name, (of, choose) in _EXTREMES.items()
        },
        subgroups=by_subgroup,
        levelling_down=_levelled_down(by_subgroup),
    )


def _subgroups(a: Mapping[str, Measured], b: Mapping[str, Measured]) -> dict[str, SubgroupComparison]:
    measures = {name: {of: paired_difference(a[name], b[name], of) for of in _BY_SUBGROUP} for name in a}
    p_values = {name: found["auroc"].p_value for name, found in measures.items()}
    adjusted = holm({name: p for name, p in p_values.items() if p is not None})
    return {
        name: SubgroupComparison(
            len(a[name].cell),
            a[name].cell.n_positive,
            found | {"auroc": replace(found["auroc"], extra={"p_holm": adjusted.get(name)})},
        )
        for name, found in measures.items()
    }


def _levelled_down(subgroups: Mapping[str, SubgroupComparison]) -> list[LevelledDown]:
    found = []
    for name, subgroup in subgroups.items():
        for measure in _LARGER_IS_BETTER:
            difference = subgroup.measures[measure].difference
            if difference.value is not None and difference.value < 0:
                sure = difference.high is not None and difference.high < 0
                found.append(LevelledDown(name, measure, difference, "lower" if sure else "not distinguishable"))
    return found
