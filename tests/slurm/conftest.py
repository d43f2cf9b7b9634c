"""The scheduler and the database that these tests use."""

from __future__ import annotations

from tests.servers.fixtures import database, postgres
from tests.slurm.fixtures import slurm

__all__ = ["database", "postgres", "slurm"]
