"""The machine-readable appendix: hashes of every artifact, and where each number comes from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from monai_fairtune.report.audit.reading import Audit
from monai_fairtune.report.audit.regulator import count_tests
from monai_fairtune.report.measures import COMPARISONS, MEASURES
from monai_fairtune.report.stored import Stated, stated

__all__ = ["appendix", "hashes"]


def hashes(folder: Path, paths: Iterable[Path]) -> dict[str, str]:
    """Returns the SHA-256 of files, by their path within a folder."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(paths)
    }


def appendix(audit: Audit, artifacts: Mapping[str, str]) -> str:
    """Returns the content of ``appendix.json``.

    Args:
        audit: what was reported.
        artifacts: hashes of the files that belong to the report.
    """
    content = {
        "schema": 1,
        "algorithm": "SHA-256",
        "artifacts": dict(artifacts),
        "source": dict(audit.source),
        "created": audit.about.get("created"),
        "versions": audit.about.get("versions") or {},
        "intervals": audit.first.raw.get("intervals"),
        "tests": {**count_tests(audit), "corrections": ["Holm within attribute", "max-T within attribute"]},
        "suppress_below": audit.below,
        "numbers": [*_numbers(audit), *(_means(audit.raw["macro"]) if audit.macro else ())],
    }
    return json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _numbers(audit: Audit) -> Iterator[dict[str, Any]]:
    for part in audit.parts:
        base = ["classes", part.name] if part.name else []
        raw = part.assessed.raw
        yield from _measured([*base, "overall"], raw.get("overall") or {}, raw)
        for attribute in part.assessed.attributes:
            entry, path = part.assessed.attribute(attribute), [*base, "attributes", attribute]
            for measure in COMPARISONS:
                if measure in entry:
                    yield _number([*path, measure], stated(entry[measure]))
            for name in part.assessed.subgroups(attribute):
                values = part.assessed.entry(attribute, name)
                yield from _measured([*path, "subgroups", name], values, values)


def _means(macro: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yields the means over classes."""
    yield _number(["macro", "auroc"], stated(macro.get("auroc")))
    for attribute, entry in (macro.get("attributes") or {}).items():
        for name, values in (entry.get("subgroups") or {}).items():
            yield _number(["macro", "attributes", attribute, "subgroups", name, "auroc"], stated(values.get("auroc")))
        for measure in ("worst_group_auroc", "auroc_gap"):
            yield _number(["macro", "attributes", attribute, measure], stated(entry.get(measure)))


def _measured(path: list[str], values: Mapping[str, Any], counts: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for measure in MEASURES:
        if measure in values:
            yield {**_number([*path, measure], stated(values[measure])), "n": counts.get("n")}


def _number(path: list[str], value: Stated) -> dict[str, Any]:
    pointer = "/" + "/".join(part.replace("~", "~0").replace("/", "~1") for part in path)
    found: dict[str, Any] = {"pointer": pointer, "value": value.value, "low": value.low, "high": value.high}
    told = {"interval": value.method, "reason": value.reason, "note": value.note}
    return found | {key: text for key, text in told.items() if text}
