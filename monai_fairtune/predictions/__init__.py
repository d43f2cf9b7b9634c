"""What a model says about one whole split."""

from monai_fairtune.predictions.predictions import Predictions

__all__ = ["Predictions"]
