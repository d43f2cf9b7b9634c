"""Comparing models from the folders that audits and searches leave behind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from monai_fairtune.audit.design import design
from monai_fairtune.audit.stored import StoredModel, read_model
from monai_fairtune.audit.suppression import suppress_comparison
from monai_fairtune.audit.text import COMPARED, MEASURES, aligned, plain
from monai_fairtune.exceptions import ConfigurationError, PredictionsError
from monai_fairtune.metrics import Resampling, compare
from monai_fairtune.predictions import Predictions

__all__ = ["compare_folders", "comparison_text"]


def compare_folders(
    folders: Sequence[Path], *, margin: float = 0.02, min_per_class: int = 10, resampling: Resampling | None = None
) -> dict[str, Any]:
    """Compares the first model, the candidate, with each other one, its references, on the same test images.

    Images are paired by their sample ids, whatever their order. Each folder holds ``predictions.csv``, which is about
    single patients, and the ``report.json`` that was written with it, which has the threshold. What the reports
    withhold of small subgroups is withheld here too.

    Args:
        folders: two or more; the first holds the candidate, ``a`` of every comparison.
        margin: how much lower the overall AUROC may be and still count as non-inferior.
        min_per_class: the fewest positives and negatives for which a subgroup's AUROC is given.
        resampling: how intervals and tests are computed.

    Returns:
        The content of ``comparison.json``: of two folders the comparison, of more ``{"schema", "a", "comparisons": {b:
        comparison}}``.

    Raises:
        ConfigurationError: if there are fewer than two folders.
        PredictionsError: if a folder lacks a file, or images, labels, patients or subgroups differ.
    """
    if len(folders) < 2:
        raise ConfigurationError(f"{len(folders)} folder was given. Give the candidate's, then one reference or more.")
    models = [read_model(folder, name) for folder, name in zip(folders, _names(folders), strict=True)]
    first = models[0]
    limits = [model.suppress_below for model in models if model.suppress_below is not None]
    found = {
        other.name: compare(
            first.predictions,
            _paired(first, other),
            first.threshold,
            other.threshold,
            names=(first.name, other.name),
            margin=margin,
            min_per_class=min_per_class,
            resampling=resampling or Resampling(),
        ).to_dict()
        for other in models[1:]
    }
    if limits:
        counts = design({"": first.predictions}, dict.fromkeys(first.predictions.subgroups, ()), min_per_class)
        found = {name: suppress_comparison(part, counts, max(limits)) for name, part in found.items()}
    return next(iter(found.values())) if len(found) == 1 else {"schema": 1, "a": first.name, "comparisons": found}


def _names(folders: Sequence[Path]) -> list[str]:
    """Returns the folders' last names, numbered where two are equal: a path would tell where patients' data lies."""
    names: list[str] = []
    for folder in folders:
        plain_name = folder.resolve().name or "folder"
        taken = sum(name == plain_name or name.startswith(f"{plain_name} (") for name in names)
        names.append(f"{plain_name} ({taken + 1})" if taken else plain_name)
    return names


def _paired(first: StoredModel, other: StoredModel) -> Predictions:
    """Returns the other model's predictions in the order of the first's."""
    a, b = first.predictions.samples, other.predictions.samples
    if a is None or b is None:
        raise PredictionsError("A folder's images have no ids. Run the audit again.")
    if not np.array_equal(a.names, b.names):
        only_a, only_b = len(np.setdiff1d(a.names, b.names)), len(np.setdiff1d(b.names, a.names))
        raise PredictionsError(
            f"{first.name!r} has {only_a} images that {other.name!r} lacks, and lacks {only_b} that the other has. "
            "Compare models on the same test images; name the column of image ids where rows differ (--sample), and "
            "write both under the same FAIRTUNE_PSEUDONYM_KEY or without one."
        )
    row_of = np.empty(b.n, dtype=np.int64)
    row_of[b.codes] = np.arange(b.n)
    found = other.predictions.take(row_of[a.codes])
    order = {name: rank for rank, name in enumerate(first.predictions.subgroups)}
    groups = sorted(found.subgroups.items(), key=lambda item: order.get(item[0], len(order)))
    return Predictions(
        found.labels,
        found.scores,
        kind=found.kind,
        subgroups=dict(groups),
        patient_ids=found.patients,
        sample_ids=found.samples,
    )


def comparison_text(found: Mapping[str, Any]) -> str:
    """Returns a comparison in a few lines: differences with intervals, non-inferiority, and who lost.

    Args:
        found: of ``compare_folders``.
    """
    return "\n\n".join(_text(part) for part in found.get("comparisons", {"": found}).values())


def _text(found: Mapping[str, Any]) -> str:
    a, b = plain(found["a"]), plain(found["b"])
    lines = [f"{a} minus {b}, {found['n']} images of {found['n_patients']} patients"]
    rows = [["", a, b, "difference", "p"], _row("overall AUROC", found["overall"]["auroc"])]
    for attribute, entry in found["attributes"].items():
        rows += [_row(f"{plain(attribute)}: {words}", entry[name]) for name, words in COMPARED.items()]
        rows += [
            _row(f"{plain(attribute)}: AUROC of {plain(name)}", cell["auroc"])
            for name, cell in entry["subgroups"].items()
        ]
    lines += [aligned(rows), _non_inferiority(found)]
    for attribute, entry in found["attributes"].items():
        lines += [_lower(attribute, item, a, b) for item in entry["levelling_down"]]
    return "\n".join(lines)


def _row(title: str, entry: Mapping[str, Any]) -> list[str]:
    numbers = ["undefined" if entry.get(key) is None else f"{entry[key]:.3f}" for key in ("a", "b")]
    p = entry.get("p_value")
    return [title, *numbers, _difference(entry["difference"]), "" if p is None else f"{p:.3g}"]


def _difference(value: Mapping[str, Any]) -> str:
    if value["value"] is None:
        return "undefined"
    if value.get("low") is None or value.get("high") is None:
        return f"{value['value']:+.3f}"
    return f"{value['value']:+.3f} ({value['low']:+.3f} to {value['high']:+.3f})"


def _non_inferiority(found: Mapping[str, Any]) -> str:
    margin, shown = found["margin"], found["overall"]["auroc"].get("non_inferior")
    told = {True: "non-inferior", False: "not shown to be non-inferior", None: "non-inferiority cannot be judged"}
    return f"  overall AUROC at a margin of {margin:g}: {told[shown]}"


def _lower(attribute: str, item: Mapping[str, Any], a: str, b: str) -> str:
    measure = MEASURES[item["measure"]]
    return (
        f"  {plain(attribute)}: {plain(item['subgroup'])} has a lower {measure} under {a} than under {b}: "
        f"{_difference(item['difference'])}, {item['conclusion']}"
    )
