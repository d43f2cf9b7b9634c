"""A stored result, read: methods by name, values with their reasons."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from monai_fairtune.exceptions import ConfigurationError
from monai_fairtune.report.wording import isolate, shorten

__all__ = ["Method", "Reading", "Stated", "load_result", "objective_value", "stated", "worst_group"]

SCHEMA = 1


@dataclass(frozen=True)
class Stated:
    """A value of a report: a number, or the reason why there is none.

    Args:
        value: the number, or None.
        reason: why it is None; blank where it is a number.
        low: lower end of its interval, where one is stored.
        high: upper end of its interval, where one is stored.
        subgroup: the subgroup it belongs to, for worst-group measures.
    """

    value: float | None
    reason: str = ""
    low: float | None = None
    high: float | None = None
    subgroup: str | None = None


def stated(entry: object) -> Stated:
    """Reads one value, be it a number, null, absent, or a mapping with ``value`` or ``reason``.

    Example:
        >>> stated({"value": None, "reason": "no positives"})
        Stated(value=None, reason='no positives', low=None, high=None, subgroup=None)
        >>> stated(0.5).value
        0.5
    """
    if isinstance(entry, Mapping):
        value = _finite(entry.get("value"))
        reason = "" if value is not None else str(entry.get("reason") or "no reason was recorded")
        subgroup = entry.get("subgroup")
        return Stated(
            value,
            reason,
            _finite(entry.get("low")),
            _finite(entry.get("high")),
            subgroup if isinstance(subgroup, str) else None,
        )
    value = _finite(entry)
    return Stated(value, "" if value is not None else "not recorded in result.json")


def _finite(entry: object) -> float | None:
    if isinstance(entry, bool) or not isinstance(entry, int | float) or not math.isfinite(entry):
        return None
    return float(entry)


def load_result(path: Path) -> dict[str, Any]:
    """Returns the object in ``result.json``; numbers that are not finite are read as absent.

    Raises:
        ConfigurationError: if the file is absent, is no JSON object, or has another schema.
    """
    if not path.is_file():
        raise ConfigurationError(f"There is no {path.name} in {path.parent}. Give the output_dir of a finished search.")
    try:
        result = json.loads(path.read_text(encoding="utf-8"), parse_constant=lambda _: None)
    except ValueError as error:
        raise ConfigurationError(f"{path} is not JSON: {error}. Run the search again, or restore the file.") from error
    if not isinstance(result, dict) or result.get("schema") != SCHEMA:
        found = result.get("schema") if isinstance(result, dict) else type(result).__name__
        raise ConfigurationError(
            f"{path} has schema {found!r}, and this version reads schema {SCHEMA}. "
            "Write the report with the version of monai-fairtune that ran the search."
        )
    return result


def worst_group(report: Mapping[str, Any], attributes: Iterable[str]) -> tuple[Stated, str]:
    """Returns the lowest worst-group AUROC over several attributes, and the attribute that it belongs to.

    If it is undefined for one attribute, it is undefined for all of them together.
    """
    found = [(stated(_attribute(report, name).get("worst_group_auroc")), name) for name in attributes]
    for value, name in found:
        if value.value is None:
            return value, name
    return min(found, key=lambda pair: cast("float", pair[0].value))


def _attribute(report: Mapping[str, Any], attribute: str) -> Mapping[str, Any]:
    return (report.get("attributes") or {}).get(attribute) or {}


def objective_value(report: Mapping[str, Any] | None, objective: str, attributes: Iterable[str]) -> Stated:
    """Returns the objective's value on a stored report: what the search optimised, computed on another split.

    Args:
        report: a report object, or None where the split was not assessed.
        objective: an objective's name, such as ``"worst_group_auroc"``.
        attributes: the attributes that entered the objective.
    """
    if not report:
        return Stated(None, "this split was not assessed for this method")
    names = list(attributes)
    if objective in {"overall_auroc", "overall_accuracy"}:
        return stated(report["overall"].get(objective.removeprefix("overall_")))
    if objective == "worst_group_accuracy":
        return _extreme([v for name in names for v in _by_subgroup(report, name, "accuracy")], min)
    if objective == "accuracy_gap":
        return _extreme([_gap(_by_subgroup(report, name, "accuracy")) for name in names], max)
    pick = min if objective == "worst_group_auroc" else max
    return _extreme([stated(_attribute(report, name).get(objective)) for name in names], pick)


def _by_subgroup(report: Mapping[str, Any], attribute: str, measure: str) -> list[Stated]:
    subgroups = _attribute(report, attribute).get("subgroups") or {}
    return [Stated(stated(s.get(measure)).value, stated(s.get(measure)).reason, subgroup=n) for n, s in subgroups.items()]


def _extreme(values: list[Stated], pick: Any) -> Stated:
    for value in values:
        if value.value is None:
            return value
    return cast("Stated", pick(values, key=lambda v: v.value)) if values else Stated(None, "no subgroup was assessed")


def _gap(values: list[Stated]) -> Stated:
    low, high = _extreme(values, min), _extreme(values, max)
    return low if low.value is None or high.value is None else Stated(high.value - low.value)


@dataclass(frozen=True)
class Method:
    """One row of the comparison: a fixed method, or the mask that the search settled on.

    Args:
        name: as shown, such as ``"head only"`` or ``"found mask"``.
        chosen: whether this is the final model.
        trained_share: trained share of the network's parameters, from 0 to 1.
        validation: the objective on validation, as the search saw it.
        selection: the objective on selection, averaged over seeds where several were trained.
        reports: report objects by split.
        gaps: the fairness generalization gaps by attribute.
        epochs: training curves.
    """

    name: str
    chosen: bool
    trained_share: float | None
    validation: Stated
    selection: Stated
    reports: Mapping[str, Mapping[str, Any]] = field(repr=False)
    gaps: Mapping[str, Mapping[str, Any]] = field(repr=False)
    epochs: tuple[Mapping[str, Any], ...] = field(repr=False)

    def attribute(self, split: str, attribute: str) -> Mapping[str, Any]:
        """Returns what the report of a split says about one attribute; empty where the split was not assessed."""
        return _attribute(self.reports.get(split) or {}, attribute)

    def subgroup(self, split: str, attribute: str, subgroup: str, measure: str) -> Stated:
        """Returns one measure of one subgroup."""
        return stated(((self.attribute(split, attribute).get("subgroups") or {}).get(subgroup) or {}).get(measure))

    def measure(self, split: str, attribute: str, measure: str) -> Stated:
        """Returns one measure of one attribute, such as ``"auroc_gap"``."""
        return stated(self.attribute(split, attribute).get(measure))

    def overall(self, split: str, measure: str) -> Stated:
        """Returns one measure over all samples of a split."""
        return stated(((self.reports.get(split) or {}).get("overall") or {}).get(measure))


_SPLITS = ("train", "validation", "selection", "test")


@dataclass(frozen=True)
class Reading:
    """A result with its methods in one form.

    Args:
        raw: the object of ``result.json``.
    """

    raw: Mapping[str, Any]

    @property
    def attributes(self) -> tuple[str, ...]:
        """The declared attributes, the main one first."""
        return tuple(self.raw.get("attributes") or [self.raw["attribute"]])

    @property
    def objective(self) -> str:
        """The objective's name."""
        return str(self.raw["objective"])

    @property
    def maximize(self) -> bool:
        """Whether a larger value of the objective is better."""
        return bool(self.raw.get("objective_direction", "maximize") != "minimize")

    def subgroups(self, attribute: str) -> tuple[str, ...]:
        """Returns the subgroups of an attribute, in the order of the final model's test report."""
        return tuple(self.final.attribute("test", attribute).get("subgroups") or {})

    def class_words(self, label: int) -> str:
        """Returns how a sentence names class 0 or 1."""
        names = (self.raw.get("cohort") or {}).get("class_names") or []
        name = str(names[label]) if len(names) > label else ""
        return f"class {label}" if name in {"", str(label)} else f"class {label} ({isolate(shorten(name, 40))})"

    def better(self, value: float, than: float) -> bool:
        """Returns whether one value of the objective is better than another."""
        return value > than if self.maximize else value < than

    @cached_property
    def searched(self) -> list[Mapping[str, Any]]:
        """The trials that the sampler drew, anchors left out."""
        return [trial for trial in self.raw.get("trials") or [] if trial.get("kind") != "anchor"]

    @cached_property
    def chosen_finalist(self) -> Mapping[str, Any]:
        """The finalist that became the final model; empty where none is recorded."""
        return next((f for f in self.raw.get("finalists") or [] if f.get("chosen")), {})

    @cached_property
    def final(self) -> Method:
        """The final model."""
        raw, finalist = self.raw, self.chosen_finalist
        method = str(raw["method"])
        return Method(
            name=method if method == "found mask" else f"chosen: {method}",
            chosen=True,
            trained_share=_finite(raw.get("trained_share")),
            validation=self._value(finalist.get("value"), raw.get("validation")),
            selection=self._value(finalist.get("selection_value"), raw.get("selection")),
            reports={split: raw[split] for split in _SPLITS if raw.get(split)},
            gaps=raw.get("fairness_generalization_gap") or {},
            epochs=tuple(raw.get("epochs") or ()),
        )

    @cached_property
    def anchors(self) -> tuple[Method, ...]:
        """The fixed methods, in the order in which they were tried."""
        return tuple(self._anchor(anchor) for anchor in self.raw.get("anchors") or [])

    def _anchor(self, anchor: Mapping[str, Any]) -> Method:
        confirmed = next(
            (f for f in self.raw.get("finalists") or [] if f.get("trial") == anchor.get("trial")), cast("Mapping[str, Any]", {})
        )
        return Method(
            name=str(anchor["name"]),
            chosen=False,
            trained_share=_finite(anchor.get("trained_share")),
            validation=self._value(anchor.get("value"), anchor.get("validation")),
            selection=self._value(confirmed.get("selection_value"), anchor.get("selection")),
            reports={split: anchor[split] for split in _SPLITS if anchor.get(split)},
            gaps=anchor.get("fairness_generalization_gap") or {},
            epochs=tuple(anchor.get("epochs") or ()),
        )

    def _value(self, recorded: object, report: Mapping[str, Any] | None) -> Stated:
        value = _finite(recorded)
        return Stated(value) if value is not None else objective_value(report, self.objective, self.attributes)

    @cached_property
    def methods(self) -> tuple[Method, ...]:
        """Every method of the comparison, the final model last."""
        return (*self.anchors, self.final)

    @cached_property
    def best_fixed(self) -> Method | None:
        """The fixed method with the best objective on validation, among those above the utility floor if there are any.

        Chosen on validation, never on test: otherwise the comparison would favour the fixed methods.
        """
        infeasible = {t.get("name") for t in self.raw.get("trials") or [] if t.get("feasible") is False}
        valued = [anchor for anchor in self.anchors if anchor.validation.value is not None]
        allowed = [anchor for anchor in valued if anchor.name not in infeasible] or valued
        sign = 1 if self.maximize else -1
        return max(allowed, key=lambda anchor: sign * cast("float", anchor.validation.value), default=None)

    def anchor(self, name: str) -> Method | None:
        """Returns the anchor of that name, or None."""
        return next((anchor for anchor in self.anchors if anchor.name == name), None)
