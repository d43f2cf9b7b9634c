"""What the one who plans takes in."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from monai_fairtune.search.board import MemoryBoard
from monai_fairtune.search.conductor import Conductor
from monai_fairtune.search.files import write_json
from monai_fairtune.search.records import TrialRecord, TrialRecords
from monai_fairtune.testing.boards import jobs


def test_a_result_that_the_last_attempt_wrote_is_not_given_up(tmp_path: Path) -> None:
    planner = SimpleNamespace(take_over=lambda job: None, floor=None)
    plan: Any = SimpleNamespace(planner=planner, final_key="final", open_jobs=lambda records: [])
    board, study, records = MemoryBoard(), SimpleNamespace(), TrialRecords(tmp_path)
    board.put(jobs(1))
    for _ in range(2):
        lease = board.claim("worker")
        assert lease is not None
        board.fail(lease, "out_of_memory", "")
    record = TrialRecord(0, "search", None, {}, "", {}, 0, 1.0, "complete", value=0.7)
    write_json(tmp_path / "00000" / "result.json", record.to_dict())
    assert not Conductor(plan, board, study, records).step()  # type: ignore[arg-type]
    assert records.find("00000") == record
    assert TrialRecords(tmp_path).find("00000") == record
