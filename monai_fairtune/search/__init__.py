"""The search for what to tune: the only room that knows Optuna."""

from monai_fairtune.search.experiment import Experiment
from monai_fairtune.search.result import FOUND_MASK
from monai_fairtune.search.search_masks import search_masks
from monai_fairtune.search.settings import SearchSettings

__all__ = ["FOUND_MASK", "Experiment", "SearchSettings", "search_masks"]
