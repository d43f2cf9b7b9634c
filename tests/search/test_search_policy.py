from __future__ import annotations

import re
from pathlib import Path

import pytest

from monai_fairtune.search.faults import POLICY, Fault, next_step

PAGE = Path(__file__).parents[2] / "docs" / "faults.md"


def test_the_page_on_faults_repeats_the_policy() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \| (.*?) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert [row[0] for row in rows] == list(POLICY)
    for (name, meaning, attempts, then), rule in zip(rows, POLICY.values(), strict=True):
        assert meaning == rule.meaning, name
        assert attempts == (str(rule.most_attempts) if rule.most_attempts else "not counted"), name
        ends = rule.stops_search or rule.most_attempts == 0
        assert then.startswith("the search ends" if ends else "the trial fails"), name


@pytest.mark.parametrize("fault", list(POLICY))
def test_a_fault_is_tried_again_until_its_attempts_are_used_up(fault: Fault) -> None:
    rule = POLICY[fault]
    if rule.most_attempts == 0:
        assert next_step([fault] * 50).action == "retry"
        return
    assert next_step([fault] * (rule.most_attempts - 1)).action == "retry"
    assert next_step([fault] * rule.most_attempts).action == ("stop" if rule.stops_search else "give_up")


def test_faults_of_other_kinds_do_not_count_together() -> None:
    assert next_step(["killed", "hung", "killed", "hung", "killed"]).action == "retry"
    assert next_step(["out_of_memory", "killed"]).accumulation_steps == 2
