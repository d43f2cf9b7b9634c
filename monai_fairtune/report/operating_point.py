"""From which probability an image is called class 1, in a sentence."""

from __future__ import annotations

from monai_fairtune.report.reading import Reading
from monai_fairtune.report.stored import stated
from monai_fairtune.report.wording import number

__all__ = ["operating_point"]


def operating_point(reading: Reading) -> str:
    """Returns the threshold of the final model, and how it was chosen."""
    threshold = (reading.final.reports.get("test") or {}).get("threshold") or {}
    value = stated(threshold.get("value")).value
    if value is None:
        return "No threshold is recorded."
    rule = str(threshold.get("rule"))
    told = {"youden": "the largest TPR minus FPR (Youden's index)", "fixed": "hand"}.get(rule, rule)
    return (
        f"An image is called {reading.class_words(1)} if its probability is at least {number(value, 4)}. This "
        f"threshold was chosen on {threshold.get('chosen_on', 'an unrecorded split')} by {told}, once for everybody."
    )
