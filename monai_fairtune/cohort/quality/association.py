"""How strongly two recorded properties go together, counted by patient."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from monai_fairtune.metrics import Value

__all__ = ["associate", "contingency", "patient_labels"]

_FEWEST_EXPECTED = 5.0
_SHARE_WITH_FEWER = 0.2


def patient_labels(patients: NDArray[np.int64], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns for each image whether any image of its patient is of class 1: shape ``(n,)``, 0 or 1.

    Example:
        >>> patient_labels(np.array([0, 0, 1]), np.array([0, 1, 0])).tolist()
        [1, 1, 0]
    """
    return (np.bincount(patients, weights=labels) > 0).astype(np.int64)[patients]


def contingency(patients: NDArray[np.int64], a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.int64]:
    """Counts patients by two properties of their images.

    A patient counts once in each pair of values that occurs among its images; almost always that is one pair.

    Args:
        patients: shape ``(n,)``, from 0.
        a: shape ``(n,)``, codes from 0; images with a negative code are left out.
        b: likewise.

    Returns:
        Shape ``(n_a, n_b)``.

    Example:
        >>> contingency(np.array([0, 0, 1, 2]), np.array([0, 0, 1, -1]), np.array([1, 1, 0, 0])).tolist()
        [[0, 1], [1, 0]]
    """
    shape = (int(a.max(initial=-1)) + 1, int(b.max(initial=-1)) + 1)
    known = (a >= 0) & (b >= 0)
    distinct = np.unique((patients[known] * shape[0] + a[known]) * shape[1] + b[known])
    return np.bincount(distinct % (shape[0] * shape[1]), minlength=shape[0] * shape[1]).reshape(shape)


def associate(counts: NDArray[np.int64]) -> Value:
    """Returns Cramer's V of a table of counts, with the p-value of a test of independence.

    The test is Fisher's for two by two, else Pearson's, where the expected counts allow that: at least 5 in four of
    five cells, and none below 1 (Cochran's rule). V is 0 where the two are independent and 1 where one tells the other;
    it is not corrected for chance, so that small tables show more.

    Args:
        counts: shape ``(n_a, n_b)``; empty rows and columns are left out.

    Returns:
        V in [0, 1], with ``p_value``, None where no test can be made; undefined where one of the two does not vary.

    Example:
        >>> associate(np.array([[30, 10], [10, 30]])).to_dict()["value"]
        0.5

    Source:
        Cramer, "Mathematical Methods of Statistics" (1946), section 21.9; Cochran, "Some methods for strengthening the
        common chi-square tests", Biometrics 10 (1954).
    """
    from scipy.stats.contingency import association

    table = counts[counts.any(axis=1)][:, counts.any(axis=0)]
    if min(table.shape) < 2:
        return Value(None, "One of the two has a single value among these patients, so that nothing can go with it.")
    return Value(float(association(table, method="cramer")), extra={"p_value": _p_value(table)})


def _p_value(table: NDArray[np.int64]) -> float | None:
    from scipy.stats import chi2_contingency, fisher_exact
    from scipy.stats.contingency import expected_freq

    if table.shape == (2, 2):
        return float(fisher_exact(table).pvalue)
    expected: NDArray[np.float64] = expected_freq(table)
    few = float(np.mean(expected < _FEWEST_EXPECTED))
    if few > _SHARE_WITH_FEWER or expected.min() < 1:
        return None
    return float(chi2_contingency(table).pvalue)
