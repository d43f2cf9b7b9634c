"""What a deployed model answered for one image, and what the table of a hospital says of it later."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from monai_fairtune.exceptions import PredictionsError

__all__ = ["COLUMNS", "SCOPES", "Answer", "require_attribute_names"]

SCOPES = ("image", "study", "accession", "patient")
"""What a row of another table may be about, the narrowest first."""

COLUMNS = ("image", "patient", "time", "score", "label")
"""What an audit reads of an answer beside its attributes; none of these may be called so."""

_EARLIEST = datetime(2000, 1, 1, tzinfo=timezone.utc)
_LEEWAY = timedelta(days=1)  # clocks differ, and so do zones that a table leaves out


@dataclass(frozen=True)
class Answer:
    """An answer, as the system that asked for it knows it; the log keeps pseudonyms of all ids.

    Args:
        image: the image's id, such as its SOP Instance UID.
        patient: the patient's id.
        probability: of class 1, in [0, 1].
        time: of the answer, with a zone; from 2000 on, and at most a day ahead of this machine's clock.
        study: the study's id, such as its Study Instance UID; blank where there is none.
        accession: the accession number; blank where there is none.
        attributes: name of a sensitive attribute or a property of the acquisition to its value; blank is missing.

    Raises:
        PredictionsError: if an id is blank, the probability is none, the time has no zone or cannot be true, or an
            attribute has a name that it cannot have.
    """

    image: str = field(repr=False)
    patient: str = field(repr=False)
    probability: float
    time: datetime = field(repr=False)
    study: str = field(default="", repr=False)
    accession: str = field(default="", repr=False)
    attributes: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if not self.image or not self.patient:
            raise PredictionsError("An answer has no id of its image or patient. Give both: a patient counts once.")
        if not (math.isfinite(self.probability) and 0 <= self.probability <= 1):
            raise PredictionsError(f"An answer has the probability {self.probability}. Give a number in [0, 1].")
        if self.time.tzinfo is None:
            raise PredictionsError("The time of an answer has no zone. Give one, such as datetime.now(timezone.utc).")
        if not _EARLIEST <= self.time <= datetime.now(timezone.utc) + _LEEWAY:
            raise PredictionsError(
                f"The time of an answer lies before {_EARLIEST.year} or in the future: it would spoil every audit over "
                "time. Give the time at which the model answered."
            )

        require_attribute_names(self.attributes)

    @property
    def utc(self) -> str:
        """The time as the log writes it, to the second."""
        return self.time.astimezone(timezone.utc).isoformat(timespec="seconds")


def require_attribute_names(names: Iterable[str]) -> None:
    """Refuses what no audit could read.

    Raises:
        PredictionsError: if a name is blank or one of ``COLUMNS``.
    """
    wrong = sorted({name for name in names if not name or name in COLUMNS})
    if wrong:
        raise PredictionsError(
            f"Attributes are called {wrong}: names are not blank, and {', '.join(COLUMNS)} are columns of the log. "
            "Give other names."
        )
