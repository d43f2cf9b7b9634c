"""What a model says about one whole split."""

from monai_fairtune.predictions.files import pseudonym, read_predictions, write_predictions
from monai_fairtune.predictions.identifiers import Identifiers
from monai_fairtune.predictions.predictions import Predictions
from monai_fairtune.predictions.safe_csv import safe_cell, true_cell, write_csv

__all__ = [
    "Identifiers",
    "Predictions",
    "pseudonym",
    "read_predictions",
    "safe_cell",
    "true_cell",
    "write_csv",
    "write_predictions",
]
