"""What every report shows of one attribute's subgroups: the same plots and tables for audits and searches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from monai_fairtune.report.assessed import Assessed
from monai_fairtune.report.drawn import DrawnPlot
from monai_fairtune.report.names import attribute_words
from monai_fairtune.report.plots_calibration import calibration_plot
from monai_fairtune.report.plots_forest import forest_plot
from monai_fairtune.report.plots_roc import roc_plot
from monai_fairtune.report.plots_shapes import ShapePlot
from monai_fairtune.report.table_assessment import comparisons_table, measures_table, pairs_table

__all__ = ["attribute_parts", "attribute_plots"]

_TABLES: dict[str, tuple[str, dict[str, tuple[str, ...]]]] = {
    "rates": (
        "Discrimination and decisions",
        {"discrimination": ("auroc", "tpr_at_specificity_90"), "at the threshold": ("tpr", "fpr", "ppv", "npv")},
    ),
    "errors": (
        "Errors and shares at the threshold",
        {
            "errors": ("fnr", "tnr", "fn_per_1000", "fp_per_1000"),
            "shares": ("accuracy", "balanced_accuracy", "positive_rate"),
        },
    ),
    "probabilities": (
        "Probabilities",
        {
            "calibration": ("calibration_intercept", "calibration_slope", "ece"),
            "scores": ("brier", "log_loss"),
        },
    ),
}


def attribute_plots(assessed: Assessed, attribute: str, prefix: str, suffix: str) -> list[ShapePlot | None]:
    """Returns the forest plot, ROC curves and calibration curves of an attribute; None for what has no data."""
    return [
        draw(assessed, attribute, f"{prefix}{key}{suffix}")
        for key, draw in (("forest", forest_plot), ("roc", roc_plot), ("calibration", calibration_plot))
    ]


def attribute_parts(
    assessed: Assessed, attribute: str, prefix: str, suffix: str, plots: Mapping[str, DrawnPlot]
) -> dict[str, Any]:
    """Returns the tables of an attribute, and those of its plots that were drawn."""
    words = attribute_words(attribute)
    tables = {
        key: measures_table(assessed, attribute, f"{prefix}{key}{suffix}", f"{caption} by subgroup of {words}", groups)
        for key, (caption, groups) in _TABLES.items()
    }
    return {
        "name": attribute,
        "words": words,
        **tables,
        "comparisons": comparisons_table(assessed, attribute, f"{prefix}comparisons{suffix}"),
        "pairs": pairs_table(assessed, attribute, f"{prefix}pairs{suffix}"),
        **{key: plots.get(f"{prefix}{key}{suffix}") for key in ("forest", "roc", "calibration")},
    }
