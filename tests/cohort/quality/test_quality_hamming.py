"""Close bit strings, beside comparing every two."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monai_fairtune.cohort.quality.hamming import close_pairs


@pytest.mark.parametrize("max_distance", [0, 3, 20])
def test_the_pairs_are_those_of_comparing_every_two(max_distance: int) -> None:
    rng = np.random.default_rng(0)
    originals = rng.integers(2, size=(40, 256))
    flips = rng.random((400, 256)) < rng.choice([0.01, 0.04, 0.08], size=(400, 1))
    bits = np.concatenate([originals, originals[rng.integers(40, size=400)] ^ flips])
    hashes = np.unique(np.packbits(bits.astype(np.uint8), axis=1), axis=0)
    pairs, distances = close_pairs(hashes, max_distance)
    every = np.bitwise_count(hashes[:, None] ^ hashes[None]).sum(axis=2)
    expected = np.argwhere(np.triu(every <= max_distance, 1))
    assert pairs.tolist() == expected.tolist()
    assert distances.tolist() == every[tuple(expected.T)].tolist()
    assert max_distance == 0 or len(pairs) > 50


@given(st.integers(0, 2**30), st.integers(0, 7))
def test_short_strings_are_found_whatever_their_length(seed: int, max_distance: int) -> None:
    rng = np.random.default_rng(seed)
    hashes = np.unique(rng.integers(256, size=(30, rng.integers(1, 4)), dtype=np.uint8), axis=0)
    every = np.bitwise_count(hashes[:, None] ^ hashes[None]).sum(axis=2)
    expected = np.argwhere(np.triu(every <= max_distance, 1)).tolist()
    assert close_pairs(hashes, max_distance)[0].tolist() == expected


@pytest.mark.parametrize("n", [0, 1])
def test_fewer_than_two_have_no_pair(n: int) -> None:
    pairs, distances = close_pairs(np.zeros((n, 32), dtype=np.uint8), 20)
    assert (pairs.shape, distances.shape) == ((0, 2), (0,))
