"""Fixtures of a real SLURM; a ``conftest.py`` imports them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.slurm.cluster import SlurmCluster, slurm_programs

__all__ = ["slurm"]


@pytest.fixture(scope="session")
def slurm() -> Iterator[SlurmCluster]:
    """A SLURM of one node with 8 CPUs; the test is skipped where there is none."""
    if slurm_programs() is None:
        pytest.skip("no SLURM on this machine; install it, for instance with apt-get install slurm-wlm munge")
    cluster = SlurmCluster()
    yield cluster
    cluster.close()
