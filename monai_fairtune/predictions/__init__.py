"""What a model says about one whole split."""

from monai_fairtune.predictions.durable import is_disk_full, write_durably
from monai_fairtune.predictions.files import file_sha256, read_predictions, write_predictions
from monai_fairtune.predictions.identifiers import Identifiers
from monai_fairtune.predictions.json_files import read_json, write_json
from monai_fairtune.predictions.predictions import Predictions
from monai_fairtune.predictions.printable import printable
from monai_fairtune.predictions.pseudonyms import KEY_VARIABLE, check_key, environment_key, keyed_pseudonym, pseudonym
from monai_fairtune.predictions.safe_csv import safe_cell, true_cell, write_csv

__all__ = [
    "KEY_VARIABLE",
    "Identifiers",
    "Predictions",
    "check_key",
    "environment_key",
    "file_sha256",
    "is_disk_full",
    "keyed_pseudonym",
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
