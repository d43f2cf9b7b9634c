"""Drawing patients again and again: the weights of the cluster bootstrap."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from monai_fairtune.exceptions import ConfigurationError
from monai_fairtune.metrics.processes import shared

__all__ = ["PatientWeights", "Resampling", "patient_strata"]

_Result = TypeVar("_Result")
_LARGE_STRATUM = 4096
_CHUNK = 2**23
_BLOCK = 2**15
_POISSON = np.searchsorted(
    np.cumsum(np.exp(-1.0) / np.array([1.0, 1, 2, 6, 24, 120, 720, 5040])), (np.arange(2**16) + 0.5) / 2**16
).astype(np.uint8)


@dataclass(frozen=True)
class Resampling:
    """How intervals and tests are computed.

    Args:
        n_replicates: of the bootstrap, at least 100.
        n_permutations: of the gap test, at least 100.
        seed: of both; the same seed gives the same numbers, however many threads there are.
        n_threads: by default one a core. Small tables gain little from them.
        n_processes: above 1, copies of this process compute instead of threads; see
            :func:`monai_fairtune.metrics.processes.shared` for when that is safe.

    Raises:
        ConfigurationError: if a number is too small to give an interval.
    """

    n_replicates: int = 2000
    n_permutations: int = 2000
    seed: int = 0
    n_threads: int | None = None
    n_processes: int = 1

    def __post_init__(self) -> None:
        for name in ("n_replicates", "n_permutations"):
            if getattr(self, name) < 100:
                raise ConfigurationError(f"{name} is {getattr(self, name)}. Give at least 100; 2000 is usual.")

    @property
    def threads(self) -> int:
        """How many threads compute."""
        if self.n_threads:
            return self.n_threads
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

    def each(self, compute: Callable[[int], _Result], starts: Sequence[int]) -> list[_Result]:
        """Returns ``compute`` of each start, in order, with all threads or processes at work."""
        if self.n_processes > 1:
            return shared(lambda share: [compute(start) for start in share], starts, self.n_processes)
        with ThreadPoolExecutor(self.threads) as pool:
            return list(pool.map(compute, starts))


def patient_strata(patients: NDArray[np.int64], codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns the stratum of each patient: the set of subgroups that its images belong to.

    Almost always that is one subgroup. A patient who crosses a cut between two visits belongs to both, and is drawn
    with others who do, so that each subgroup keeps its share.

    Args:
        patients: shape ``(n,)``, the patient of each image, from 0 without gaps.
        codes: shape ``(n,)``, the subgroup of each image, -1 where missing.

    Returns:
        Shape ``(n_patients,)``, from 0 without gaps.

    Example:
        >>> patient_strata(np.array([0, 1, 2, 2, 3]), np.array([0, 1, 0, 1, 1])).tolist()
        [0, 1, 2, 1]
    """
    last = np.empty(int(patients.max(initial=-1)) + 1, dtype=np.int64)
    last[patients] = codes
    if (last[patients] == codes).all():
        return np.unique(last, return_inverse=True)[1]
    width = int(codes.max(initial=-1)) + 2
    pairs = np.unique(patients * width + codes + 1)
    owner, code = pairs // width, pairs % width
    starts = np.flatnonzero(np.diff(owner, prepend=-1))
    # A random number a subgroup: the sum names the set, whatever the number of subgroups.
    marks = np.random.default_rng(0).integers(2**63, size=width, dtype=np.uint64)
    _, first, stratum = np.unique(np.add.reduceat(marks[code], starts), return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[stratum]


class PatientWeights:
    """How often each patient is drawn in each replicate, with replacement and within strata.

    In strata of more than 4096 patients the counts are independent Poisson variables of mean 1, which differ from the
    multinomial ones only in that the number drawn varies; all statistics here are ratios, which cancel that.

    Args:
        strata: shape ``(n_patients,)``, from 0 without gaps.
        resampling: how many replicates, from which seed.

    Source:
        Field and Welsh, "Bootstrapping clustered data", JRSS B 69 (2007) for whole clusters; Hanley and MacGibbon,
        "Creating non-parametric bootstrap samples using Poisson frequencies", Comput. Methods Programs Biomed. 83
        (2006).
    """

    def __init__(self, strata: NDArray[np.int64], resampling: Resampling) -> None:
        self.resampling = resampling
        self.sizes = np.bincount(strata)
        self.position = np.argsort(np.argsort(strata, kind="stable"))
        """Where each patient stands in the columns of the weights: strata are contiguous."""
        self._rows = int(np.clip(_CHUNK // max(len(strata), 1), 1, 256))

    def map(self, compute: Callable[[NDArray[np.uint8]], NDArray[np.float64]]) -> NDArray[np.float64]:
        """Returns ``compute`` of the weights of all replicates, in order.

        Args:
            compute: takes weights ``(r, n_patients)``, returns ``(r, ...)``; is called from several threads.
        """
        n = self.resampling.n_replicates
        starts = range(0, n, self._rows)
        # One BLAS thread each: the order of a sum must not depend on how many cores there are.
        with threadpool_limits(1, "blas"):
            return np.concatenate(
                self.resampling.each(lambda start: compute(self._draw(start, min(self._rows, n - start))), starts)
            )

    def _draw(self, start: int, rows: int) -> NDArray[np.uint8]:
        rng = np.random.default_rng((self.resampling.seed, start))
        weights = np.empty((rows, int(self.sizes.sum())), dtype=np.uint8)
        begin = 0
        for size in self.sizes:
            part = weights[:, begin : begin + size]
            if size > _LARGE_STRATUM:
                _poisson(rng, part)
            else:
                part[:] = _multinomial(rng, rows, size)
            begin += size
        return weights


def _multinomial(rng: np.random.Generator, rows: int, size: int) -> NDArray[np.int64]:
    drawn = rng.integers(size, size=(rows, size)) + np.arange(rows)[:, None] * size
    return np.bincount(drawn.ravel(), minlength=rows * size).reshape(rows, size)


def _poisson(rng: np.random.Generator, into: NDArray[np.uint8]) -> None:
    for row in into:
        for start in range(0, len(row), _BLOCK):
            part = row[start : start + _BLOCK]
            drawn = np.frombuffer(rng.bytes(2 * len(part)), dtype="<u2")
            _POISSON.take(drawn, out=part, mode="clip")
