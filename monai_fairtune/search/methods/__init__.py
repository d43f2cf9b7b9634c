"""Search methods: each proposes what to train next from what is known, and remembers nothing."""

from monai_fairtune.search.methods.by_name import method_by_name
from monai_fairtune.search.methods.exhaustive import ExhaustiveMethod
from monai_fairtune.search.methods.method import Direction, Observation, Proposal, SearchMethod
from monai_fairtune.search.methods.nsga2 import NSGA2Method
from monai_fairtune.search.methods.random_masks import RandomMethod
from monai_fairtune.search.methods.tpe import TPEMethod

__all__ = [
    "Direction",
    "ExhaustiveMethod",
    "NSGA2Method",
    "Observation",
    "Proposal",
    "RandomMethod",
    "SearchMethod",
    "TPEMethod",
    "method_by_name",
]
