"""Splits of cross-validation: each fold of the patients is tested once, as a file of splits of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_fairtune.cohort.counts import Counted
from monai_fairtune.cohort.folds import deal_folds
from monai_fairtune.cohort.hashing import file_sha256
from monai_fairtune.cohort.manifest import Manifest, read_manifest
from monai_fairtune.cohort.split_file import write_split_file
from monai_fairtune.cohort.splits import Dealer, split_problems
from monai_fairtune.exceptions import SplitError
from monai_fairtune.predictions import write_json
from monai_fairtune.subgroups import SensitiveAttribute, Subgroups

__all__ = ["DrawnFolds", "draw_test_folds"]

_FOLDER, _RECORD = "folds", "folds.json"


@dataclass(frozen=True, eq=False, repr=False)
class DrawnFolds:
    """Splits, each of which tests on another part of the patients; not written yet.

    Args:
        splits: for each fold the name of each row's split, shape ``(n,)``, in the order of the manifest.
        rows: of the manifest.
        subgroups: attribute declaration to the rows' subgroups.
        origin: how the folds came about, as ``folds.json`` records it.
    """

    splits: tuple[NDArray[np.str_], ...]
    rows: Manifest
    subgroups: Mapping[str, Subgroups]
    origin: Mapping[str, Any]

    def write(self, output_dir: str | Path) -> dict[str, Any]:
        """Writes ``folds/fold_1.csv`` and so on: files of splits.

        Args:
            output_dir: receives ``folds``; files of further folds that an earlier call left there are removed.

        Returns:
            What ``folds/folds.json`` records: how the folds came about, and each file's SHA-256 and counts of test.
        """
        folder = Path(output_dir) / _FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        for earlier in folder.glob("fold_*.csv"):
            earlier.unlink()
        files = [
            self._write_one(folder / f"fold_{number}.csv", names) for number, names in enumerate(self.splits, start=1)
        ]
        record = {**self.origin, "folds": files}
        write_json(folder / _RECORD, record)
        return record

    def _write_one(self, path: Path, names: NDArray[np.str_]) -> dict[str, Any]:
        rows = self.rows
        sha256 = write_split_file(path, rows.image_names, names)
        test = Counted(rows.labels, rows.patient_ids, self.subgroups).count_attributes(names == "test")
        return {"file": path.name, "sha256": sha256, "test": test}


def draw_test_folds(
    manifest: str | Path,
    attributes: Sequence[SensitiveAttribute],
    n_folds: int,
    *,
    split_fractions: Sequence[float] | None = None,
    where: str | None = None,
    seed: int = 0,
) -> DrawnFolds:
    """Draws splits for cross-validation: every patient is tested in one of them.

    Folds resemble one another in labels and subgroups, as do train, validation and selection, which are drawn for each
    from the other folds. The seed and the patients decide: the same splits are drawn on any machine, and from rows in
    any order.

    Args:
        manifest: as for ``Cohort.from_manifest``, like ``where``; its column ``split`` is not used.
        attributes: the sensitive attributes to balance.
        n_folds: how many, at least 2.
        split_fractions: shares of train, validation and test; of the first two only the proportion counts here.
        where: the rows to keep.
        seed: decides every draw.

    Raises:
        InputError: as ``Cohort.from_manifest``.
        SplitError: if there are fewer patients of a class than folds, or a split lacks a class.
    """
    rows = read_manifest(manifest, where=where)
    subgroups = {attribute.declaration: attribute.assign(rows.table) for attribute in attributes}
    dealer = Dealer(rows, subgroups, seed)
    purpose = f"{n_folds} test folds"
    folds = deal_folds(rows.patient_ids, rows.labels, subgroups, n_folds, seed=seed, purpose=purpose)
    drawn = [dealer.around(folds == fold, folds != fold, split_fractions) for fold in range(n_folds)]
    for number, (names, _) in enumerate(drawn, start=1):
        problems = split_problems(names, rows.patient_ids, rows.labels)
        if problems:
            raise SplitError(f"Of {n_folds} folds, fold {number} cannot be used: {problems[0]}")
    origin = {
        "manifest_sha256": file_sha256(manifest),
        "where": where,
        "rule": f"Folds and splits are {dealer.how}; of the patients not tested: {drawn[0][1]}.",
    }
    return DrawnFolds(tuple(names for names, _ in drawn), rows, subgroups, origin)
