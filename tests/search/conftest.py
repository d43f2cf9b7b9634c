"""The servers that some searches run around."""

from __future__ import annotations

from tests.servers.fixtures import database, postgres, relay

__all__ = ["database", "postgres", "relay"]
