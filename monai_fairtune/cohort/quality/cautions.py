"""All that findings warn of, in one order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from monai_fairtune.cohort.quality.acquisition import acquisition_cautions
from monai_fairtune.cohort.quality.balance import balance_cautions
from monai_fairtune.cohort.quality.image_quality import quality_cautions
from monai_fairtune.cohort.quality.implausible import implausible_cautions
from monai_fairtune.cohort.quality.missingness import missingness_cautions
from monai_fairtune.cohort.quality.near_duplicates import near_duplicate_cautions

__all__ = ["finding_cautions"]


def finding_cautions(findings: Mapping[str, Any]) -> Iterator[str]:
    """Yields a sentence for each finding that is large and no chance, and names no image.

    Args:
        findings: as ``CohortCheck.findings`` returns them, small cells withheld or not.
    """
    yield from implausible_cautions(findings["implausible_ages"])
    if findings["near_duplicates"] is not None:
        yield from near_duplicate_cautions(findings["near_duplicates"])
    yield from balance_cautions(findings["associations"], findings["acquisition_columns"])
    yield from missingness_cautions(findings["missingness"])
    yield from acquisition_cautions(findings["acquisition"])
    if findings["image_quality"] is not None:
        yield from quality_cautions(findings["image_quality"])
