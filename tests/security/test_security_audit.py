"""The audit of dependencies fails on a vulnerability alone, and never passes off silence as none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

AUDIT = Path(__file__).parents[2] / ".ci" / "audit"
CLEAN = {"name": "torch", "version": "2.8.0", "vulns": []}
SKIPPED = {"name": "monai", "skip_reason": "Dependency not found on PyPI"}
KNOWN = {"name": "pillow", "version": "9.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["9.1"]}]}


def audit(folder: Path, answer: str | None) -> tuple[int, str]:
    """Runs the audit with a pip-audit that gives this answer, or without one."""
    if answer is not None:
        (folder / "answer").write_text(answer)
        program = folder / "pip-audit"
        program.write_text(f"#!/bin/sh\n/bin/cat {folder}/answer\nexit 1\n")
        program.chmod(0o755)
    ran = subprocess.run(
        [sys.executable, str(AUDIT)], env=os.environ | {"PATH": str(folder)}, capture_output=True, text=True
    )
    assert ran.stderr == ""
    return ran.returncode, ran.stdout.strip()


@pytest.mark.parametrize(
    ("found", "code", "said"),
    [
        ([CLEAN, CLEAN, SKIPPED], 0, "2 of 3 packages audited: no known vulnerabilities."),
        ([CLEAN, SKIPPED, KNOWN], 1, "pillow 9.0: PYSEC-1 (fixed in 9.1)"),
        ([SKIPPED, SKIPPED, KNOWN], 1, "pillow 9.0: PYSEC-1 (fixed in 9.1)"),
        (
            [SKIPPED, SKIPPED],
            0,
            "Not audited: the database of vulnerabilities knew 0 of 2 packages, or was not reached.",
        ),
    ],
)
def test_what_is_known_and_what_is_not_are_told_apart(
    found: list[dict[str, Any]], code: int, said: str, tmp_path: Path
) -> None:
    assert audit(tmp_path, json.dumps({"dependencies": found})) == (code, said)


def test_without_a_database_or_a_program_it_says_so_and_does_not_fail(tmp_path: Path) -> None:
    code, said = audit(tmp_path, None)
    assert (code, said[:11]) == (0, "Not audited")
    code, said = audit(tmp_path, "")
    assert (code, said[:11]) == (0, "Not audited")
