"""A hospital's export, and both calls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from monai_fairtune.cohort.own_data import PreparedTable, Proposal, prepare_table, propose_mapping
from tests.cohort.own_data import hospital

Rows = Sequence[dict[str, Any]]
Edit = Callable[[dict[str, Any]], object]


class Desk:
    """Where both calls are made, on the images below ``root``."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "export"
        self.table = folder / "findings.csv"
        self.out = folder / "out"

    def propose(self, rows: Rows) -> dict[str, Any]:
        """Returns the mapping that is proposed for a table, as YAML reads it; null is None."""
        hospital.write_csv(self.table, rows)
        self.proposal: Proposal = propose_mapping(self.root, self.table, self.out, progress=False)
        mapping: dict[str, Any] = yaml.safe_load(self.proposal.path.read_text())
        return mapping

    @property
    def said(self) -> str:
        """What the proposal says and asks, as one line."""
        return " ".join(self.proposal.to_text().split())

    def prepare(self, rows: Rows | None = None, edit: Edit | None = None) -> pd.DataFrame:
        """Returns the manifest, as text; proposes a mapping for ``rows`` first if they are given, and edits it."""
        if rows is not None:
            self.propose(rows)
        path = self.out / "mapping.yaml"
        if edit is not None:
            mapping = yaml.safe_load(path.read_text())
            edit(mapping)
            path.write_text(yaml.safe_dump(mapping, allow_unicode=True))
        self.prepared: PreparedTable = prepare_table(self.root, self.table, self.out, path, progress=False)
        return pd.read_csv(self.prepared.manifest, dtype=str, keep_default_na=False)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Twelve studies of twelve patients, one image each."""
    desk = Desk(tmp_path)
    hospital.write_studies(desk.root)
    return desk


@pytest.fixture
def pictures(tmp_path: Path) -> Desk:
    """Twelve PNG files in two folders."""
    from monai_fairtune.cohort.synthetic_files import write_png

    desk = Desk(tmp_path)
    for k in range(12):
        path = desk.root / f"part {k % 2}" / f"{k:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_png(path, hospital.pixels(bright=k % 2 == 1, seed=k) / 255)
    return desk
