"""``monai-fairtune check-config``: what a bundle config would execute."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monai_fairtune.exceptions import ConfigurationError

if TYPE_CHECKING:
    from monai_fairtune.bundle.config_check import ConfigCheck

__all__ = ["add_parser"]


def add_parser(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "check-config",
        help="list what MONAI bundle configs would execute, refuse what lies outside an allow-list",
        description="A MONAI bundle config is code. This reads configs as data and lists every target, expression, "
        "import, macro and reference, and texts that name code. Exit code 2 if one lies outside the allow-list or "
        "does more than a small grammar allows. It helps a reviewer and is no sandbox: run configs that you trust.",
    )
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help="YAML and JSON files that are run together, or a bundle's folder"
    )
    parser.add_argument(
        "--allow",
        action="append",
        default=[],
        metavar="PREFIX",
        help="a dotted prefix that is allowed as well, or an attribute after a dot",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Runs the command."""
    from monai_fairtune.bundle.config_check import check_config
    from monai_fairtune.predictions import printable

    check = check_config([Path(name) for name in options.files], allow=options.allow)
    print(json.dumps(check.to_dict(), indent=1) if options.json else _text(check))
    if check.refused:
        first = check.refused[0]
        raise ConfigurationError(
            f"{len(check.refused)} of {len(check.findings)} entries are refused, first {first.entry.id!r} of "
            f"{first.entry.file!r}: {printable(str(first.refusal))}. "
            "Read them, and correct the config or give --allow PREFIX."
        )
    return 0


def _text(check: ConfigCheck) -> str:
    from monai_fairtune.predictions import printable

    lines = []
    file = None
    for finding in check.findings:
        entry = finding.entry
        if entry.file != file:
            file = entry.file
            lines.append(printable(file))
        verdict = "allowed" if finding.refusal is None else "REFUSED"
        lines.append(f"  {verdict}  {entry.kind:<10}  {printable(f'{entry.id}: {entry.text}')}")
        lines += [] if finding.refusal is None else [f"           {printable(finding.refusal)}"]
    return "\n".join([*lines, f"{len(check.findings)} entries, {len(check.refused)} refused."])
