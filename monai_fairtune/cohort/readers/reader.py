"""The seam through which the original download of a dataset becomes a manifest."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["About", "CohortReader", "FoundCohort", "Picture", "option", "options_of"]

Picture = Callable[[Path, str], NDArray[np.generic]]
"""Takes the root and the image's name, returns grey pixels ``(H, W)``; it can be pickled."""


@dataclass(frozen=True)
class About:
    """What a dataset is, and by which rules it is read.

    Args:
        name: what the command line calls it.
        title: for people.
        licence: the licence or terms of use, as the owner names them.
        access: where the download is to be had.
        citation: of the dataset's own paper.
        layout: the files below the root that are read.
        label: what 1 and 0 mean.
        attributes: column of the manifest to what it holds.
        patients: what ``patient_id`` stands for.
        split: where splits come from.
        study: attributes as a study may declare them.
        published: what is counted to how many its owner names, of the whole download.
    """

    name: str
    title: str
    licence: str
    access: str
    citation: str
    layout: str
    label: str
    attributes: Mapping[str, str]
    patients: str
    split: str
    study: tuple[str, ...]
    published: Mapping[str, int]


@dataclass(frozen=True, eq=False, repr=False)
class FoundCohort:
    """What a reader found below a root.

    Args:
        rows: one an image, every column text and blank where missing: ``image`` (its path relative to the root, or
            what ``picture`` knows it by), ``label`` (0 or 1), ``label_name``, ``patient_id``, attributes, ``split``
            only where it is official.
        n_read: how many images the dataset's own tables name: those of ``rows``, and those that were dropped.
        dropped: the reason to how many rows were left out for it.
        missing: images of ``rows`` that are not there.
        surplus: image files that no table names, relative to the root.
        counts: the same keys as ``About.published``.
        tables: the files that rows were read from, relative to the root.
        picture: gets the pixels of an image out of a file that is more than one picture; None where every image is a
            file that ``decode_image`` reads.
        container: the one file that ``picture`` cuts all images out of, relative to the root; None where each image has
            the name of its file.
    """

    rows: pd.DataFrame
    n_read: int
    dropped: Mapping[str, int]
    missing: tuple[str, ...]
    surplus: tuple[str, ...]
    counts: Mapping[str, int]
    tables: tuple[str, ...]
    picture: Picture | None = None
    container: str | None = None


class CohortReader(Protocol):
    """Reads one dataset's original download.

    A reader is a frozen dataclass. Its fields are made by ``option``: every choice that changes a number of a report is
    one, with a default. ``monai_fairtune.testing.readers`` is the conformance suite.
    """

    about: ClassVar[About]

    def read(self, root: Path) -> FoundCohort:
        """Returns what is found below ``root``, which is left as it is.

        Raises:
            ManifestError: if a table is absent, lacks a column or holds a value that is not of this dataset.
            ConfigurationError: if an option does not fit the download, or a package is needed that is not installed.
        """
        ...


def option(default: Any, text: str) -> Any:
    """Returns a dataclass field with a default and the text that the command line shows for it."""
    return field(default=default, metadata={"help": text})


def options_of(reader: CohortReader) -> dict[str, Any]:
    """Returns each option's value."""
    return {each.name: getattr(reader, each.name) for each in dataclasses.fields(reader)}  # type: ignore[arg-type]
