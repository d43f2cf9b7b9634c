"""Templates to text: one environment for every page, and a content security policy that fits it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

__all__ = ["render_page", "write_text"]

_TEMPLATES = Path(__file__).parent / "templates"


def render_page(template: str, context: Mapping[str, object]) -> str:
    """Returns a page; values are escaped, and the page's own script is the only one that its policy allows.

    Args:
        template: file name in the folder of templates.
        context: variables of the template.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    templates = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    script = _script()
    allowed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return templates.get_template(template).render({**context, "script": script, "script_hash": allowed})


@lru_cache(maxsize=1)
def _script() -> str:
    return (_TEMPLATES / "sort.js").read_text(encoding="utf-8")


def write_text(path: Path, text: str) -> Path:
    """Writes a file so that a reader never sees half of it."""
    unfinished = path.with_name(f"{path.name}.part")
    unfinished.write_text(text, encoding="utf-8")
    return unfinished.replace(path)
