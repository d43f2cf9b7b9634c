"""The handler gives, live, what `audit` gives for the whole split."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from ignite.engine import Engine, create_supervised_evaluator
from monai.engines import SupervisedEvaluator

from monai_fairtune.audit import audit
from monai_fairtune.exceptions import ConfigurationError, PredictionsError
from monai_fairtune.metrics import Resampling, Threshold, choose_threshold
from monai_fairtune.tuning import FairnessAudit

NAMES = {"sex": ("female", "male"), "scanner": ("A", "B")}
HALF = Threshold(0.5, "given", "fixed")
FEW = Resampling(n_replicates=100, n_permutations=100)


class Logits(torch.nn.Module):
    """A network whose input already holds its logits."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images


def samples(n: int = 200, seed: int = 0) -> dict[str, Any]:
    generator = torch.Generator().manual_seed(seed)
    label = torch.randint(0, 2, (n,), generator=generator)
    return {
        "image": torch.randn(n, 2, generator=generator) + torch.nn.functional.one_hot(label, 2),
        "label": label,
        "group": torch.randint(-1, 2, (n, 2), generator=generator),
        "patient_id": [f"P{row // 3}" for row in range(n)],
        "index": torch.arange(n),
    }


def batches(whole: dict[str, Any], size: int = 7) -> list[dict[str, Any]]:
    return [
        {key: part[start : start + size] for key, part in whole.items()}
        for start in range(0, len(whole["image"]), size)
    ]


def attached(**changes: Any) -> FairnessAudit:
    how: dict[str, Any] = {"threshold": HALF, "resampling": FEW} | changes
    return FairnessAudit(NAMES, **how)


def report(handler: FairnessAudit) -> dict[str, Any]:
    assert handler.assessment is not None
    return handler.assessment.to_dict()


def run(data: Iterable[Any], handler: FairnessAudit, **engine: Any) -> SupervisedEvaluator:
    evaluator = SupervisedEvaluator(torch.device("cpu"), data, Logits(), **({"decollate": False} | engine))
    handler.attach(evaluator)
    evaluator.run()
    return evaluator


def audited(whole: dict[str, Any]) -> dict[str, Any]:
    logits, group = whole["image"].double().numpy(), whole["group"].numpy()
    attributes = {
        name: np.array([*names, ""], dtype=object)[group[:, column]]
        for column, (name, names) in enumerate(NAMES.items())
    }
    found = audit(
        label=whole["label"].numpy(),
        score=logits[:, 1] - logits[:, 0],
        attributes=attributes,
        kind="logit",
        patient=np.array(whole["patient_id"]),
        threshold=0.5,
        resampling=FEW,
    ).to_dict()
    return {key: value for key, value in found.items() if key != "audit"}


@pytest.mark.parametrize("decollate", [False, True])
def test_the_handler_gives_to_the_bit_what_audit_gives_for_the_whole_split(decollate: bool) -> None:
    whole, handler = samples(), attached()
    evaluator = run(batches(whole), handler, decollate=decollate)
    assert report(handler) == audited(whole)
    assert evaluator.state.fairness is handler.assessment


def test_batches_in_another_order_give_the_same_numbers_when_positions_are_known() -> None:
    whole = samples()
    order = torch.randperm(200, generator=torch.Generator().manual_seed(1))
    shuffled = {key: [part[i] for i in order] if isinstance(part, list) else part[order] for key, part in whole.items()}
    handler = attached()
    run(batches(shuffled, 11), handler)
    assert report(handler) == audited(whole)


def test_a_plain_ignite_evaluator_is_taken_too() -> None:
    whole, handler = samples(), attached()
    plain = create_supervised_evaluator(
        Logits(), prepare_batch=lambda batch, device, non_blocking: (batch["image"], batch["label"])
    )
    handler.attach(plain)
    plain.run(batches(whole))
    assert report(handler) == audited(whole)


def test_each_epoch_starts_anew() -> None:
    whole, handler = samples(), attached()
    evaluator = run(batches(whole), handler)
    evaluator.run()
    assert report(handler)["n"] == 200


def test_the_threshold_can_come_from_the_validation_split_when_the_epoch_ends() -> None:
    validation = attached()
    run(batches(samples(seed=1)), validation)

    def chosen() -> Threshold:
        assert validation.predictions is not None
        return choose_threshold(validation.predictions)

    test = attached(threshold=chosen)
    run(batches(samples()), test)
    assert report(test)["threshold"]["chosen_on"] == "validation"


def test_probabilities_are_taken_as_they_are() -> None:
    whole = samples()
    probabilities = torch.softmax(whole["image"].double(), dim=1)
    handler = attached(kind="probability")
    run(batches({**whole, "image": probabilities}), handler)
    assert handler.predictions is not None
    assert handler.predictions.probabilities.tolist() == probabilities[:, 1].tolist()


def test_the_report_is_written_where_that_is_asked(tmp_path: Path) -> None:
    handler = attached(output_dir=tmp_path / "evaluation")
    run(batches(samples()), handler)
    text = (tmp_path / "evaluation" / "report.json").read_text()
    assert json.loads(text) == report(handler)
    assert "P1" not in text


def test_without_patients_each_image_is_its_own() -> None:
    whole, handler = samples(), attached()
    del whole["patient_id"]
    run(batches(whole), handler)
    assert report(handler)["n_patients"] == 200


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label": None}, "hold no 'label'"),
        ({"group": None}, "hold no 'group'"),
        ({"group": torch.zeros(200, 3, dtype=torch.long)}, "give 3 subgroups an image"),
        ({"index": torch.zeros(200, dtype=torch.long)}, "199 of 200 samples came twice"),
        ({"image": torch.full((200, 2), float("nan"))}, "200 of 200 scores are NaN or infinite"),
    ],
)
def test_what_cannot_be_assessed_is_refused(change: dict[str, Any], message: str) -> None:
    whole = {key: part for key, part in (samples() | change).items() if part is not None}
    engine = Engine(lambda _, batch: {"pred": batch["image"]})
    attached().attach(engine)
    with pytest.raises(PredictionsError, match=message):
        engine.run(batches(whole))


def test_an_empty_split_and_an_unknown_kind_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="kind is 'score'"):
        attached(kind="score")
    engine = Engine(lambda _, batch: {"pred": batch["image"]})
    handler = attached()
    with pytest.raises(PredictionsError, match="saw no sample"):
        handler._finish(engine)
