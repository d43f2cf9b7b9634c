from __future__ import annotations

import re
from pathlib import Path

from monai_fairtune.deploy.dicom import ReadingLimits, Reason
from monai_fairtune.deploy.dicom.intended_use import WAIVABLE
from monai_fairtune.deploy.dicom.pixel_quality import LEAST_CONTRAST, MOST_SATURATED

PAGE = (Path(__file__).parents[2] / "docs" / "dicom.md").read_text()


def test_the_page_names_each_reason_once_in_its_table() -> None:
    named = [word for row in re.findall(r"^\| (`.*?) \|", PAGE, re.MULTILINE) for word in re.findall(r"`(\w+)`", row)]
    assert sorted(set(named) & {reason.value for reason in Reason}) == sorted(reason.value for reason in Reason)
    assert all(f"`{reason}`" in PAGE for reason in WAIVABLE)


def test_the_page_names_the_limits_that_hold() -> None:
    limits = ReadingLimits()
    for text in (
        f"{limits.n_memory >> 30} GiB",
        f"{limits.n_bytes >> 20} MiB",
        f"{limits.n_pixels / 1e6:.0f} million pixels",
        f"`--seconds` ({limits.seconds:g})",
        f"below {LEAST_CONTRAST}",
        f"more than {100 * MOST_SATURATED:.0f} %",
    ):
        assert text in PAGE, text
