"""Several classes or several labels: one assessment each, and their mean."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from monai_fairtune.exceptions import PredictionsError
from monai_fairtune.metrics import aggregate
from monai_fairtune.metrics.assessment import Assessment
from monai_fairtune.metrics.assessor import Assessor
from monai_fairtune.metrics.estimate import BoundedEstimate, Estimate
from monai_fairtune.metrics.extremes import difference_interval, smallest_interval
from monai_fairtune.metrics.measured import ALPHA, MOST_UNDEFINED, Measured, with_extreme, with_interval
from monai_fairtune.metrics.resampling import Resampling
from monai_fairtune.metrics.threshold import Threshold
from monai_fairtune.metrics.value import Value
from monai_fairtune.predictions import Predictions

__all__ = ["MacroAttribute", "MulticlassAssessment", "assess_each"]


@dataclass(frozen=True)
class MacroAttribute:
    """The mean over classes of one attribute's AUROCs.

    Args:
        subgroups: name to macro AUROC; larger is better.
        worst_group_auroc: the lowest, with its ``subgroup``.
        auroc_gap: highest minus lowest; smaller is better.
    """

    subgroups: Mapping[str, Value]
    worst_group_auroc: Value
    auroc_gap: Value

    def to_dict(self) -> dict[str, object]:
        """Returns plain data for a report."""
        return {
            "subgroups": {name: {"auroc": value.to_dict()} for name, value in self.subgroups.items()},
            "worst_group_auroc": self.worst_group_auroc.to_dict(),
            "auroc_gap": self.auroc_gap.to_dict(),
        }


@dataclass(frozen=True)
class MulticlassAssessment:
    """One assessment a class, and the mean over the classes; ``assess_each`` makes it.

    Args:
        kind: ``"multiclass"`` (each class against the rest) or ``"multilabel"`` (each label on its own).
        classes: name to the class's own assessment.
        macro_auroc: the mean of the classes' AUROCs over all images, each class weighing the same.
        attributes: declaration to the mean over classes within its subgroups.
    """

    kind: Literal["multiclass", "multilabel"]
    classes: Mapping[str, Assessment]
    macro_auroc: Value
    attributes: Mapping[str, MacroAttribute]

    def to_dict(self) -> dict[str, object]:
        """Returns the content of ``report.json``."""
        return {
            "schema": 1,
            "kind": self.kind,
            "classes": {name: assessment.to_dict() for name, assessment in self.classes.items()},
            "macro": {
                "auroc": self.macro_auroc.to_dict(),
                "attributes": {name: attribute.to_dict() for name, attribute in self.attributes.items()},
            },
        }


def assess_each(
    predictions: Mapping[str, Predictions],
    thresholds: Mapping[str, Threshold],
    *,
    kind: Literal["multiclass", "multilabel"] = "multiclass",
    min_per_class: int = 10,
    resampling: Resampling | None = None,
) -> MulticlassAssessment:
    """Assesses each class against the rest, or each label, and their mean.

    The mean is undefined where one class is, and its reason names that class: a class that silently left the mean of
    one subgroup would be compared with other classes elsewhere. All classes see the same draws of patients.

    Args:
        predictions: class name to the predictions of that class, of the same images in the same order.
        thresholds: class name to its operating point.
        kind: what the classes are.
        min_per_class: as for ``assess``; here of a class against the rest.
        resampling: as for ``assess``.

    Raises:
        PredictionsError: if there are fewer than two classes, or they hold other patients or subgroups.

    Example:
        >>> from monai_fairtune.subgroups import Subgroups
        >>> labels, sex = np.array([0, 1, 2] * 4), Subgroups("sex", ("f", "m"), [0] * 6 + [1] * 6)
        >>> one_vs_rest = {
        ...     name: Predictions(labels == k, (labels == k) * 0.8, kind="probability", subgroups={"sex": sex})
        ...     for k, name in enumerate(("mel", "nv", "bcc"))}
        >>> half = Threshold(0.5, "given", "fixed")
        >>> found = assess_each(one_vs_rest, dict.fromkeys(one_vs_rest, half), min_per_class=1)
        >>> found.macro_auroc.value, found.attributes["sex"].worst_group_auroc.value
        (1.0, 1.0)
    """
    _require_same(predictions)
    assessors = {
        name: Assessor(part, thresholds[name], min_per_class, resampling) for name, part in predictions.items()
    }
    parts = {name: list(assessor.attributes()) for name, assessor in assessors.items()}
    return MulticlassAssessment(
        kind=kind,
        classes={name: assessor.assess(parts[name]) for name, assessor in assessors.items()},
        macro_auroc=_macro({name: assessor.everyone for name, assessor in assessors.items()})[0],
        attributes={
            position[0].subgroups.attribute: _attribute(
                {name: part.measured for name, part in zip(parts, position, strict=True)}
            )
            for position in zip(*parts.values(), strict=True)
        },
    )


def _require_same(predictions: Mapping[str, Predictions]) -> None:
    if len(predictions) < 2:
        raise PredictionsError(f"There are {len(predictions)} classes: {list(predictions)}. Give at least two.")
    (first_name, first), *others = predictions.items()
    for name, part in others:
        same = len(part) == len(first) and bool((part.patients.codes == first.patients.codes).all())
        groups = [(group.names, group.codes.tolist()) for group in part.subgroups.values()]
        if not same or groups != [(group.names, group.codes.tolist()) for group in first.subgroups.values()]:
            raise PredictionsError(
                f"Classes {first_name!r} and {name!r} hold other images, patients or subgroups. "
                "Give every class the same images in the same order."
            )


def _attribute(classes: Mapping[str, Mapping[str, Measured]]) -> MacroAttribute:
    """Returns the means over classes of one attribute, from class and subgroup to what was measured there."""
    subgroups = next(iter(classes.values()))
    found = {name: _macro({of: measured[name] for of, measured in classes.items()}) for name in subgroups}
    values = {name: value for name, (value, _) in found.items()}
    worst, gap = aggregate.smallest(values), aggregate.difference(values)
    if any(measured.replicates for measured in subgroups.values()):
        estimates = [estimate for _, estimate in found.values() if estimate is not None]
        complete = len(estimates) == len(found)
        worst = with_extreme(worst, smallest_interval(estimates) if complete else None, estimates)
        gap = with_extreme(gap, difference_interval(estimates) if complete else None, estimates)
    return MacroAttribute(values, worst, gap)


def _macro(classes: Mapping[str, Measured]) -> tuple[Value, Estimate | None]:
    """Returns the mean AUROC over the classes of one set of images.

    Args:
        classes: name to what was measured, in the same draws of patients.
    """
    aurocs = {name: measured.values["auroc"] for name, measured in classes.items()}
    undefined = [f"Class {name!r}: {value.reason}" for name, value in aurocs.items() if value.value is None]
    if undefined:
        return Value(None, undefined[0]), None
    value = Value(sum(auroc.require() for auroc in aurocs.values()) / len(aurocs))
    drawn = [measured.replicates["auroc"] for measured in classes.values() if measured.replicates]
    if not drawn:
        return value, None
    n_patients = next(iter(classes.values())).cell.n_patients
    return _with_interval(value, np.stack(drawn).mean(axis=0), n_patients)


def _with_interval(value: Value, replicates: NDArray[np.float64], n_patients: int) -> tuple[Value, Estimate | None]:
    share = float(np.isnan(replicates).mean())
    if share > MOST_UNDEFINED:
        return with_interval(value, None, "bootstrap", share), None
    error = float(np.nanstd(replicates)) * math.sqrt(n_patients / max(n_patients - 1, 1))
    estimate = BoundedEstimate(value.require(), error, n_patients)
    return with_interval(value, estimate.limits(ALPHA), "bootstrap", share), estimate
