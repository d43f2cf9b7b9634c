"""Could the differences between subgroups be chance? The permutation test of AUROC gaps, by patient.

Patients exchange their subgroups, within those who have positive images only, negative images only, or both, so that
every subgroup keeps its prevalence. The statistic is the largest difference between two subgroups in units of its
standard error, computed anew in each permutation: then the test holds its level also where subgroups of equal AUROC
differ in how their scores are spread.

Source:
    Chung and Romano, "Exact and asymptotically robust permutation tests", Annals of Statistics 41 (2013), for the
    studentised statistic; DiCiccio et al., "Evaluating fairness using permutation tests", KDD 2020, for its use on
    subgroups; Westfall and Young, "Resampling-based multiple testing", Wiley (1993), for the adjustment by the
    largest statistic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from monai_fairtune.metrics.placements import Placements
from monai_fairtune.metrics.resampling import Resampling

__all__ = ["GapTest", "PairTest", "gap_test", "holm"]

_Key = TypeVar("_Key", int, str)
_MOST_IMAGES = 5000
_LIMIT_DRAWS = 20000
_CHUNK = 2**18


@dataclass(frozen=True)
class PairTest:
    """Two subgroups.

    Args:
        subgroups: their names.
        p_value: of this pair alone, two-sided.
        p_holm: adjusted by Holm's method for all pairs of the attribute.
        p_max_t: adjusted by the distribution of the largest statistic.
    """

    subgroups: tuple[str, str]
    p_value: float
    p_holm: float
    p_max_t: float


@dataclass(frozen=True)
class GapTest:
    """The AUROC gap of one attribute against what chance alone would show.

    Args:
        p_value: how often chance shows a largest difference at least as clear.
        null_mean: the mean gap that chance shows; a gap is biased up, and this is by how much where there is none.
        null_high: the gap that chance exceeds once in 20 times.
        method: ``"permutation"``, or ``"permutation limit"``: of more than 5000 images, and where patients have
            images in several subgroups, the null distribution is drawn from its normal limit.
        pairs: every two subgroups, in order.
    """

    p_value: float
    null_mean: float
    null_high: float
    method: str
    pairs: tuple[PairTest, ...]

    def to_dict(self) -> dict[str, object]:
        """Returns what stands beside the gap in a report."""
        return {
            "p_value": self.p_value,
            "null_mean": self.null_mean,
            "null_high": self.null_high,
            "test": self.method,
        }


def gap_test(
    labels: NDArray[np.int64],
    scores: NDArray[np.float64],
    patients: NDArray[np.int64],
    codes: NDArray[np.int64],
    names: Sequence[str],
    resampling: Resampling,
    placed: Sequence[Placements] | None = None,
) -> GapTest:
    """Tests the AUROC gap of subgroups that all hold both classes.

    Args:
        labels: shape ``(n,)``, of images that belong to a subgroup.
        scores: shape ``(n,)``.
        patients: shape ``(n,)``, the patient of each image, from 0.
        codes: shape ``(n,)``, a position in ``names``.
        names: the subgroups, at least two.
        resampling: how many permutations, from which seed.
        placed: the subgroups' placement values, where they are known already.
    """
    placed = placed or [Placements.of(labels[codes == k], scores[codes == k]) for k in range(len(names))]
    aurocs, covariance = np.array([part.auroc for part in placed]), _covariance(placed, labels, patients, codes)
    exchange = _Exchange(labels, patients, codes)
    limit = len(labels) > _MOST_IMAGES or not exchange.possible
    if limit:
        rng = np.random.default_rng(resampling.seed)
        null = rng.multivariate_normal(np.zeros(len(names)), covariance, size=_LIMIT_DRAWS, method="svd")
        chance = _statistics(null, _pair_variances(covariance))
    else:
        null, variances = _Images(labels, scores, patients, len(names)).permuted(exchange, resampling)
        chance = _statistics(null, np.stack([variances[:, i] + variances[:, j] for i, j in _pairs(len(names))], axis=1))
    observed = _statistics(aurocs, _pair_variances(covariance))
    largest, gaps = chance.max(axis=1), np.ptp(null, axis=1)
    alone = _share(chance, observed)
    adjusted = _share(largest[:, None], observed)
    return GapTest(
        p_value=float(_share(largest, observed.max())),
        null_mean=float(gaps.mean()),
        null_high=float(np.quantile(gaps, 0.95)),
        method="permutation limit" if limit else "permutation",
        pairs=tuple(
            PairTest(pair, float(p), float(p_holm), float(p_max))
            for pair, p, p_holm, p_max in zip(
                combinations(names, 2), alone, holm(dict(enumerate(alone))).values(), adjusted, strict=True
            )
        ),
    )


def holm(p_values: Mapping[_Key, float]) -> dict[_Key, float]:
    """Returns p-values adjusted so that the chance of any false alarm among them stays below the level.

    Example:
        >>> holm({0: 0.04, 1: 0.01, 2: 0.03})
        {0: 0.06, 1: 0.03, 2: 0.06}

    Source:
        Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Statist. 6 (1979).
    """
    adjusted, highest = {}, 0.0
    for rank, key in enumerate(sorted(p_values, key=lambda key: p_values[key])):
        highest = max(highest, min(1.0, (len(p_values) - rank) * float(p_values[key])))
        adjusted[key] = highest
    return {key: adjusted[key] for key in p_values}


def _share(chance: NDArray[np.float64], observed: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the p-values: the share of draws, the observed one included, that reach the observed statistic."""
    reached = (chance >= observed - 1e-12).sum(axis=0)
    return np.asarray((reached + 1) / (len(chance) + 1))


