"""One process of ``test_tuning_distributed.py``: folder, rank, world size, variant."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch
from torch import distributed

from monai_fairtune.metrics import Threshold
from monai_fairtune.tuning import FairnessAudit, FairnessEvaluator

_LABELS = [0, 1, 1, 0, 1, 0, 1, 0, 0, 1, 0, 1, 1]
_SEX = [0, 0, 0, 0, 0, 0, -1, 1, 1, 1, 1, 1, 1]


class _Logits(torch.nn.Module):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images


def main(folder: Path, rank: int, world_size: int, variant: str) -> None:
    if world_size > 1:
        store = f"file://{folder / variant}.store"
        distributed.init_process_group("gloo", init_method=store, rank=rank, world_size=world_size)
    logits = torch.randn(13, 2, generator=torch.Generator().manual_seed(0))
    # Dealt one by one, or in blocks such that the second process sees men only.
    rows = {"alone": range(13), "uneven": range(rank, 13, 2), "separated": [range(7), range(7, 13)][rank]}[variant]
    take = torch.tensor(list(rows))
    samples: dict[str, Any] = {
        "image": logits[take],
        "label": torch.tensor(_LABELS)[take],
        "group": torch.tensor(_SEX)[take].reshape(-1, 1),
        "index": take,
        "patient_id": [f"P{row // 2}" for row in take.tolist()],
    }
    batches = [{key: part[start : start + 4] for key, part in samples.items()} for start in range(0, len(take), 4)]
    evaluator = FairnessEvaluator("cpu", batches, _Logits(), {"sex": ("female", "male")})
    audit = FairnessAudit({"sex": ("female", "male")}, threshold=Threshold(0.5, "given", "fixed"), min_per_class=1)
    audit.attach(evaluator)
    evaluator.run()
    assert audit.assessment is not None
    report = {
        "n_local": len(take),
        "metrics": evaluator.state.metrics,
        "logits": evaluator.subgroup_metrics.logits()[0].tolist(),
        "audit": audit.assessment.to_dict(),
        "best": evaluator.state.best_metric,
    }
    (folder / f"{variant}-{rank}.json").write_text(json.dumps(report))
    if world_size > 1:
        distributed.barrier()
        distributed.destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
