"""Which split each image belongs to: read from the manifest or drawn by patient."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monai_fairtune.cohort.manifest import Manifest
from monai_fairtune.cohort.stratification import deal_patients
from monai_fairtune.exceptions import ConfigurationError, SplitError
from monai_fairtune.subgroups import Subgroups

__all__ = ["SPLIT_NAMES", "Splits", "assign_splits", "check_fractions", "check_splits", "count_leaks", "split_problems"]

SPLIT_NAMES = ("train", "validation", "selection", "test")
"""Every split, in the order in which a study reads them."""

_ALIASES = {"val": "validation"}
_DEFAULT_FRACTIONS = (0.6, 0.2, 0.2)


@dataclass(frozen=True, eq=False)
class Splits:
    """The split of each image, and the sentence that says how it came about.

    Args:
        names: shape ``(n,)``, each of ``SPLIT_NAMES``, or blank for an image that ``train_fraction`` left out.
        rule: for people; it names no patient.
    """

    names: NDArray[np.str_]
    rule: str


def assign_splits(
    manifest: Manifest,
    subgroups: Mapping[str, Subgroups],
    *,
    split_fractions: Sequence[float] | None = None,
    train_fraction: float = 1.0,
    seed: int = 0,
) -> Splits:
    """Reads the manifest's splits, or draws them by patient, stratified by label and subgroup.

    Args:
        manifest: the rows; a column ``split`` is used unless ``split_fractions`` is given.
        subgroups: attribute declaration to the rows' subgroups.
        split_fractions: shares of train, validation (half of which becomes selection) and test, to redraw them.
        train_fraction: the share of training patients to keep, in (0, 1].
        seed: decides every draw.

    Raises:
        ConfigurationError: if fractions are out of range.
        SplitError: if the column names unknown splits or lacks one. Leaks and emptiness are for ``check_splits``.
    """

    def deal(rows: NDArray[np.bool_], fractions: Sequence[float], purpose: str) -> NDArray[np.int64]:
        groups = {name: group.take(rows) for name, group in subgroups.items()}
        ids, labels = manifest.patient_ids[rows], manifest.labels[rows]
        return deal_patients(ids, labels, groups, fractions, seed=seed, purpose=purpose)

    by = "by patient, stratified by label" + (f" and {', '.join(subgroups)}" if subgroups else "")
    everyone = np.ones(len(manifest.labels), dtype=np.bool_)
    fractions = None if split_fractions is None else check_fractions(split_fractions)
    if fractions is None and "split" in manifest.table.columns:
        names, rule = _read_column(manifest.table["split"])
        if "selection" not in names:
            validation = names == "validation"
            names[validation] = np.array(["validation", "selection"])[deal(validation, (0.5, 0.5), "selection")]
            rule += f" Selection is half of validation, drawn {by}, with seed {seed}."
    else:
        train, validation_share, test = fractions or _DEFAULT_FRACTIONS
        shares = (train, validation_share / 2, validation_share / 2, test)
        names = np.array(SPLIT_NAMES)[deal(everyone, shares, "splits")]
        rule = (
            f"Splits are drawn {by}, with seed {seed}: train {train:g}, validation {shares[1]:g}, "
            f"selection {shares[2]:g}, test {test:g}."
        )
    if _check_train_fraction(train_fraction) < 1:
        train_rows = np.asarray(names == "train")
        names[train_rows] = np.array(["train", ""])[deal(train_rows, (train_fraction, 1 - train_fraction), "train")]
        rule += f" Train keeps {train_fraction:g} of its patients, drawn {by}, with seed {seed}."
    return Splits(names, rule)


def check_fractions(fractions: Sequence[float]) -> tuple[float, float, float]:
    """Returns the shares of train, validation (selection included) and test.

    Raises:
        ConfigurationError: unless they are three positive numbers with sum 1.
    """
    try:
        shares = tuple(float(share) for share in fractions)
    except (TypeError, ValueError):
        shares = ()
    if len(shares) != 3 or not all(share > 0 for share in shares) or not math.isclose(sum(shares), 1, abs_tol=1e-6):
        raise ConfigurationError(
            f"split_fractions is {fractions!r}. Give three positive shares with sum 1, for train, validation "
            "(selection included) and test, such as [0.6, 0.2, 0.2]."
        )
    return shares


def check_splits(splits: NDArray[np.str_], patient_ids: NDArray[np.str_], labels: NDArray[np.int64]) -> None:
    """Refuses splits that nothing can be learned from, or that leak.

    Raises:
        SplitError: if a patient is in two splits, or a split is empty or holds one class.
    """
    problems = split_problems(splits, patient_ids, labels)
    if problems:
        raise SplitError(problems[0])


def split_problems(
    splits: NDArray[np.str_], patient_ids: NDArray[np.str_], labels: NDArray[np.int64]
) -> tuple[str, ...]:
    """Returns what is wrong with splits, a text each with the way out; nothing where they can be used."""
    problems = []
    n_leaks = count_leaks(splits, patient_ids)
    if n_leaks:
        problems.append(
            f"{n_leaks} of {len(np.unique(patient_ids))} patients have images in more than one split. "
            "Correct the column 'split', or redraw the splits by patient with split_fractions, such as [0.6, 0.2, 0.2]."
        )
    for name in SPLIT_NAMES:
        found = labels[splits == name]
        n_positive = int(found.sum())
        if n_positive in (0, len(found)):
            problems.append(
                f"The {name} split holds {len(found) - n_positive} images of class 0 and {n_positive} of class 1. "
                "Give each split images of both classes, or redraw the splits by patient with split_fractions."
            )
    return tuple(problems)


def count_leaks(splits: NDArray[np.str_], patient_ids: NDArray[np.str_]) -> int:
    """Returns how many patients have images in more than one split."""
    used = splits != ""
    pairs = pd.DataFrame({"patient": patient_ids[used], "split": splits[used]}).drop_duplicates()
    return int((pairs["patient"].value_counts() > 1).sum())


def _read_column(column: pd.Series[str]) -> tuple[NDArray[np.str_], str]:
    names = column.map(lambda text: _ALIASES.get(text, text)).to_numpy(dtype="<U10")
    unknown = sorted(set(column) - set(SPLIT_NAMES) - set(_ALIASES))
    if unknown:
        n_unknown = int(column.isin(unknown).sum())
        raise SplitError(
            f"Column 'split' holds {unknown[:5]} in {n_unknown} of {len(column)} rows. "
            f"Write {', '.join(SPLIT_NAMES)} in every row, or redraw the splits by patient with split_fractions."
        )
    absent = [name for name in SPLIT_NAMES if name != "selection" and name not in names]
    if absent:
        raise SplitError(
            f"Column 'split' names no image for {' and '.join(absent)}; it holds {sorted(set(names))}. "
            "Name train, validation and test (selection may be absent), or redraw the splits with split_fractions."
        )
    return names, "Splits are those of the manifest's column 'split'."


def _check_train_fraction(train_fraction: float) -> float:
    if not 0 < train_fraction <= 1:
        raise ConfigurationError(
            f"train_fraction is {train_fraction}. Give the share of training patients to keep, above 0 and at most 1."
        )
    return train_fraction
