"""The servers that these tests use."""

from __future__ import annotations

from tests.servers.fixtures import database, postgres, relay

__all__ = ["database", "postgres", "relay"]
