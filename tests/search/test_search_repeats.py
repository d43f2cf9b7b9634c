from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monai_fairtune.search.candidates import Candidate, candidates
from monai_fairtune.search.noise import shrunken_estimates
from monai_fairtune.search.records import TrialRecord
from monai_fairtune.search.repeats import is_repeat_turn, most_promising


def record(number: int, mask: str, value: float, replicate: int = 0) -> TrialRecord:
    return TrialRecord(
        number=number,
        kind="repeat" if replicate else "search",
        name=None,
        mask={},
        mask_key=mask,
        hyperparameters={"learning_rate": 1e-4},
        seed=0,
        trained_share=0.5,
        state="complete",
        value=value,
        overall_auroc=0.9,
        values=(value,),
        replicate=replicate,
    )


def made(*groups: tuple[float, ...]) -> list[Candidate]:
    return [
        Candidate(tuple(record(10 * place + n, f"mask {place}", value, n) for n, value in enumerate(group)))
        for place, group in enumerate(groups)
    ]


def chosen(found: list[Candidate], sign: float = 1.0, n_promising: int = 3) -> int | None:
    one = most_promising(found, lambda value: sign * value, n_promising)
    return None if one is None else found.index(one)


def test_repeats_come_every_fifth_turn_after_the_startup() -> None:
    assert [turn for turn in range(-10, 15) if is_repeat_turn(turn, 0.2)] == [4, 9, 14]


@given(st.integers(0, 50), st.integers(1, 400))
def test_the_share_of_repeats_is_kept_to_within_one_turn(percent: int, n_turns: int) -> None:
    n_repeats = sum(is_repeat_turn(turn, percent / 100) for turn in range(n_turns))
    assert n_repeats == percent * n_turns // 100


def test_without_repeats_no_turn_repeats() -> None:
    assert not any(is_repeat_turn(turn, 0.0) for turn in range(100))


def test_the_best_candidate_is_trained_again_first_then_the_next() -> None:
    assert chosen(made((0.7,), (0.8,), (0.75,), (0.6,))) == 1
    assert chosen(made((0.7,), (0.8, 0.8), (0.75,), (0.6,))) == 2
    assert chosen(made((0.7,), (0.8, 0.8), (0.75, 0.75), (0.6,))) == 0
    assert chosen(made((0.7, 0.7), (0.8, 0.8), (0.75, 0.75), (0.6,))) == 1, "and the fourth best never"


def test_a_smaller_value_may_be_the_better_one() -> None:
    assert chosen(made((0.2,), (0.1,), (0.15,)), sign=-1.0) == 1


def test_of_equal_candidates_the_earlier_is_trained_again() -> None:
    assert chosen(made((0.8,), (0.8,))) == 0


def test_a_mask_that_was_only_lucky_is_not_trained_again_and_again() -> None:
    """Its first value led; the others' estimates are better once its next ones are known."""
    found = made((0.90, 0.70, 0.71), (0.82, 0.81, 0.83), (0.81, 0.80, 0.82), (0.80, 0.81, 0.81))
    assert chosen(found) == 1


def test_nothing_is_trained_again_where_nothing_is_feasible() -> None:
    assert most_promising([], lambda value: value) is None
    infeasible = candidates([record(0, "a", 0.9)], floor=0.95, max_trained_share=None)
    assert most_promising(infeasible, lambda value: value) is None


def test_repeats_find_better_masks_than_first_values_do_where_noise_is_large() -> None:
    """Ten repeats of 40 masks whose true values differ as much as their seeds do."""
    gains = []
    for study in range(150):
        rng = np.random.default_rng(study)
        truth = rng.normal(size=40)
        groups = [[float(value)] for value in truth + rng.normal(size=40)]
        by_first = int(np.argmax([group[0] for group in groups]))
        for _ in range(10):
            place = chosen(made(*[tuple(group) for group in groups]), n_promising=5)
            assert place is not None
            groups[place].append(float(truth[place] + rng.normal()))
        gains.append(truth[int(np.argmax(shrunken_estimates(groups)))] - truth[by_first])
    assert np.mean(gains) > 0.1
    assert np.mean(gains) > 2 * np.std(gains) / np.sqrt(len(gains))


def test_a_candidate_without_values_cannot_be_among_the_promising() -> None:
    with pytest.raises(ValueError, match="finite values"):
        most_promising([Candidate(())], lambda value: value)
