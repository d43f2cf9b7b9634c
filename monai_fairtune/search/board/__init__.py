"""The board: jobs, leases and results, in memory or in a database."""

from monai_fairtune.search.board.board import Board, Entry, Lease
from monai_fairtune.search.board.database import connect, is_server, storage_url
from monai_fairtune.search.board.memory import MemoryBoard
from monai_fairtune.search.board.sql import SqlBoard

__all__ = ["Board", "Entry", "Lease", "MemoryBoard", "SqlBoard", "connect", "is_server", "storage_url"]
