"""The scheduler that these tests use."""

from __future__ import annotations

from tests.slurm.fixtures import slurm

__all__ = ["slurm"]
