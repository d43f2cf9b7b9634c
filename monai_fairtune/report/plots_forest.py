"""Forest plots of an assessment: subgroups against the overall value, and harm per 1000."""

from __future__ import annotations

from collections.abc import Sequence

from monai_fairtune.report.assessed import Assessed
from monai_fairtune.report.measures import digits_of
from monai_fairtune.report.names import attribute_words
from monai_fairtune.report.plots_intervals import (
    OVERALL_MARKER,
    IntervalPanel,
    IntervalRow,
    interval_drawing,
    told_rows,
)
from monai_fairtune.report.plots_labels import explained, looks
from monai_fairtune.report.plots_shapes import ShapePlot
from monai_fairtune.report.plots_style import ACCENT

__all__ = ["forest_plot", "harm_plot", "macro_plot"]

_FOREST = {"auroc": "AUROC", "tpr": "TPR (sensitivity)", "fpr": "FPR (1 − specificity)"}
_HARM = {"fn_per_1000": "missed cases per 1000", "fp_per_1000": "false alarms per 1000"}


_PLAIN = {"marker": "o", "markerfacecolor": ACCENT, "markeredgecolor": ACCENT}
"""How subgroups of several attributes are marked, where a colour would mean two of them."""


def forest_plot(assessed: Assessed, attribute: str, key: str) -> ShapePlot | None:
    """Returns AUROC, TPR and FPR of each subgroup with intervals; None where no subgroup has any."""
    return _plot(
        assessed,
        [attribute],
        key,
        _FOREST,
        f"AUROC, TPR and FPR by subgroup of {attribute_words(attribute)}",
        f"Marks: values; lines: {assessed.level} intervals; dashed: the value of all images. TPR and FPR are taken at "
        "the one threshold that serves everybody.",
    )


def harm_plot(assessed: Assessed, attributes: Sequence[str], key: str) -> ShapePlot | None:
    """Returns missed cases and false alarms per 1000 of several attributes' subgroups; None where none has any."""
    return _plot(
        assessed,
        attributes,
        key,
        _HARM,
        f"Missed cases and false alarms per 1000 {assessed.counted} of each group",
        "Marks: what was counted; lines: the range within which the true figure plausibly lies; dashed: everybody "
        "together. Further left is better.",
    )


def macro_plot(assessed: Assessed, attribute: str, key: str) -> ShapePlot | None:
    """Returns the mean AUROC over classes of each subgroup; None where no subgroup has any."""
    return _plot(
        assessed,
        [attribute],
        key,
        {"auroc": "AUROC, mean over classes"},
        f"Mean AUROC over classes by subgroup of {attribute_words(attribute)}",
        f"Marks: the mean over classes; lines: {assessed.level} intervals; dashed: the value of all images.",
    )


def _plot(
    assessed: Assessed, attributes: Sequence[str], key: str, measures: dict[str, str], title: str, caption: str
) -> ShapePlot | None:
    rows = _rows(assessed, attributes, tuple(measures))
    if not any(value.value is not None for row in rows[:-1] for value in row.values):
        return None
    panels = [
        IntervalPanel(
            words,
            digits_of(measure),
            assessed.overall(measure).value,
            least=20.0 if "per_1000" in measure else 0.04,
        )
        for measure, words in measures.items()
    ]
    told = "".join(explained(looks(assessed, attribute)) for attribute in attributes)
    return ShapePlot(
        key,
        title,
        caption + told,
        f"{title}. {told_rows(rows, panels)}.",
        lambda width: interval_drawing(rows, panels, width),
    )


def _rows(assessed: Assessed, attributes: Sequence[str], measures: Sequence[str]) -> list[IntervalRow]:
    rows = [
        IntervalRow(
            look.label,
            tuple(assessed.subgroup(attribute, look.name, m) for m in measures),
            look.marker if len(attributes) == 1 else _PLAIN,
        )
        for attribute in attributes
        for look in looks(assessed, attribute)
    ]
    everybody = tuple(assessed.overall(measure) for measure in measures)
    return [*rows, IntervalRow("all", everybody, OVERALL_MARKER, reference=True)]
