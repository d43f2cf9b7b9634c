"""The page on metrics names what there is."""

from __future__ import annotations

from pathlib import Path

import pytest

from monai_fairtune.metrics import Threshold, assess
from monai_fairtune.testing.random_predictions import random_predictions

_PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"


@pytest.mark.skipif(not _PAGE.is_file(), reason="the documentation is not beside the tests")
def test_every_key_of_a_report_is_explained_in_the_documentation() -> None:
    report = assess(random_predictions(0, missing=0.1), Threshold(0.5, "given", "fixed"))
    site = report.attributes["site"]
    page = _PAGE.read_text(encoding="utf-8")
    assert {key for key in (*report.overall, *site.comparisons) if f"\n| `{key}` | " not in page} == set()
