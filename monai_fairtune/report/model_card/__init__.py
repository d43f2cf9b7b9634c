"""The card that travels with an exported model."""

from monai_fairtune.report.model_card.reading import ModelFacts
from monai_fairtune.report.model_card.report import write_model_card

__all__ = ["ModelFacts", "write_model_card"]
