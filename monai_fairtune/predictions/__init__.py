"""What a model says about one whole split."""

from monai_fairtune.predictions.durable import write_durably
from monai_fairtune.predictions.files import file_sha256, pseudonym, read_predictions, write_predictions
from monai_fairtune.predictions.identifiers import Identifiers
from monai_fairtune.predictions.json_files import read_json, write_json
from monai_fairtune.predictions.predictions import Predictions
from monai_fairtune.predictions.printable import printable
from monai_fairtune.predictions.safe_csv import safe_cell, true_cell, write_csv

__all__ = [
    "Identifiers",
    "Predictions",
    "file_sha256",
    "printable",
    "pseudonym",
    "read_json",
    "read_predictions",
    "safe_cell",
    "true_cell",
    "write_csv",
    "write_durably",
    "write_json",
    "write_predictions",
]
