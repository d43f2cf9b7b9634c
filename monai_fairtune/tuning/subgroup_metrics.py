"""An Ignite metric that sees a whole split and every subgroup in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any

import numpy as np
import torch
from ignite.engine import Engine
from ignite.metrics import Metric
from monai.metrics.metric import Cumulative
from numpy.typing import NDArray

from monai_fairtune.exceptions import PredictionsError, TuningError, UndefinedMetricError
from monai_fairtune.metrics import auroc
from monai_fairtune.objectives import AUROCGap, LargestSubgroupLoss, Objective, OverallAUROC, WorstGroupAUROC
from monai_fairtune.predictions import Predictions
from monai_fairtune.subgroups import Subgroups
from monai_fairtune.tuning.team import noticing_loss

__all__ = ["SubgroupMetrics", "margin"]


class _WholeSplit(Cumulative):  # type: ignore[misc]
    """Buffers samples and gathers them from all ranks, uneven shares included."""

    def aggregate(self) -> list[NDArray[Any]]:
        with noticing_loss():
            buffers = self.get_buffer()
        return [] if buffers is None else [buffer.cpu().numpy() for buffer in buffers]


class SubgroupMetrics(Metric):  # type: ignore[misc]
    """Subgroup AUROCs of a whole split, for any Ignite or MONAI evaluator.

    Samples are buffered over the epoch, gathered from all ranks and put into the cohort's order; only then is
    anything computed. ``engine.state.metrics`` receives floats, so that StatsHandler, MetricsSaver, TensorBoard and
    MLflow show them:

    ========================================  =======================================================
    ``auroc``                                 of the whole split
    ``worst_group_auroc``                     lowest over the subgroups of all attributes
    ``auroc_gap``                             largest over the attributes
    ``largest_subgroup_loss``                 largest over the subgroups of all attributes
    ``auroc_<attribute>_<subgroup>``          with characters that trackers refuse replaced by ``_``, and a number
                                              at the end where that makes two names equal
    ========================================  =======================================================

    A value that is undefined (a subgroup with one class) is left out; if it is the key metric, it is refused.

    Args:
        attributes: attribute declaration to its subgroups' names, in the order of the columns of ``batch["group"]``.
        output_transform: applied to ``(batch, output)``; gives logits ``(B, 2)`` or ``(B,)``, labels ``(B,)``, group
            codes ``(B, n_attributes)`` (-1 is missing) and positions ``(B,)``. The default takes ``output["pred"]``,
            ``batch["label"]``, ``batch["group"]`` and, where present, ``batch["index"]``.

    Raises:
        UndefinedMetricError: at the end of an epoch, if the metric under whose name it is attached is undefined.
        PredictionsError: likewise, if positions are known and a sample came twice.
    """

    def __init__(
        self,
        attributes: Mapping[str, Sequence[str]],
        output_transform: Callable[[Any, Any], tuple[Any, ...]] | None = None,
    ) -> None:
        self.attributes = {name: tuple(names) for name, names in attributes.items()}
        self._names = _tracker_names(self.attributes)
        self._take = output_transform or _take
        self._buffer = _WholeSplit()
        super().__init__()

    def reset(self) -> None:
        """Forgets the samples of the epoch before."""
        self._buffer.reset()

    def update(self, output: Sequence[Any]) -> None:
        """Adds a batch: logits, labels, group codes and, if known, positions within the cohort."""
        self._buffer.extend(*(torch.as_tensor(part).detach() for part in output))

    @torch.no_grad()
    def iteration_completed(self, engine: Engine) -> None:
        """Takes what it needs from the batch and the output of an iteration."""
        self.update(self._take(engine.state.batch, engine.state.output))

    def logits(self) -> tuple[NDArray[np.float64], NDArray[np.int64] | None]:
        """Returns the margins ``(n,)`` of the whole split and, if known, their positions within the cohort.

        Raises:
            TuningError: if a logit is not finite.
        """
        logits, _, _, index = self._gathered()
        return logits, index

    def predictions(self) -> Predictions:
        """Returns the whole split, with each image its own patient: the engines do not know patients."""
        logits, labels, groups, _ = self._gathered()
        subgroups = {
            name: Subgroups(name, names, groups[:, column])
            for column, (name, names) in enumerate(self.attributes.items())
        }
        return Predictions(labels, logits, kind="logit", subgroups=subgroups)

    def compute(self) -> dict[str, float]:
        """Returns every value that is defined, by the names above."""
        predictions = self.predictions()
        objectives: list[Objective] = [
            kind(tuple(self.attributes)) for kind in (OverallAUROC, WorstGroupAUROC, AUROCGap, LargestSubgroupLoss)
        ]
        values: dict[str, float] = {}
        for objective in objectives:
            _put(values, _KEYS.get(objective.name, objective.name), lambda o=objective: o.evaluate(predictions))  # type: ignore[misc]
        for attribute, subgroups in predictions.subgroups.items():
            for name, member in subgroups.items():
                part = (predictions.labels[member], predictions.scores[member])
                _put(values, self._names[attribute, name], lambda p=part: auroc(*p))  # type: ignore[misc]
        return values

    def completed(self, engine: Engine, name: str) -> None:
        """Writes the values into ``engine.state.metrics``."""
        values = self.compute()
        if name not in values:
            raise UndefinedMetricError(
                f"Metric {name!r} is undefined on this split; defined are {sorted(values)}. "
                "Draw the split so that every subgroup holds both classes, or choose another key metric."
            )
        engine.state.metrics.update(values)

    def _gathered(self) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64] | None]:
        parts = self._buffer.aggregate()
        if not parts:
            raise PredictionsError("The evaluator saw no sample. Give it a split that is not empty.")
        logits, labels, groups = margin(parts[0]), parts[1].reshape(-1), parts[2].reshape(len(parts[0]), -1)
        if not np.isfinite(logits).all():
            n_bad = int(np.count_nonzero(~np.isfinite(logits)))
            raise TuningError(f"{n_bad} of {len(logits)} logits are not finite. Lower the learning rate.")
        if len(parts) < 4:
            return logits, labels, groups, None
        order = np.argsort(parts[3], kind="stable")
        n_repeated = len(order) - len(np.unique(parts[3]))
        if n_repeated:
            raise PredictionsError(
                f"{n_repeated} of {len(order)} samples came twice. "
                "Share a split among processes without repeats: DistributedSampler(even_divisible=False)."
            )
        return logits[order], labels[order], groups[order], parts[3][order]


_KEYS = {"overall_auroc": "auroc"}


def margin(logits: NDArray[Any]) -> NDArray[np.float64]:
    """Returns the log-odds of class 1 in float64: shape ``(n,)``, from ``(n,)``, ``(n, 1)`` or ``(n, 2)`` logits."""
    wide = np.asarray(logits, dtype=np.float64)
    if wide.ndim == 2 and wide.shape[1] == 2:
        return np.asarray(wide[:, 1] - wide[:, 0])
    if wide.ndim == 1 or wide.shape[1] == 1:
        return wide.reshape(-1)
    raise PredictionsError(f"Logits have shape {wide.shape}. A binary classifier gives one or two an image.")


def _take(batch: Any, output: Any) -> tuple[Any, ...]:
    keys = ("label", "group", "index")
    if isinstance(batch, list):  # decollated: one dictionary a sample
        parts = [torch.stack([torch.as_tensor(item[key]) for item in batch]) for key in keys if key in batch[0]]
        return (torch.stack([torch.as_tensor(item["pred"]).float() for item in output]), *parts)
    return (output["pred"].float(), *(batch[key] for key in keys if key in batch))


def _put(values: dict[str, float], name: str, compute: Callable[[], float]) -> None:
    try:
        values[name] = compute()
    except UndefinedMetricError:
        return


def _tracker_names(attributes: Mapping[str, Sequence[str]]) -> dict[tuple[str, str], str]:
    """Returns a name for each subgroup's AUROC that trackers accept; no two are equal."""
    names: dict[tuple[str, str], str] = {}
    for attribute, subgroups in attributes.items():
        for subgroup in subgroups:
            plain = re.sub(r"[^A-Za-z0-9_.\-]+", "_", f"auroc_{attribute}_{subgroup}").strip("_")
            taken = set(names.values())
            numbered = (f"{plain}_{number}" for number in count(2))
            names[attribute, subgroup] = plain if plain not in taken else next(n for n in numbered if n not in taken)
    return names
