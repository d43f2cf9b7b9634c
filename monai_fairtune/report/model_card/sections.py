"""The sections of a model card, in the order in which they are read."""

from __future__ import annotations

from collections.abc import Sequence

from monai_fairtune.report.answer import answer
from monai_fairtune.report.assessed import Assessed
from monai_fairtune.report.cautions import cautions, has_intervals, has_small_counts
from monai_fairtune.report.cohort_card import datasheet
from monai_fairtune.report.comparison import against_best_fixed
from monai_fairtune.report.limits import assessment_words, limits, method_sentences
from monai_fairtune.report.luck import luck_sentences
from monai_fairtune.report.model_card.reading import ModelFacts, Section
from monai_fairtune.report.names import attribute_words
from monai_fairtune.report.operating_point import operating_point
from monai_fairtune.report.table_assessment import gaps_table, measures_table
from monai_fairtune.report.table_cohort import cohort_table
from monai_fairtune.report.table_comparison import levelling_table
from monai_fairtune.report.table_setup import mask_rows, preparation_rows
from monai_fairtune.report.tables import Cell, Table
from monai_fairtune.report.wording import enumerate_words, percent, printable, shorten

__all__ = ["card_sections"]

_SHOWN = {
    "discrimination": ("auroc",),
    "at the threshold": ("tpr", "fpr", "ppv", "fn_per_1000", "fp_per_1000"),
    "probabilities": ("calibration_slope",),
}
_UNSTATED = "No use was stated when the model was exported. Take it as made for research alone."
_ASSESSED = (
    "Differences between recorded subgroups were assessed and mitigated. That does not show that the model treats "
    "everybody alike, and it is no clinical evidence."
)


def card_sections(facts: ModelFacts) -> list[Section]:
    """Returns everything that a model card says below its title."""
    return [
        _use(facts),
        Section("cautions", "Cautions", items=[*cautions(facts.reading), *_small(facts)]),
        _performance(facts),
        _data(facts),
        _method(facts),
        Section("limits", "What cannot be concluded", items=limits(facts.reading)),
        _files(facts),
        Section("words", "Words", facts=assessment_words()),
    ]


def _use(facts: ModelFacts) -> Section:
    use, raw = facts.intended_use, facts.reading.raw
    network = raw["network"]
    size, channels = network["image_size"], {1: "one channel", 3: "three channels"}
    n_channels = raw["preprocessing"]["n_channels"]
    return Section(
        "use",
        "Intended use",
        [printable(use["statement"]) or _UNSTATED, _ASSESSED],
        [
            ("tells apart", f"{facts.reading.class_words(1)} from {facts.reading.class_words(0)}"),
            ("modality", _any(use["modalities"])),
            ("body part", _any(use["body_parts"])),
            ("view", _any(use["views"])),
            ("besides images as acquired", printable(enumerate_words(list(use["allows"]))) or "none"),
            ("shorter side of an image", f"at least {use['min_side']} pixels"),
            ("input", f"{size} by {size} pixels, {channels.get(n_channels, f'{n_channels} channels')}, in [0, 1]"),
            ("preparation of images", _told(raw["preprocessing"])),
            ("operating point", operating_point(facts.reading)),
        ],
    )


def _small(facts: ModelFacts) -> list[str]:
    if not has_small_counts(facts.reading):
        return []
    return ["This card holds counts below ten: check your rules on small numbers before you pass it on."]


def _any(allowed: Sequence[str]) -> str:
    return printable(enumerate_words(list(allowed))) or "any"


def _told(entries: dict[str, object]) -> str:
    shown = {name: value for name, value in entries.items() if name not in ("version", "image_size", "n_channels")}
    return printable("; ".join(f"{name.replace('_', ' ')}: {value}" for name, value in shown.items()))


def _performance(facts: ModelFacts) -> Section:
    test = Assessed(facts.reading.final.reports.get("test") or {})
    tables = [
        measures_table(test, name, f"subgroups-{k}", f"On the test split by {attribute_words(name)}", _SHOWN)
        for k, name in enumerate(test.attributes, 1)
    ]
    paragraphs = [answer(facts.reading)]
    if has_intervals(test.raw):
        tables.append(gaps_table(test, "gaps"))
        paragraphs.append(f"Below each value stands its {test.level} interval, resampled by patient.")
    compared = against_best_fixed(facts.reading)
    if compared is not None:
        lost = [levelling_table(compared, name, f"levelling-{k}") for k, name in enumerate(test.attributes, 1)]
        tables += [table for table in lost if table is not None]
    return Section("performance", "Performance by subgroup", paragraphs, tables=tables)


def _data(facts: ModelFacts) -> Section:
    cohort = facts.reading.raw.get("cohort") or {}
    counted = cohort_table(facts.reading)
    told = [str(cohort.get("split_rule") or ""), f"Rows: {cohort['where']}." if cohort.get("where") else ""]
    card = facts.cohort
    if card is None:
        known = preparation_rows(facts.reading)
    else:
        known = [*datasheet.motivation(card), *datasheet.collection(card), *datasheet.distribution(card)]
    return Section(
        "data",
        "Data",
        [printable(text) for text in told if text],
        [*known, ("hash of the cohort", str(facts.reading.raw.get("cohort_hash") or "not recorded"))],
        [] if counted is None else [counted],
    )


def _method(facts: ModelFacts) -> Section:
    reading = facts.reading
    tuned, frozen, always = mask_rows(reading)
    network, rate = reading.raw["network"], (reading.raw.get("hyperparameters") or {}).get("learning_rate")
    return Section(
        "method",
        "How it was found",
        [" ".join(method_sentences(reading)), *luck_sentences(reading)],
        [
            ("network", f"{network['backbone']}, {network['n_parameters']} parameters"),
            ("SHA-256 of its pretrained weights", str(network["backbone_sha256"])),
            ("tuned components", _listed(tuned)),
            ("frozen components", _listed(frozen)),
            ("always tuned", _listed(always)),
            ("trained share", percent(reading.final.trained_share)),
            ("learning rate", "not recorded" if rate is None else f"{rate:.3g}"),
            ("reads of the test split", str(reading.raw.get("test_reads"))),
            ("searched", str(reading.raw.get("created") or "at an unknown time")),
        ],
    )


def _listed(names: Sequence[str]) -> str:
    return printable(shorten(enumerate_words(list(names)), 2000)) or "none"


def _files(facts: ModelFacts) -> Section:
    table = Table("files", "SHA-256 of each file", ["file", "SHA-256"])
    for name, sha256 in facts.sha256.items():
        table.add(name, [Cell(sha256, numeric=False)])
    return Section(
        "files",
        "Licence and files",
        [
            "The licence file tells the terms of what is handed out here. The backbone's weights, and the data that "
            "the model was tuned on, may have terms of their own.",
            facts.checked,
        ],
        [
            ("authors", printable(facts.authors)),
            *((f"version of {name}", version) for name, version in facts.versions.items()),
        ],
        [table],
    )
