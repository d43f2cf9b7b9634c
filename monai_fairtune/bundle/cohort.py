"""The cohort of a config."""

from __future__ import annotations

from pathlib import Path

from monai_fairtune.bundle.options import number, numbers, optional, text, texts, whole
from monai_fairtune.cohort import Cohort
from monai_fairtune.exceptions import AttributeDeclarationError, ManifestError
from monai_fairtune.subgroups import SensitiveAttribute

__all__ = ["load_cohort"]


def load_cohort(
    manifest: object,
    attribute: object,
    *,
    data_root: object = None,
    split_fractions: object = None,
    split_by: object = None,
    split_file: object = None,
    train_fraction: object = 1.0,
    where: object = None,
    seed: object = 0,
) -> Cohort:
    """Returns the cohort that a config's options describe; nothing is decoded yet.

    The arguments are those of :meth:`Cohort.from_manifest`, as a config or a command line gives them.

    Args:
        manifest: path of the CSV.
        attribute: one declaration or a list of them.
        data_root: what image paths are relative to; null means the manifest's folder.
        split_fractions: three shares, or null to keep the manifest's splits.
        split_by: the rows to test on, such as ``"site=B"``; null draws them, or keeps the manifest's.
        split_file: path of an earlier ``splits.csv``, or null.
        train_fraction: share of the training patients to keep.
        where: keeps matching rows, such as ``"plane=axial"``; null keeps all.
        seed: of the splits.

    Raises:
        InputError: if an option, the manifest, an attribute or a split cannot be used.
    """
    path = optional(text, "manifest", manifest)
    if path is None:
        raise ManifestError("No manifest is given. Name a CSV with image, label and patient_id: --manifest FILE.csv.")
    declarations = optional(texts, "attribute", attribute)
    if declarations is None:
        raise AttributeDeclarationError("No sensitive attribute is given. Name at least one: --attribute sex.")
    root, file = (optional(text, name, given) for name, given in (("data_root", data_root), ("split_file", split_file)))
    return Cohort.from_manifest(
        Path(path).expanduser(),
        SensitiveAttribute.parse_all(declarations),
        data_root=None if root is None else Path(root).expanduser(),
        split_fractions=optional(numbers, "split_fractions", split_fractions),
        split_by=optional(text, "split_by", split_by),
        split_file=None if file is None else Path(file).expanduser(),
        train_fraction=number("train_fraction", train_fraction),
        where=optional(text, "where", where),
        seed=whole("seed", seed),
    )
