"""Attributes that an expression may not use, whatever object it takes them from."""

from __future__ import annotations

__all__ = ["is_refused_attribute"]

_PRIVATE = ("_", "ag_", "co_", "cr_", "f_", "func_", "gi_", "tb_")  # frames lead from a generator to every builtin
_TEMPLATES = frozenset({"format", "format_map"})  # which reach private names
_EVALUATES = frozenset({"eval", "mro", "query"})  # pandas runs texts; a class leads to all others
_FILES = frozenset(
    {
        "chmod", "copy_into", "dump", "from_file", "hardlink_to", "lchmod", "link_to", "mkdir", "move", "move_into",
        "open", "read_bytes", "read_text", "rename", "replace", "rmdir", "symlink_to", "to_clipboard", "to_csv",
        "to_excel", "to_feather", "to_hdf", "to_html", "to_json", "to_latex", "to_markdown", "to_orc", "to_parquet",
        "to_pickle", "to_sql", "to_stata", "to_string", "to_xml", "tofile", "touch", "unlink", "write_bytes",
        "write_text",
    }
)  # fmt: skip


def is_refused_attribute(name: str) -> bool:
    """Says whether an attribute is private, evaluates text, or is a method of a path or a table that handles files."""
    return name.startswith(_PRIVATE) or name in _TEMPLATES | _EVALUATES | _FILES
