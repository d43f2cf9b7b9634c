"""What is watched: performance and case mix, of all images and of each subgroup."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from monai_fairtune.audit.windows.scored import Scored
from monai_fairtune.exceptions import UndefinedMetricError
from monai_fairtune.metrics import (
    Deviation,
    Direction,
    Judgement,
    Surveillance,
    auroc_deviation,
    score_deviation,
    share_deviation,
)

__all__ = ["Quantity", "judged", "quantities"]

Family = Literal["performance", "case_mix"]
_DIRECTIONS: Mapping[Family, Direction] = {"performance": "lower", "case_mix": "either"}


@dataclass(frozen=True)
class Quantity:
    """A number that is compared with the reference in every window.

    Args:
        family: its alarms are counted together.
        measure: ``auroc``; of the case mix ``share``, ``prevalence`` or ``score``.
        attribute: None for all images.
        subgroup: None for all images, or for those without a recorded value.
    """

    family: Family
    measure: str
    attribute: str | None = None
    subgroup: str | None = None

    def to_dict(self) -> dict[str, object]:
        """Returns plain data for a report."""
        return {
            "family": self.family,
            "measure": self.measure,
            "attribute": self.attribute,
            "subgroup": self.subgroup,
        }


def quantities(scored: Scored, reference: Scored) -> list[Quantity]:
    """Returns what is watched: of a whole table, of every subgroup, and how many images each subgroup has.

    Of two subgroups that the reference has of an attribute one share says all; those that come later have their own.
    """
    found = [Quantity("performance", "auroc"), Quantity("case_mix", "prevalence"), Quantity("case_mix", "score")]
    for attribute in scored.subgroups:
        of_reference, later = reference.cells(attribute), scored.cells(attribute)
        cells = list(dict.fromkeys([*of_reference, *later]))
        shares = cells if len(of_reference) > 2 else [cell for cell in cells if cell not in of_reference[1:]]
        names = [cell for cell in cells if cell is not None]
        found += [Quantity("performance", "auroc", attribute, name) for name in names]
        found += [Quantity("case_mix", "share", attribute, cell) for cell in shares]
        found += [
            Quantity("case_mix", measure, attribute, name) for name in names for measure in ("prevalence", "score")
        ]
    return found


def judged(
    windows: Sequence[Scored | None],
    reference: Scored,
    watched: Sequence[Quantity],
    rule: Surveillance,
    min_per_class: int,
) -> Iterator[list[dict[str, Any]]]:
    """Yields what each window's tests find: a mapping a quantity, with the reason where one cannot be tested.

    Args:
        windows: in the order of time; None for a window that is not tested.
        reference: what they are held against.
        watched: the quantities.
        rule: when a deviation is an alarm.
        min_per_class: the fewest positives and negatives for an AUROC, and patients for scores.
    """
    found = {quantity: _course(quantity, windows, reference, min_per_class) for quantity in watched}
    judgements: dict[Quantity, list[Judgement | None]] = {}
    for family, direction in _DIRECTIONS.items():
        of_family = {
            quantity: [None if isinstance(each, str) else each for each in row]
            for quantity, row in found.items()
            if quantity.family == family
        }
        judgements |= rule.judge(of_family, direction)
    for k, window in enumerate(windows):
        yield (
            []
            if window is None
            else [quantity.to_dict() | _told(found[quantity][k], judgements[quantity][k]) for quantity in watched]
        )


def _course(
    quantity: Quantity, windows: Sequence[Scored | None], reference: Scored, min_per_class: int
) -> list[Deviation | str]:
    """Returns a quantity's deviations; of a share only once its subgroup was seen, so that earlier limits stay."""
    is_seen = quantity.measure != "share" or _has(reference, quantity)
    found: list[Deviation | str] = []
    for window in windows:
        if window is None:
            found.append("")
            continue
        is_seen = is_seen or _has(window, quantity)
        found.append(_deviation(quantity, window, reference, min_per_class) if is_seen else "No image is of it so far.")
    return found


def _has(images: Scored, quantity: Quantity) -> bool:
    return quantity.attribute is not None and bool(images.member(quantity.attribute, quantity.subgroup).any())


def _deviation(quantity: Quantity, window: Scored, reference: Scored, min_per_class: int) -> Deviation | str:
    """Returns how far a quantity has moved, or why that is not known."""
    try:
        if quantity.measure == "share" and quantity.attribute is not None:
            shares = [each.member(quantity.attribute, quantity.subgroup) for each in (window, reference)]
            return share_deviation(shares[0], window.patients, shares[1], reference.patients)
        now, before = (
            each if quantity.attribute is None else each.take(each.member(quantity.attribute, quantity.subgroup))
            for each in (window, reference)
        )  # empty where a subgroup is new or gone
        if quantity.measure == "score":
            return score_deviation(now.images, before.images, min_per_class)
        now, before = (each.take(each.labelled) for each in (now, before))
        if quantity.measure == "auroc":
            return auroc_deviation(now.images, before.images, min_per_class)
        return share_deviation(now.labels == 1, now.patients, before.labels == 1, before.patients)
    except UndefinedMetricError as error:
        return str(error)


def _told(found: Deviation | str, judgement: Judgement | None) -> dict[str, object]:
    if isinstance(found, str) or judgement is None:
        return {"value": None, "reason": found}
    return {"value": found.value, "reference": found.reference} | judgement.to_dict()