def _statistics(aurocs: NDArray[np.float64], variances: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns each pair's difference in units of its standard error: shape ``(..., n_pairs)``."""
    pairs = _pairs(aurocs.shape[-1])
    difference = np.abs(aurocs[..., pairs[:, 0]] - aurocs[..., pairs[:, 1]])
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(difference < 1e-15, 0.0, difference / np.sqrt(variances))


def _pairs(n: int) -> NDArray[np.intp]:
    return np.array(list(combinations(range(n), 2)))


def _pair_variances(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    single = np.diag(covariance)
    return np.array([single[i] + single[j] - 2 * covariance[i, j] for i, j in _pairs(len(single))])


def _covariance(
    placed: Sequence[Placements], labels: NDArray[np.int64], patients: NDArray[np.int64], codes: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Returns the covariance of the subgroups' AUROCs when patients are drawn; 0 between those that share none."""
    pulls = np.zeros((int(patients.max()) + 1, len(placed)))
    for k, part in enumerate(placed):
        member = codes == k
        pulls[:, k] = np.bincount(patients[member], weights=part.pull(labels[member]), minlength=len(pulls))
    return pulls.T @ pulls


class _Images:
    """Images in the order of their scores, so that many assignments to subgroups are measured at once."""

    def __init__(
        self, labels: NDArray[np.int64], scores: NDArray[np.float64], patients: NDArray[np.int64], n_subgroups: int
    ) -> None:
        order = np.argsort(scores, kind="stable")
        self.order, self.n_subgroups = order, n_subgroups
        self.positive = labels[order] == 1
        ranked = scores[order]
        self.begin = np.searchsorted(ranked, ranked, side="left")
        self.end = np.searchsorted(ranked, ranked, side="right")
        self.by_patient = np.argsort(patients[order], kind="stable")
        self.starts = np.flatnonzero(np.diff(patients[order][self.by_patient], prepend=-1))

    def measure(self, codes: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Returns AUROCs and their variances by patient, each ``(r, n_subgroups)``, of codes ``(r, n)``."""
        sorted_codes = codes[:, self.order]
        found = [self._measure(sorted_codes == k) for k in range(self.n_subgroups)]
        return np.stack([auroc for auroc, _ in found], axis=1), np.stack([variance for _, variance in found], axis=1)

    def permuted(self, exchange: _Exchange, resampling: Resampling) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Returns the measures of all permutations."""
        rows = int(np.clip(_CHUNK // len(self.order), 1, 256))
        starts = range(0, resampling.n_permutations, rows)
        n = resampling.n_permutations

        def permute(start: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
            rng = np.random.default_rng((resampling.seed, start))
            return self.measure(exchange.draw(rng, min(rows, n - start)))

        parts = resampling.each(permute, starts)
        return np.concatenate([aurocs for aurocs, _ in parts]), np.concatenate([variances for _, variances in parts])

    def _measure(self, member: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        positive, negative = member & self.positive, member & ~self.positive
        n_positive, n_negative = positive.sum(axis=1), negative.sum(axis=1)
        share_below = self._below(negative) / n_negative[:, None]
        share_above = 1 - self._below(positive) / n_positive[:, None]
        auroc = np.einsum("rn,rn->r", share_below, positive) / n_positive
        pull = positive * (share_below - auroc[:, None]) / n_positive[:, None]
        pull += negative * (share_above - auroc[:, None]) / n_negative[:, None]
        by_patient = np.add.reduceat(pull[:, self.by_patient], self.starts, axis=1)
        return auroc, np.einsum("rp,rp->r", by_patient, by_patient)

    def _below(self, member: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Returns for each image how many members score below it, ties one half."""
        counted = np.zeros((len(member), member.shape[1] + 1), dtype=np.int32)
        np.cumsum(member, axis=1, dtype=np.int32, out=counted[:, 1:])
        return (counted[:, self.begin] + counted[:, self.end]) / 2


class _Exchange:
    """Draws subgroups anew for the patients, within those of one kind; none may belong to several subgroups."""

    def __init__(self, labels: NDArray[np.int64], patients: NDArray[np.int64], codes: NDArray[np.int64]) -> None:
        n_patients = int(patients.max()) + 1
        self.patients = patients
        self.of_patient = np.empty(n_patients, dtype=np.int64)
        self.of_patient[patients] = codes
        self.possible = bool((self.of_patient[patients] == codes).all())
        has = [np.bincount(patients[labels == label], minlength=n_patients) > 0 for label in (0, 1)]
        kind = has[0] + 2 * has[1]
        self.kinds = [np.flatnonzero(kind == value) for value in np.unique(kind[kind > 0])]

    def draw(self, rng: np.random.Generator, rows: int) -> NDArray[np.int64]:
        """Returns codes of all images: shape ``(rows, n)``."""
        drawn = np.tile(self.of_patient, (rows, 1))
        for members in self.kinds:
            drawn[:, members] = rng.permuted(drawn[:, members], axis=1)
        return drawn[:, self.patients]
