"""What a model card takes from a cohort card."""

from __future__ import annotations

__all__ = ["COHORT"]

COHORT = {
    "prepared": {"about": {"title": "Skin lesions", "licence": "CC BY-NC 4.0"}},
    "class_names": ["benign", "malignant"],
    "acquisition_columns": [],
    "manifest": {"file": "manifest.csv", "sha256": "1" * 64},
}
