"""Which split each image belongs to: read from the manifest or drawn by patient."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monai_fairtune.cohort.filters import matching_rows
from monai_fairtune.cohort.hashing import file_sha256
from monai_fairtune.cohort.manifest import Manifest
from monai_fairtune.cohort.split_file import read_split_file
from monai_fairtune.cohort.stratification import deal_patients
from monai_fairtune.exceptions import ConfigurationError, ManifestError, SplitError
from monai_fairtune.subgroups import Subgroups

__all__ = [
    "SPLIT_NAMES",
    "Dealer",
    "Splits",
    "assign_splits",
    "check_fractions",
    "check_splits",
    "count_leaks",
    "split_problems",
]

SPLIT_NAMES = ("train", "validation", "selection", "test")
"""Every split, in the order in which a study reads them."""

_ALIASES = {"val": "validation"}
_DEFAULT_FRACTIONS = (0.6, 0.2, 0.2)


@dataclass(frozen=True, eq=False)
class Splits:
    """The split of each image, and the sentence that says how it came about.

    Args:
        names: shape ``(n,)``, each of ``SPLIT_NAMES``, or blank for an image that is left out.
        rule: for people; it names no patient.
    """

    names: NDArray[np.str_]
    rule: str


def assign_splits(
    manifest: Manifest,
    subgroups: Mapping[str, Subgroups],
    *,
    split_fractions: Sequence[float] | None = None,
    split_by: str | None = None,
    split_file: str | Path | None = None,
    train_fraction: float = 1.0,
    seed: int = 0,
) -> Splits:
    """Reads the splits of the manifest or of a file, or draws them by patient, stratified by label and subgroup.

    Args:
        manifest: the rows; a column ``split`` is used unless one of the next three is given.
        subgroups: attribute declaration to the rows' subgroups.
        split_fractions: shares of train, validation (half of which becomes selection) and test, to redraw them.
        split_by: the rows to test on, such as ``"site=B|C"`` or ``"year>=2019"``; other images of their patients
            are left out, and the rest is dealt to the other splits.
        split_file: a file with the columns ``image`` and ``split``; images that it does not name are left out.
        train_fraction: the share of training patients to keep, in (0, 1].
        seed: decides every draw.

    Raises:
        ConfigurationError: if fractions are out of range, ``split_by`` cannot be read, or a file is given besides.
        ManifestError: if ``split_by`` names a column or a value that does not occur, or meets all rows.
        SplitError: if the column or the file names unknown splits or lacks one. Leaks and emptiness are for
            ``check_splits``.
    """
    if split_file is not None and (split_fractions is not None or split_by is not None):
        raise ConfigurationError("A split file is given, and splits are to be drawn as well. Ask for one of the two.")
    dealer = Dealer(manifest, subgroups, seed)
    fractions = None if split_fractions is None else check_fractions(split_fractions)
    if split_by is not None:
        found = _split_by_column(dealer, split_by, fractions)
    elif split_file is not None:
        found = _with_selection(_read_file(manifest, Path(split_file)), dealer)
    elif fractions is None and "split" in manifest.table.columns:
        told = "Splits are those of the manifest's column 'split'."
        found = _with_selection(Splits(_read_names(manifest.table["split"], "Column 'split'"), told), dealer)
    else:
        found = _draw(dealer, fractions or _DEFAULT_FRACTIONS)
    return _keep_fraction(found, dealer, train_fraction)


@dataclass(frozen=True, eq=False)
class Dealer:
    """Deals the patients of a manifest.

    Args:
        manifest: the rows.
        subgroups: attribute declaration to the rows' subgroups.
        seed: decides every draw.
    """

    manifest: Manifest
    subgroups: Mapping[str, Subgroups]
    seed: int

    def deal(self, rows: NDArray[np.bool_], fractions: Sequence[float], purpose: str) -> NDArray[np.int64]:
        """Returns the part of each of some rows, as ``deal_patients``."""
        groups = {name: group.take(rows) for name, group in self.subgroups.items()}
        ids, labels = self.manifest.patient_ids[rows], self.manifest.labels[rows]
        return deal_patients(ids, labels, groups, fractions, seed=self.seed, purpose=purpose)

    def around(
        self, test: NDArray[np.bool_], others: NDArray[np.bool_], fractions: Sequence[float] | None
    ) -> tuple[NDArray[np.str_], str]:
        """Deals other rows to train, validation and selection.

        Args:
            test: the rows to test on.
            others: the rows to deal; rows that are neither are left out.
            fractions: shares of train, validation (half of which becomes selection) and test, or None for the usual
                ones; the first two in proportion.

        Returns:
            The names, and the shares in words.
        """
        train, validation, _ = _DEFAULT_FRACTIONS if fractions is None else check_fractions(fractions)
        train = train / (train + validation)
        shares = (train, (1 - train) / 2, (1 - train) / 2)
        names = np.where(test, "test", "").astype("<U10")
        names[others] = np.array(SPLIT_NAMES[:3])[self.deal(others, shares, "splits")]
        return names, _told(shares)

    @property
    def how(self) -> str:
        """How patients are dealt, in words."""
        also = f" and {', '.join(self.subgroups)}" if self.subgroups else ""
        return f"drawn by patient, stratified by label{also}, with seed {self.seed}"


def _draw(dealer: Dealer, fractions: tuple[float, float, float]) -> Splits:
    train, validation, test = fractions
    shares = (train, validation / 2, validation / 2, test)
    everyone = np.ones(len(dealer.manifest.labels), dtype=np.bool_)
    rule = f"Splits are {dealer.how}: {_told(shares)}."
    return Splits(np.array(SPLIT_NAMES)[dealer.deal(everyone, shares, "splits")], rule)


def _split_by_column(dealer: Dealer, where: str, fractions: Sequence[float] | None) -> Splits:
    """Tests on the rows that a filter chooses, such as one site or the latest years, and draws the other splits.

    A patient who has images on both sides is tested on those that the filter chooses; the others are left out, so that
    nobody is both learned from and tested on, and test holds nothing else than what was asked for.
    """
    test = matching_rows(dealer.manifest.table, where)
    tested = np.isin(dealer.manifest.patient_ids, dealer.manifest.patient_ids[test])
    if tested.all():
        raise ManifestError(
            f"All {len(tested)} rows of the manifest meet {where!r}, or belong to patients who have rows that do: none "
            "is left to learn from. Test on fewer."
        )
    names, shares = dealer.around(test, ~tested, fractions)
    n_both = int((tested & ~test).sum())
    left_out = f" {n_both} other images of the patients tested there are left out." if n_both else ""
    return Splits(names, f"Test is where {where}.{left_out} The other splits are {dealer.how}: {shares}.")


def _told(shares: Sequence[float]) -> str:
    return ", ".join(f"{name} {share:g}" for name, share in zip(SPLIT_NAMES, shares, strict=False))


def _with_selection(found: Splits, dealer: Dealer) -> Splits:
    """Makes half of validation the selection split, where that is not named."""
    if "selection" in found.names:
        return found
    names, validation = found.names.copy(), found.names == "validation"
    names[validation] = np.array(["validation", "selection"])[dealer.deal(validation, (0.5, 0.5), "selection")]
    return Splits(names, f"{found.rule} Selection is half of validation, {dealer.how}.")


def _keep_fraction(found: Splits, dealer: Dealer, train_fraction: float) -> Splits:
    if _check_train_fraction(train_fraction) == 1:
        return found
    names, train = found.names.copy(), found.names == "train"
    names[train] = np.array(["train", ""])[dealer.deal(train, (train_fraction, 1 - train_fraction), "train")]
    return Splits(names, f"{found.rule} Train keeps {train_fraction:g} of its patients, {dealer.how}.")


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


def _read_file(manifest: Manifest, path: Path) -> Splits:
    split_of = read_split_file(path)
    given = np.array([name in split_of for name in manifest.image_names])
    if not given.any():
        raise SplitError(f"The split file '{path}' names no image of the manifest. Give the file of this cohort.")
    names = np.full(len(given), "", dtype="<U10")
    cells = manifest.table["image"][given].map(split_of)
    names[given] = _read_names(cells, f"The split file '{path.name}'")
    left_out = f" {int((~given).sum())} images that it does not name are left out." if not given.all() else ""
    return Splits(names, f"Splits are those of a file (SHA-256 {file_sha256(path)[:16]}...).{left_out}")


def _read_names(column: pd.Series[str], where: str) -> NDArray[np.str_]:
    names = column.map(lambda text: _ALIASES.get(text, text)).to_numpy(dtype="<U10")
    unknown = sorted(set(column) - set(SPLIT_NAMES) - set(_ALIASES))
    if unknown:
        n_unknown = int(column.isin(unknown).sum())
        raise SplitError(
            f"{where} holds {unknown[:5]} in {n_unknown} of {len(column)} rows. "
            f"Write {', '.join(SPLIT_NAMES)} in every row, or redraw the splits by patient with split_fractions."
        )
    absent = [name for name in SPLIT_NAMES if name != "selection" and name not in names]
    if absent:
        raise SplitError(
            f"{where} names no image for {' and '.join(absent)}; it holds {sorted(set(column))}. "
            "Name train, validation and test (selection may be absent), or redraw the splits with split_fractions."
        )
    return names


def _check_train_fraction(train_fraction: float) -> float:
    if not 0 < train_fraction <= 1:
        raise ConfigurationError(
            f"train_fraction is {train_fraction}. Give the share of training patients to keep, above 0 and at most 1."
        )
    return train_fraction
