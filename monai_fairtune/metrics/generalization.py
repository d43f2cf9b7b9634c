"""How much of a fairness measure is lost between training data and unseen data."""

from __future__ import annotations

from monai_fairtune.exceptions import PredictionsError
from monai_fairtune.metrics.assessment import Assessment, AttributeAssessment
from monai_fairtune.metrics.value import Value

__all__ = ["fairness_generalization_gap"]

_MEASURES = ("auroc_gap", "worst_group_auroc", "equalized_odds_difference", "largest_subgroup_loss")


def fairness_generalization_gap(train: Assessment, unseen: Assessment) -> dict[str, dict[str, Value]]:
    """Returns, for each attribute, what its measures are on unseen data minus the same on train.

    A network that fits its training data perfectly is equally good there for everyone; bias appears in
    generalisation. Above 0 is worse for ``auroc_gap``, ``equalized_odds_difference`` and ``largest_subgroup_loss``;
    below 0 is worse for ``worst_group_auroc``. The worst subgroup may be another one on either side.

    Args:
        train: of the split the model was tuned on, assessed in evaluation mode.
        unseen: of another split, at the same threshold.

    Returns:
        Attribute to measure to difference; undefined where either side is, or where equalized odds were taken at two
        different thresholds.

    Raises:
        PredictionsError: if the two assess different attributes or subgroups.

    Source:
        Dutt et al., "FairTune: Optimizing parameter efficient fine tuning for fairness in medical image analysis",
        ICLR 2024, arXiv 2310.05055, Figures 1 and 3.
    """
    ours, theirs = ({name: list(a.subgroups) for name, a in side.attributes.items()} for side in (train, unseen))
    if ours != theirs:
        raise PredictionsError(
            f"Train is assessed over {ours} and unseen data over {theirs}. Assess both over the same subgroups."
        )
    moved = None
    if train.threshold.value != unseen.threshold.value:
        moved = (
            f"The thresholds differ: {train.threshold.value:g} on train and {unseen.threshold.value:g} on unseen data. "
            "Assess both at one threshold."
        )
    return {
        name: {
            measure: Value(None, moved)
            if moved and measure == "equalized_odds_difference"
            else _subtract(train.attributes[name], unseen.attributes[name], measure)
            for measure in _MEASURES
        }
        for name in ours
    }


def _subtract(train: AttributeAssessment, unseen: AttributeAssessment, measure: str) -> Value:
    before, after = train.comparisons[measure], unseen.comparisons[measure]
    reasons = [
        f"On {where}: {value.reason}" for where, value in (("train", before), ("unseen data", after)) if value.reason
    ]
    return Value(None, " ".join(reasons)) if reasons else Value(after.require() - before.require())
