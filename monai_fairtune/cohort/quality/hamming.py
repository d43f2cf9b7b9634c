"""Bit strings that differ in few places, found among many without comparing every two."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

__all__ = ["close_pairs"]


def close_pairs(hashes: NDArray[np.uint8], max_distance: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Returns every two bit strings that differ in at most ``max_distance`` places.

    The bits are dealt to one band more than may differ: two strings that are close agree on a whole band, so only those
    that do are compared. The search is exact. Each band takes bits from all over the string, since neighbouring bits of
    a perceptual hash say similar things; time grows with the number of strings that agree on a band.

    Args:
        hashes: shape ``(n, n_bytes)``, all different.
        max_distance: in bits, from 0 to fewer than there are.

    Returns:
        Pairs of positions, shape ``(n_pairs, 2)``, the smaller first, sorted; and their distances, ``(n_pairs,)``.

    Example:
        >>> pairs, distances = close_pairs(np.array([[0b0000], [0b0111], [0b0011]], dtype=np.uint8), 2)
        >>> pairs.tolist(), distances.tolist()
        ([[0, 2], [1, 2]], [2, 1])

    Source:
        Norouzi, Punjani and Fleet, "Fast exact search in Hamming space with multi-index hashing", IEEE TPAMI 36 (2014).
    """
    words = _as_words(hashes)
    found = [np.empty((0, 2), dtype=np.int64)]
    for key in _bands(hashes, max_distance + 1):
        found.extend(_agreeing(key, words, max_distance))
    pairs = np.unique(np.concatenate(found), axis=0)
    return pairs, _distances(words, pairs[:, 0], pairs[:, 1])


def _as_words(hashes: NDArray[np.uint8]) -> NDArray[np.uint64]:
    padded = np.zeros((len(hashes), -(-hashes.shape[1] // 8) * 8), dtype=np.uint8)
    padded[:, : hashes.shape[1]] = hashes
    return padded.view(np.uint64)


def _bands(hashes: NDArray[np.uint8], n_bands: int) -> Iterator[NDArray[np.int64]]:
    """Yields a number for each string, equal where the strings agree on the band."""
    bits = np.unpackbits(hashes, axis=1)
    for band in range(n_bands):
        chosen = np.packbits(bits[:, band::n_bands], axis=1)
        yield np.unique(_as_words(chosen), axis=0, return_inverse=True)[1].ravel()


def _agreeing(key: NDArray[np.int64], words: NDArray[np.uint64], max_distance: int) -> Iterator[NDArray[np.int64]]:
    """Yields the close pairs among the strings of equal key: each is compared with its next, its second next, ..."""
    order = np.argsort(key, kind="stable")
    ranked, heads = key[order], words[order, 0]
    first = np.arange(len(order))
    lag = 0
    while len(first):
        lag += 1
        first = first[: np.searchsorted(first, len(order) - lag)]
        first = first[ranked[first] == ranked[first + lag]]
        likely = first[np.bitwise_count(heads[first] ^ heads[first + lag]) <= max_distance]  # the others differ already
        pairs = np.stack([order[likely], order[likely + lag]], axis=1)
        close = pairs[_distances(words, pairs[:, 0], pairs[:, 1]) <= max_distance]
        if len(close):
            yield np.sort(close, axis=1)


def _distances(words: NDArray[np.uint64], a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.asarray(np.bitwise_count(words[a] ^ words[b]).sum(axis=1, dtype=np.int64))
