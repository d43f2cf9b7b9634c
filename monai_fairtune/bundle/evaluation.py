"""The evaluation of a config: a report for one split, and an honest count of how often test was read."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from monai_fairtune.bundle.files import read_object, read_result
from monai_fairtune.bundle.options import folder, whole
from monai_fairtune.cohort import Cohort
from monai_fairtune.exceptions import ConfigurationError
from monai_fairtune.metrics import Resampling, assess, choose_threshold
from monai_fairtune.predictions import Predictions, write_predictions
from monai_fairtune.search.files import write_json
from monai_fairtune.subgroups import reporting_minimum
from monai_fairtune.tuning import FairnessEvaluator

__all__ = ["check_split", "count_test_read", "write_evaluation"]


def check_split(cohort: Cohort, split: object) -> str:
    """Returns the split that an option names.

    Raises:
        ConfigurationError: if there is no such split.
    """
    if split not in cohort.split_names:
        raise ConfigurationError(f"split is {split!r}. Choose one of {', '.join(cohort.split_names)}.")
    return str(split)


def count_test_read(split: str, output_dir: object) -> int | None:
    """Counts a read of the test split in ``test_reads.json``, before it happens, and says so.

    The count goes on from the search's in ``result.json``. Other splits are not counted.

    Returns:
        How often the test split has been read, this time included; None for another split.
    """
    if split != "test":
        return None
    place = folder("output_dir", output_dir)
    path = place / "test_reads.json"
    n_reads = int((read_object(path) or read_result(place)).get("test_reads", 0)) + 1
    write_json(path, {"test_reads": n_reads})
    sys.stdout.write(f"The test split is read for time number {n_reads} in this study.\n")
    return n_reads


def write_evaluation(
    *,
    cohort: Cohort,
    split: str,
    evaluator: FairnessEvaluator,
    validator: FairnessEvaluator,
    output_dir: object,
    min_per_class: object = 20,
    n_replicates: object = 2000,
    seed: object = 0,
) -> Path:
    """Writes ``evaluation/report.json``: the split's report, at the threshold chosen on validation.

    ``evaluation/predictions.csv`` beside it is about single patients, under pseudonyms; ``compare`` reads both.

    Args:
        cohort: with its splits.
        split: the one that ``evaluator`` has run over.
        evaluator: has run over ``split``.
        validator: has run over validation, with the same network.
        output_dir: the output folder.
        min_per_class: the search's limit; subgroups with fewer than 10, or this if lower, are reported as undefined.
        n_replicates: of the bootstrap, and permutations; used on the test split only, as in a search.
        seed: of both.

    Returns:
        The file.
    """
    threshold = choose_threshold(_predictions(cohort, "validation", validator))
    limit = reporting_minimum(whole("min_per_class", min_per_class))
    predictions = _predictions(cohort, split, evaluator)
    times = whole("n_replicates", n_replicates)
    resampling = Resampling(times, times, whole("seed", seed)) if split == "test" else None
    found = assess(predictions, threshold, min_per_class=limit, resampling=resampling).to_dict()
    path = folder("output_dir", output_dir) / "evaluation" / "report.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = write_predictions(path.with_name("predictions.csv"), predictions)
    write_json(path, {**found, "split": split, "predictions": kept})
    sys.stdout.write(f"{_summary(split, found)}\nReport: {path}\n")
    return path


def _predictions(cohort: Cohort, split: str, evaluator: FairnessEvaluator) -> Predictions:
    logits, _ = evaluator.subgroup_metrics.logits()
    return cohort.predictions(split, logits)


def _summary(split: str, report: dict[str, Any]) -> str:
    lines = [f"{split}: {report['n']} images, overall AUROC {_number(report['overall']['auroc'])}"]
    for attribute, found in report["attributes"].items():
        worst = found["worst_group_auroc"]
        lines.append(f"  {attribute}: worst-group AUROC {_number(worst)}, AUROC gap {_number(found['auroc_gap'])}")
        lines += [f"    {name}: {_number(group['auroc'])}" for name, group in found["subgroups"].items()]
    return "\n".join(lines)


def _number(value: dict[str, Any]) -> str:
    if value["value"] is None:
        return f"undefined ({value['reason']})"
    interval = "" if value["low"] is None else f" ({value['low']:.3f} to {value['high']:.3f})"
    return f"{value['value']:.3f}{interval}"
