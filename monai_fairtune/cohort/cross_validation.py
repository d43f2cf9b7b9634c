"""Splits of cross-validation: each fold of the patients is tested once, as a file of splits of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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

__all__ = ["write_test_folds"]

_FOLDER, _RECORD = "folds", "folds.json"


def write_test_folds(
    manifest: str | Path,
    attributes: Sequence[SensitiveAttribute],
    n_folds: int,
    output_dir: str | Path,
    *,
    split_fractions: Sequence[float] | None = None,
    where: str | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Writes ``folds/fold_1.csv`` and so on: files of splits, each of which tests on another part of the patients.

    Every patient is tested in one file. Folds resemble one another in labels and subgroups, as do train, validation and
    selection, which are drawn in each file from the other folds. The seed and the patients decide: the bytes are the
    same on any machine, and from rows in any order.

    Args:
        manifest: as for ``Cohort.from_manifest``, like ``where``; its column ``split`` is not used.
        attributes: the sensitive attributes to balance.
        n_folds: how many files, at least 2.
        output_dir: receives ``folds``; files of further folds that an earlier call left there are removed.
        split_fractions: shares of train, validation and test; of the first two only the proportion counts here.
        where: the rows to keep.
        seed: decides every draw.

    Returns:
        What ``folds/folds.json`` records: how the folds came about, and each file's SHA-256 and counts of test.

    Raises:
        InputError: as ``Cohort.from_manifest``.
        SplitError: if there are fewer patients of a class than folds, or a split of a file lacks a class.
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
    folder = Path(output_dir) / _FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for earlier in folder.glob("fold_*.csv"):
        earlier.unlink()
    record = {
        "manifest_sha256": file_sha256(manifest),
        "where": where,
        "rule": f"Folds and splits are {dealer.how}; of the patients not tested: {drawn[0][1]}.",
        "folds": [
            _write(folder / f"fold_{number}.csv", rows, subgroups, names)
            for number, (names, _) in enumerate(drawn, start=1)
        ],
    }
    write_json(folder / _RECORD, record)
    return record


def _write(path: Path, rows: Manifest, subgroups: Mapping[str, Subgroups], names: NDArray[np.str_]) -> dict[str, Any]:
    sha256 = write_split_file(path, rows.image_names, names)
    test = Counted(rows.labels, rows.patient_ids, subgroups).count_attributes(names == "test")
    return {"file": path.name, "sha256": sha256, "test": test}
