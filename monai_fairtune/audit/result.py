"""What an audit found, for programs, notebooks and folders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from monai_fairtune.audit.frames import tidy
from monai_fairtune.audit.text import html_table
from monai_fairtune.exceptions import ConfigurationError
from monai_fairtune.predictions import Predictions, write_csv, write_json, write_predictions

if TYPE_CHECKING:
    from fairlearn.metrics import MetricFrame

__all__ = ["Audit", "require_free"]


@dataclass(frozen=True, eq=False, repr=False)
class Audit:
    """What ``audit`` found.

    Args:
        report: the content of ``report.json``, small cells withheld if that was asked.
        predictions: of the assessed images, by class; the one class of a binary problem has a blank name.
        min_per_class: the fewest positives and negatives for which a subgroup's AUROC is given.
    """

    report: Mapping[str, Any]
    predictions: Mapping[str, Predictions]
    min_per_class: int

    def __repr__(self) -> str:
        # Logs print objects: patients must not get there.
        n = len(next(iter(self.predictions.values())))
        return f"Audit(n={n}, attributes={list(self.report['audit']['attributes'])})"

    def _repr_html_(self) -> str:
        return html_table(self.report)

    def to_dict(self) -> dict[str, Any]:
        """Returns the content of ``report.json``."""
        return dict(self.report)

    def to_frame(self) -> pd.DataFrame:
        """Returns every number in a row of its own: attribute, subgroup, metric, value, low, high, reason and note."""
        return tidy(self.report)

    def to_metric_frame(self, attribute: str) -> MetricFrame:
        """Returns fairlearn's view of one attribute; needs the extra ``fairlearn``.

        See ``metric_frame`` for what is in it.
        """
        from monai_fairtune.audit.metric_frame import metric_frame

        return metric_frame(self, attribute)

    def write(self, output_dir: str | Path, *, predictions: bool = True, png: bool = False) -> Path:
        """Writes ``report.json``, ``report.html``, ``plots/``, ``subgroups.csv`` and ``predictions.csv``.

        ``predictions.csv`` is about single patients, under pseudonyms, and is what ``compare`` reads: keep it with the
        patient data. The other files hold no line about a patient.

        Args:
            output_dir: made if it is not there.
            predictions: whether to write ``predictions.csv``; of several classes there is none.
            png: whether the plots are written as PNG as well as SVG.

        Returns:
            The path of ``report.html``.

        Raises:
            ConfigurationError: if the folder is that of a search, or holds predictions that no audit wrote.
        """
        from monai_fairtune.report import write_audit_report

        folder = Path(output_dir)
        require_free(folder)
        folder.mkdir(parents=True, exist_ok=True)
        report = dict(self.report)
        path = folder / "predictions.csv"
        path.unlink(missing_ok=True)  # one of another run would belong to another report
        if predictions and "" in self.predictions:
            report["predictions"] = write_predictions(path, self.predictions[""])
        write_json(folder / "report.json", report)
        write_csv(folder / "subgroups.csv", self.to_frame())
        return write_audit_report(folder, png=png)


def require_free(folder: Path) -> None:
    """Refuses a folder in which an audit would overwrite what it has not written.

    Raises:
        ConfigurationError: if the folder is that of a search, or holds predictions that no audit wrote.
    """
    if (folder / "result.json").exists():
        raise ConfigurationError(f"'{folder}' holds the result of a search. Choose another output folder.")
    kept = folder / "predictions.csv"
    if kept.exists():
        with kept.open(encoding="utf-8", errors="replace") as file:
            if not file.readline().startswith("sample,patient,label,score"):
                raise ConfigurationError(
                    f"'{folder}' holds a predictions.csv that no audit wrote. Choose another output folder."
                )
