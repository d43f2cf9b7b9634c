"""What MONAI configs name: the parts of a bundle, built from options as a command line gives them."""

from monai_fairtune.bundle.cohort import load_cohort
from monai_fairtune.bundle.device import decode_images, make_augmentation, precision, torch_device
from monai_fairtune.bundle.distribution import EvenSteps, join_processes, leave_processes, local_device
from monai_fairtune.bundle.eligibility import check_eligibility, check_key_metric
from monai_fairtune.bundle.errors import plain_errors
from monai_fairtune.bundle.evaluation import check_split, count_test_read, write_evaluation
from monai_fairtune.bundle.inference import PredictionsWriter, choose_threshold_of, list_images
from monai_fairtune.bundle.network import (
    apply_mask,
    choose_learning_rate,
    load_model,
    read_model,
    save_model,
    write_checkpoint,
)
from monai_fairtune.bundle.options import folder, mapping, number, numbers, optional, switch, text, texts, whole
from monai_fairtune.bundle.search import (
    check_screening,
    count_workers,
    describe_experiment,
    further_objectives,
    make_objective,
    run_search,
)
from monai_fairtune.bundle.settings import search_settings
from monai_fairtune.bundle.training import ListedOutput, RaisePlainly, attribute_names, class_weights
from monai_fairtune.bundle.tuner import make_tuner

__all__ = [
    "EvenSteps",
    "ListedOutput",
    "PredictionsWriter",
    "RaisePlainly",
    "apply_mask",
    "attribute_names",
    "check_eligibility",
    "check_key_metric",
    "check_screening",
    "check_split",
    "choose_learning_rate",
    "choose_threshold_of",
    "class_weights",
    "count_test_read",
    "count_workers",
    "decode_images",
    "describe_experiment",
    "folder",
    "further_objectives",
    "join_processes",
    "leave_processes",
    "list_images",
    "load_cohort",
    "load_model",
    "local_device",
    "make_augmentation",
    "make_objective",
    "make_tuner",
    "mapping",
    "number",
    "numbers",
    "optional",
    "plain_errors",
    "precision",
    "read_model",
    "run_search",
    "save_model",
    "search_settings",
    "switch",
    "text",
    "texts",
    "torch_device",
    "whole",
    "write_checkpoint",
    "write_evaluation",
]
