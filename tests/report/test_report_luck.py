from __future__ import annotations

from typing import Any

import pytest

from monai_fairtune.report import result_table
from monai_fairtune.report.answer import answer
from monai_fairtune.report.luck import faults_sentence, luck_sentences, optimism_table
from monai_fairtune.report.plots_pareto import pareto_plot
from monai_fairtune.report.reading import Reading
from monai_fairtune.report.table_effects import effects_table
from monai_fairtune.testing.example_result import example_result

NOISE = {
    "n_masks": 12,
    "n_masks_repeated": 4,
    "n_degrees": 7,
    "seeds": {"value": 0.006, "low": 0.004, "high": 0.012},
    "masks": {"value": 0.013},
    "reliability": 0.82,
    "estimate": 0.842,
    "not_told_apart": [{"trial": 4, "name": "attention", "value": 0.839, "difference": 0.006}],
}
OPTIMISM = {
    "searched": 0.845,
    "n_seeds": 2,
    "estimate": 0.842,
    "validation": 0.844,
    "selection": 0.835,
    "delivered_selection": 0.838,
    "test": 0.82,
    "found": 0.025,
}


@pytest.fixture(scope="module")
def result() -> dict[str, Any]:
    return example_result()


def reading(result: dict[str, Any], **changes: Any) -> Reading:
    return Reading({**result, "noise": NOISE, "optimism": OPTIMISM, **changes})


def test_optimism_is_said_in_plain_words_and_side_by_side(result: dict[str, Any]) -> None:
    found = reading(result)
    assert luck_sentences(found)[0].startswith("The search was too optimistic by 0.025")
    table = optimism_table(found)
    assert table is not None
    assert [row.cells[0].text for row in table.rows] == ["0.845", "0.842", "0.844", "0.835", "0.838", "0.820"]
    none = reading(result, optimism={**OPTIMISM, "test": 0.85, "found": -0.005})
    assert luck_sentences(none)[0].startswith("No optimism was found")


def test_an_undefined_test_value_has_its_reason_in_the_table(result: dict[str, Any]) -> None:
    undefined = {**OPTIMISM, "test": None, "found": None, "reason": "a subgroup lacks a class"}
    table = optimism_table(reading(result, optimism=undefined))
    assert table is not None
    assert table.notes == ["a subgroup lacks a class"]


def test_noise_of_seeds_stands_beside_the_spread_of_masks(result: dict[str, Any]) -> None:
    text = luck_sentences(reading(result))[1]
    for expected in ("0.0060", "0.0040 to 0.0120", "0.0130", "82.0 %"):
        assert expected in text


def test_noise_that_is_undefined_is_said_with_its_reason(result: dict[str, Any]) -> None:
    noise = {**NOISE, "seeds": {"value": None, "reason": "2 degrees of freedom are needed"}, "not_told_apart": []}
    sentences = luck_sentences(reading(result, noise=noise))
    assert sentences[1] == "How much seeds matter cannot be said: 2 degrees of freedom are needed."
    assert len(sentences) == 2


def test_a_fixed_method_that_is_not_told_apart_is_named_in_the_answer_and_on_the_terminal(
    result: dict[str, Any],
) -> None:
    best = Reading(result).best_fixed
    assert best is not None
    alike = {**NOISE, "not_told_apart": [{"trial": 4, "name": best.name, "value": 0.839, "difference": 0.006}]}
    changed = {**result, "noise": alike, "optimism": OPTIMISM, "method": "found mask"}
    sentence = f"“{best.name}” is not told apart from the found mask"
    assert sentence in answer(Reading(changed))
    assert sentence in " ".join(result_table(changed).split())
    assert "not told apart" not in answer(reading(result, noise={**NOISE, "not_told_apart": []}))


def test_faults_are_told_by_kind(result: dict[str, Any]) -> None:
    faults = {"n_repeated_attempts": 3, "by_kind": {"killed": 2, "out_of_memory": 1}, "n_halved_batches": 1}
    text = faults_sentence(reading(result, faults=faults))
    assert "3 attempts" in text
    assert "2 by “killed”" in text
    assert "1 trained with half the batch" in text
    assert faults_sentence(reading(result, faults={"n_repeated_attempts": 0})) == ""


def test_a_result_from_before_noise_was_measured_still_reads(result: dict[str, Any]) -> None:
    old = {key: value for key, value in result.items() if key not in ("noise", "optimism", "faults", "pareto_front")}
    assert luck_sentences(Reading(old)) == []
    assert optimism_table(Reading(old)) is None
    assert faults_sentence(Reading(old)) == ""
    assert result_table(old)


def test_the_effects_of_components_are_differences_of_means(result: dict[str, Any]) -> None:
    trials = [
        {
            "number": n,
            "kind": "search",
            "state": "complete",
            "value": 0.8 + 0.1 * on + 0.01 * (n % 3),
            "components": {"a": on},
        }
        for n, on in enumerate([True] * 3 + [False] * 3)
    ]
    repeat = {**trials[0], "number": 6, "kind": "repeat", "value": 0.1}
    table = effects_table(reading(result, trials=[*trials, repeat]))
    assert table is not None
    assert [cell.text for cell in table.rows[0].cells] == ["+0.100", "0.008", "3", "3"]


def test_a_pareto_front_is_drawn_over_the_second_objective() -> None:
    found = Reading(example_result(further_objectives=("trained_share",)))
    plot = pareto_plot(found, "pareto")
    assert plot is not None
    assert "trained share" in plot.title
    assert "Line: the Pareto front" in plot.caption
