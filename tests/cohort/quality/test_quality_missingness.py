"""Missing attributes: planted, and at random."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import fisher_exact

from monai_fairtune.cohort.quality.missingness import measure_missingness, missingness_cautions
from tests.cohort.quality.cohorts import clean, with_missing


@pytest.mark.parametrize("seed", range(5))
def test_a_clean_cohort_gives_no_alarm(seed: int) -> None:
    found = measure_missingness(clean(seed=seed))
    assert list(found) == ["age:60"]
    assert list(missingness_cautions(found)) == []


def test_missingness_that_goes_with_the_label_is_told() -> None:
    recorded = with_missing(clean(), 0.2)
    found = measure_missingness(recorded)
    (told,) = missingness_cautions(found)
    share = found["sex"]["by"]["label"]["cells"]["1"]
    assert told.startswith("Whether sex is recorded depends on label: it is missing in ")
    assert f"{share['n_missing'] / share['n']:.1%} of the images of label 1 and in 0.0% of those of 0" in told


def test_the_test_is_fishers_over_patients_and_the_counts_are_of_images() -> None:
    recorded = with_missing(clean(80), 0.2)
    found = measure_missingness(recorded)["sex"]
    first = np.unique(recorded.patients, return_index=True)[1]
    missing, labels = recorded.attributes["sex"].codes[first] < 0, recorded.labels[first]
    table = [[int((missing == m)[labels == label].sum()) for label in (0, 1)] for m in (False, True)]
    assert found["by"]["label"]["association"]["p_value"] == pytest.approx(fisher_exact(table).pvalue)
    assert found["n_missing"] == 2 * missing.sum()


def test_it_is_counted_in_every_split_label_and_other_subgroup() -> None:
    recorded = with_missing(clean(), 0.3)
    by = measure_missingness(recorded)["sex"]["by"]
    assert set(by) == {"split", "label", "age:60"}
    assert set(by["age:60"]["cells"]) == {"[0,60)", "[60,inf)"}
    for name in ("split", "label"):
        total = (recorded.attributes["sex"].codes < 0).sum()
        assert sum(cell["n_missing"] for cell in by[name]["cells"].values()) == total
