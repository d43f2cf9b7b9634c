"""Everything that the page of an audit shows, as data for the template."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from monai_fairtune.report.audit.clinician import headline, story
from monai_fairtune.report.audit.engineer import engineer, macro_tables
from monai_fairtune.report.audit.harm import harm_table, overview_table
from monai_fairtune.report.audit.model_card import card_sentences
from monai_fairtune.report.audit.noted import notes_table, small_numbers
from monai_fairtune.report.audit.over_time import over_time
from monai_fairtune.report.audit.plain_limits import plain_limits
from monai_fairtune.report.audit.reading import Audit
from monai_fairtune.report.audit.regulator import (
    attributes_table,
    formal_limits,
    origin,
    told_tests,
)
from monai_fairtune.report.drawn import DrawnPlot
from monai_fairtune.report.limits import assessment_words
from monai_fairtune.report.names import attribute_words
from monai_fairtune.report.wording import enumerate_words, printable, shorten

__all__ = ["audit_context"]


def audit_context(audit: Audit, plots: Mapping[str, DrawnPlot], artifacts: Mapping[str, str]) -> dict[str, Any]:
    """Returns the variables of ``audit.html``.

    Args:
        audit: the stored audit.
        plots: drawn, by key.
        artifacts: hashes of the files that are written before the page.
    """
    about = enumerate_words([attribute_words(attribute) for attribute in audit.first.attributes]) or "subgroups"
    file = str(audit.source.get("file") or "")
    return {
        "title": f"Audit of {shorten(file, 80)} by {about}" if file else f"Audit by {about}",
        "created": str(audit.about.get("created") or "").replace("T", " ").replace("+00:00", " UTC"),
        "version": str((audit.about.get("versions") or {}).get("monai_fairtune", "")),
        "several": len(audit.parts) > 1,
        "kind": {"multiclass": "one of several classes", "multilabel": "several findings"}.get(audit.kind, ""),
        "macro": [
            {"words": words, "table": table, "plot": plots.get("macro" + (f"_{k + 1}" if k else ""))}
            for k, (words, table) in enumerate(macro_tables(audit))
        ],
        "clinician": [
            {
                "name": part.name,
                "headline": headline(part),
                "story": story(part),
                "harm": harm_table(part),
                "plot": plots.get(part.keyed("harm")),
            }
            for part in audit.parts
        ],
        "over_time": over_time(audit, plots),
        "overview": overview_table(audit),
        "plain_limits": plain_limits(audit),
        "engineer": [engineer(part, plots) for part in audit.parts],
        "notes": [printable(str(note)) for note in audit.about.get("notes") or []],
        "origin": origin(audit),
        "attributes": attributes_table(audit),
        "tests": told_tests(audit),
        "small_numbers": small_numbers(audit),
        "noted": notes_table(audit),
        "formal_limits": formal_limits(audit),
        "card": [sentence for part in audit.parts for sentence in card_sentences(part)],
        "artifacts": list(artifacts.items()),
        "words": assessment_words(),
    }
