"""The search for what to tune: the only room that knows Optuna."""

from monai_fairtune.search.experiment import Experiment
from monai_fairtune.search.goals import TRAINED_SHARE
from monai_fairtune.search.result import FOUND_MASK
from monai_fairtune.search.search_masks import search_masks
from monai_fairtune.search.settings import SearchSettings
from monai_fairtune.search.workers import default_n_workers

__all__ = ["FOUND_MASK", "TRAINED_SHARE", "Experiment", "SearchSettings", "default_n_workers", "search_masks"]
