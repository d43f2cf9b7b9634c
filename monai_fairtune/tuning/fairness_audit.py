"""The audit, live: a handler that assesses what an evaluator says about a whole split."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import torch
from ignite.engine import Engine, Events
from numpy.typing import NDArray

from monai_fairtune.exceptions import ConfigurationError, PredictionsError
from monai_fairtune.metrics import Assessment, Resampling, Threshold, assess
from monai_fairtune.predictions import Predictions, write_json
from monai_fairtune.subgroups import Subgroups
from monai_fairtune.tuning.subgroup_metrics import margin

__all__ = ["FairnessAudit"]

_Part: TypeAlias = dict[str, NDArray[Any]]


class FairnessAudit:
    """Assesses a whole split at the end of an epoch, with the numbers that ``audit`` gives for the same predictions.

    Attach it to any Ignite evaluator or MONAI workflow whose batches are dictionaries, or lists of them (decollated).
    Samples are gathered from all processes before anything is computed; nothing is averaged over batches. The
    assessment is in ``engine.state.fairness`` and in ``handler.assessment``, the predictions in
    ``handler.predictions``: choose a threshold on those of the validation split.

    ============  =========================================================================
    batch key     holds, for each image
    ============  =========================================================================
    ``label``     0 or 1
    ``group``     a subgroup's position for each attribute, -1 where it is missing
    ``patient_id``  text or a number; optional, by default each image is its own patient
    ``index``     the image's position within the split; optional, restores the order, and refuses an image that came
                  twice, as samplers that fill up uneven shares send them
    ============  =========================================================================

    Args:
        attributes: attribute declaration to its subgroups' names, in the order of the columns of ``batch["group"]``.
        threshold: the operating point, or a function that gives it when an epoch ends; there is no default, since it
            changes every rate.
        kind: of the network's output: ``"logit"``, shape ``(B, 2)`` or ``(B,)``, or ``"probability"``, ``(B, 2)`` or
            ``(B,)`` likewise.
        min_per_class: the fewest positives and negatives for which a subgroup's AUROC is given.
        resampling: how intervals and tests are computed; by default there are none.
        output_dir: receives ``report.json`` after each epoch, from the first process; by default nothing is written.
        output_transform: gives the network's output, given ``engine.state.output``; by default ``output["pred"]``, of
            each where there are several, or the first of a tuple ``(y_pred, y)``.

    Raises:
        PredictionsError: at the end of an epoch, if a batch lacks a key, a score is not finite, or an image came twice.

    Example:
        >>> handler = FairnessAudit({"sex": ("f", "m")}, threshold=Threshold(0.5, "given", "fixed"), min_per_class=1)
        >>> engine = Engine(lambda _, batch: {"pred": batch["image"]})
        >>> handler.attach(engine)
        >>> batch = {"image": torch.tensor([-1.0, 2.0, -2.0, 1.0]), "label": torch.tensor([0, 1, 0, 1]),
        ...          "group": torch.tensor([[0], [0], [1], [1]])}
        >>> _ = engine.run([batch])
        >>> engine.state.fairness.attributes["sex"].worst_group_auroc.value
        1.0
    """

    def __init__(
        self,
        attributes: Mapping[str, Sequence[str]],
        *,
        threshold: Threshold | Callable[[], Threshold],
        kind: Literal["probability", "logit"] = "logit",
        min_per_class: int = 10,
        resampling: Resampling | None = None,
        output_dir: str | Path | None = None,
        output_transform: Callable[[Any], Any] | None = None,
    ) -> None:
        if kind not in ("probability", "logit"):
            raise ConfigurationError(f"kind is {kind!r}. Give 'probability' or 'logit'.")
        self.attributes = {name: tuple(names) for name, names in attributes.items()}
        self.threshold, self.kind, self.min_per_class, self.resampling = threshold, kind, min_per_class, resampling
        self.output_dir = None if output_dir is None else Path(output_dir)
        self.output_transform = output_transform or _prediction
        self.predictions: Predictions | None = None
        self.assessment: Assessment | None = None
        self._parts: list[_Part] = []

    def attach(self, engine: Engine) -> None:
        """Listens to an evaluator."""
        engine.add_event_handler(Events.EPOCH_STARTED, self._start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._add)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._finish)

    def _start(self, _: Engine) -> None:
        self._parts = []

    def _add(self, engine: Engine) -> None:
        output = _array(self.output_transform(engine.state.output))
        part = {"score": margin(output) if self.kind == "logit" else _probability(output)}
        for key in ("label", "group", "patient_id", "index"):
            values = _of_batch(engine.state.batch, key)
            if values is not None:
                part[key] = values
        absent = [key for key in ("label", "group") if key not in part]
        if absent:
            raise PredictionsError(f"The batches hold no {' and no '.join(map(repr, absent))}. Add these keys to them.")
        self._parts.append(part)

    def _finish(self, engine: Engine) -> None:
        self.predictions = self._gathered()
        threshold = self.threshold if isinstance(self.threshold, Threshold) else self.threshold()
        self.assessment = assess(
            self.predictions, threshold, min_per_class=self.min_per_class, resampling=self.resampling
        )
        engine.state.fairness = self.assessment
        if self.output_dir is not None and _rank() == 0:
            write_json(self.output_dir / "report.json", self.assessment.to_dict())

    def _gathered(self) -> Predictions:
        parts = _from_all_processes(self._parts)
        if not parts:
            raise PredictionsError("The evaluator saw no sample. Give it a split that is not empty.")
        whole = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
        if "index" in whole:
            order = np.argsort(whole["index"], kind="stable")
            n_repeated = len(order) - len(np.unique(whole["index"]))
            if n_repeated:
                raise PredictionsError(
                    f"{n_repeated} of {len(order)} samples came twice. "
                    "Share a split among processes without repeats: DistributedSampler(even_divisible=False)."
                )
            whole = {key: values[order] for key, values in whole.items()}
        groups = whole["group"].reshape(len(whole["score"]), -1)
        if groups.shape[1] != len(self.attributes):
            raise PredictionsError(
                f"The batches give {groups.shape[1]} subgroups an image for the attributes {list(self.attributes)}. "
                "Give one for each."
            )
        return Predictions(
            whole["label"].reshape(-1),
            whole["score"],
            kind=self.kind,
            subgroups={
                name: Subgroups(name, names, groups[:, column])
                for column, (name, names) in enumerate(self.attributes.items())
            },
            patient_ids=whole.get("patient_id"),
        )


def _prediction(output: Any) -> Any:
    if isinstance(output, Mapping):
        return output["pred"]
    if isinstance(output, list) and output and isinstance(output[0], Mapping):
        return torch.stack([torch.as_tensor(item["pred"]) for item in output])
    return output[0] if isinstance(output, tuple | list) else output


def _probability(output: NDArray[Any]) -> NDArray[np.float64]:
    wide = np.asarray(output, dtype=np.float64)
    return np.asarray(wide[:, 1] if wide.ndim == 2 and wide.shape[1] == 2 else wide.reshape(-1))


def _of_batch(batch: Any, key: str) -> NDArray[Any] | None:
    if isinstance(batch, Mapping):
        return _array(batch[key]) if key in batch else None
    if isinstance(batch, list) and batch and isinstance(batch[0], Mapping):
        return np.stack([_array(item[key]) for item in batch]) if key in batch[0] else None
    return None


def _array(values: Any) -> NDArray[Any]:
    if isinstance(values, torch.Tensor):
        shown = values.detach().cpu()
        return np.asarray((shown.float() if shown.dtype == torch.bfloat16 else shown).numpy())
    return np.asarray(values)


def _from_all_processes(parts: list[_Part]) -> list[_Part]:
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return parts
    gathered: list[list[_Part]] = [[] for _ in range(torch.distributed.get_world_size())]
    torch.distributed.all_gather_object(gathered, parts)
    return [part for parts_of_one in gathered for part in parts_of_one]


def _rank() -> int:
    is_distributed = torch.distributed.is_available() and torch.distributed.is_initialized()
    return torch.distributed.get_rank() if is_distributed else 0
