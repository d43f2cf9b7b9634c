"""Assessing any model from a table of its predictions: no training, no torch."""

from monai_fairtune.audit.audit import audit
from monai_fairtune.audit.comparing import compare_folders, comparison_text
from monai_fairtune.audit.reading import read_table
from monai_fairtune.audit.result import Audit, require_free
from monai_fairtune.audit.suppression import suppress_small_cells
from monai_fairtune.audit.suppression_card import suppress_small_card
from monai_fairtune.audit.text import design_text, result_text
from monai_fairtune.audit.windows import OverTime, whole_windows, windows_text

__all__ = [
    "Audit",
    "OverTime",
    "audit",
    "compare_folders",
    "comparison_text",
    "design_text",
    "read_table",
    "require_free",
    "result_text",
    "suppress_small_card",
    "suppress_small_cells",
    "whole_windows",
    "windows_text",
]
