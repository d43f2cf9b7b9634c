"""A table laid out in time: its windows, and what they are held against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monai_fairtune.audit.columns import column_of
from monai_fairtune.audit.prepare import Prepared
from monai_fairtune.audit.stored import StoredModel
from monai_fairtune.audit.windows.periods import Period, cut, days_of
from monai_fairtune.audit.windows.request import OverTime
from monai_fairtune.audit.windows.scored import Scored
from monai_fairtune.exceptions import ConfigurationError, PredictionsError

__all__ = ["Timeline", "lay_out"]


@dataclass(frozen=True, eq=False, repr=False)
class Timeline:
    """A table laid out.

    Args:
        periods: the windows.
        scored: all images with a score.
        codes: shape ``(n,)``, the window of each.
        is_assessed: shape ``(n,)``, which of them have a label.
        n_first: how many windows at the beginning are the reference; 0 where it is another audit.
        reference: what the others are held against.
    """

    periods: Sequence[Period]
    scored: Scored
    codes: NDArray[np.int64]
    is_assessed: NDArray[np.bool_]
    n_first: int
    reference: Scored

    def window(self, k: int) -> Scored:
        """Returns a window's images."""
        return self.scored.take(self.codes == k)


def lay_out(prepared: Prepared, over_time: OverTime, stored: StoredModel | None) -> Timeline:
    """Lays a table out.

    Args:
        prepared: the table, binary.
        over_time: how it is cut.
        stored: the reference, where it is another audit.

    Raises:
        ConfigurationError: if no window is left beside the reference, or there are too many.
        PredictionsError: if a time cannot be read, or the reference has other attributes.
    """
    scored, rows = Scored.of_table(prepared)
    days = days_of(column_of(prepared.request.table, over_time.time, "time")[rows])
    periods, codes = cut(days, over_time.window, over_time.until)
    n_first = over_time.reference if isinstance(over_time.reference, int) else 0
    if len(periods) <= n_first:
        raise ConfigurationError(
            f"The table spans {len(periods)} windows, and the reference takes {n_first}. Take shorter windows, wait "
            "for the next one, or give the report.json of an audit as the reference."
        )
    reference = scored.take(codes < n_first) if stored is None else _reference(stored, scored)
    return Timeline(periods, scored, codes, prepared.rows.assessed[rows], n_first, reference)


def _reference(stored: StoredModel, scored: Scored) -> Scored:
    found = Scored.of_predictions(stored.predictions)
    absent = sorted(set(scored.subgroups) - set(found.subgroups))
    if absent:
        raise PredictionsError(
            f"The reference was audited by {list(found.subgroups)}, and {absent} is to be watched. "
            "Audit the reference by the same attributes, written in the same way."
        )
    return found
