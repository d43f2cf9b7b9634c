"""A model's predictions and threshold, from the folder that an audit or a search left behind."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from monai_fairtune.exceptions import PredictionsError
from monai_fairtune.metrics import Threshold
from monai_fairtune.predictions import Predictions, read_json, read_predictions

__all__ = ["StoredModel", "read_model"]


@dataclass(frozen=True, eq=False, repr=False)
class StoredModel:
    """What a folder holds.

    Args:
        name: of the folder.
        predictions: of the assessed images, under pseudonyms.
        threshold: the operating point.
        suppress_below: the smallest count that its report shows; None where it withholds nothing.
    """

    name: str
    predictions: Predictions
    threshold: Threshold
    suppress_below: int | None


def read_model(folder: Path, name: str) -> StoredModel:
    """Reads a folder.

    Raises:
        PredictionsError: if it lacks a file, is about several classes, or its files do not belong together.
    """
    path = folder / "report.json"
    if not path.is_file():
        raise PredictionsError(f"There is no report.json in {folder}. Give the output folder of an audit or a search.")
    report = read_json(path)
    if "classes" in report:
        raise PredictionsError(f"{path} is about several classes. Audit one class against the rest, and compare those.")
    if "predictions" not in report:
        raise PredictionsError(f"{path} was written without predictions.csv. Run the audit again and let it write it.")
    kept = report["predictions"]
    file = folder / kept["file"]
    if not file.resolve().is_relative_to(folder.resolve()):
        raise PredictionsError(f"{path} names predictions outside its folder. Run the audit again.")
    predictions = read_predictions(
        file,
        kind=kept["kind"],
        names={attribute: list(entry["subgroups"]) for attribute, entry in report["attributes"].items()},
        sha256=kept["sha256"],
    )
    threshold = report["threshold"]
    chosen = Threshold(threshold["value"], threshold["chosen_on"], threshold["rule"])
    return StoredModel(name, predictions, chosen, (report.get("audit") or {}).get("suppress_below"))
