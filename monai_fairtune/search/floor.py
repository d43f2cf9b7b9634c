"""The lowest utility that a mask may have."""

from __future__ import annotations

from collections.abc import Sequence

from monai_fairtune.exceptions import NoFeasibleTrialError
from monai_fairtune.search.records import TrialRecord
from monai_fairtune.search.settings import SearchSettings

__all__ = ["UtilityFloor"]


class UtilityFloor:
    """The lowest overall validation AUROC that a mask may have, and the rule that set it.

    Args:
        settings: of the search.
        anchors: the trained anchors.

    Raises:
        NoFeasibleTrialError: if no anchor has a value and no floor is configured.
    """

    def __init__(self, settings: SearchSettings, anchors: Sequence[TrialRecord]) -> None:
        if settings.utility_floor is not None:
            self.value, self.rule = settings.utility_floor, "as configured"
            return
        utilities = {record.name: record.overall_auroc for record in anchors if record.overall_auroc is not None}
        if not utilities:
            raise NoFeasibleTrialError(
                f"All {len(anchors)} anchors failed, so no mask can be compared. "
                f"The first says: {anchors[0].reason if anchors else 'nothing'}"
            )
        best = max(utilities, key=lambda name: utilities[name])
        self.value = utilities[best] - settings.utility_margin
        self.rule = f"overall validation AUROC of the best anchor ({best}) minus {settings.utility_margin:g}"
