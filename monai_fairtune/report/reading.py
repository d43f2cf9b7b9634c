"""A stored result, read: methods by name, and what they are compared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

from monai_fairtune.report.stored import SPLITS, Stated, attribute_of, finite, objective_value, stated
from monai_fairtune.report.wording import isolate, shorten

__all__ = ["Method", "Reading"]


@dataclass(frozen=True)
class Method:
    """One row of the comparison: a fixed method, or the mask that the search settled on.

    Args:
        name: as shown, such as ``"head only"`` or ``"found mask"``.
        chosen: whether this is the final model.
        trained_share: trained share of the network's parameters, from 0 to 1.
        validation: the objective on validation, as the search saw it.
        selection: the objective on selection: of the chosen finalist its mean over seeds, of a fixed method that of
            the model which the other columns describe.
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
        return attribute_of(self.reports.get(split) or {}, attribute)

    def subgroup(self, split: str, attribute: str, subgroup: str, measure: str) -> Stated:
        """Returns one measure of one subgroup."""
        return stated(((self.attribute(split, attribute).get("subgroups") or {}).get(subgroup) or {}).get(measure))

    def measure(self, split: str, attribute: str, measure: str) -> Stated:
        """Returns one measure of one attribute, such as ``"auroc_gap"``."""
        return stated(self.attribute(split, attribute).get(measure))

    def overall(self, split: str, measure: str) -> Stated:
        """Returns one measure over all samples of a split."""
        return stated(((self.reports.get(split) or {}).get("overall") or {}).get(measure))


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
        """The trials that the sampler drew, anchors and repeats left out."""
        return [trial for trial in self.raw.get("trials") or [] if trial.get("kind") not in ("anchor", "repeat")]

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
            trained_share=finite(raw.get("trained_share")),
            validation=self._value(finalist.get("value"), raw.get("validation")),
            selection=self._value(finalist.get("selection_value"), raw.get("selection")),
            reports={split: raw[split] for split in SPLITS if raw.get(split)},
            gaps=raw.get("fairness_generalization_gap") or {},
            epochs=tuple(raw.get("epochs") or ()),
        )

    @cached_property
    def anchors(self) -> tuple[Method, ...]:
        """The fixed methods, in the order in which they were tried."""
        return tuple(self._anchor(anchor) for anchor in self.raw.get("anchors") or [])

    def _anchor(self, anchor: Mapping[str, Any]) -> Method:
        return Method(
            name=str(anchor["name"]),
            chosen=False,
            trained_share=finite(anchor.get("trained_share")),
            validation=self._value(anchor.get("value"), anchor.get("validation")),
            selection=objective_value(anchor.get("selection"), self.objective, self.attributes),
            reports={split: anchor[split] for split in SPLITS if anchor.get(split)},
            gaps=anchor.get("fairness_generalization_gap") or {},
            epochs=tuple(anchor.get("epochs") or ()),
        )

    def _value(self, recorded: object, report: Mapping[str, Any] | None) -> Stated:
        value = finite(recorded)
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
