"""What an exported model says of itself: plain data from which it is built, and what it is for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from monai_fairtune.cohort import Preprocessing
from monai_fairtune.deploy.classifier import IntendedUse
from monai_fairtune.exceptions import ConfigurationError, FairTuneError, WeightsError

__all__ = ["KEY", "ModelDescription", "refuse_config_code"]

KEY = "fairtune"
"""Where ``metadata.json`` holds the description."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
_SHAPE = ("image_size", "n_channels")
_VERSION = re.compile(r"\d+(\.\d+){1,3}([.+-]?[0-9A-Za-z]+)*")


@dataclass(frozen=True)
class ModelDescription:
    """A model without its weights.

    Attributes:
        name: of the bundle.
        version: of the bundle, such as ``"0.1.0"``.
        network: arguments of ``FairTuneNetwork`` that build it, weights left out.
        preprocessing: as ``Preprocessing.to_dict`` gives it.
        class_names: of class 0 and class 1.
        threshold: the probability from which an image is called class 1, in [0, 1].
        intended_use: which images it may answer for.

    Raises:
        ConfigurationError: if a value cannot be used.
    """

    name: str
    version: str
    network: Mapping[str, Any]
    preprocessing: Mapping[str, Any]
    class_names: tuple[str, str]
    threshold: float
    intended_use: IntendedUse

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ConfigurationError(
                f"The name is {self.name!r}. Give letters, digits, hyphens and underscores: --name skin_lesions."
            )
        if not _VERSION.fullmatch(self.version):
            raise ConfigurationError(f"The version is {self.version!r}. Give numbers: --version 0.1.0.")
        if not 0 <= self.threshold <= 1:
            raise ConfigurationError(f"The threshold is {self.threshold}. Give a probability from 0 to 1.")
        if self.intended_use.min_side < 1:
            raise ConfigurationError(f"min_side is {self.intended_use.min_side}. Give a number of pixels from 1.")
        if len(self.class_names) != 2 or self.network.get("n_classes") != 2:
            raise ConfigurationError(
                f"The classes are {list(self.class_names)}, and the network tells {self.network.get('n_classes')!r} "
                "apart. A binary classifier has two."
            )
        shapes = [{key: part.get(key) for key in _SHAPE} for part in (self.network, self.preprocessing)]
        if shapes[0] != shapes[1]:
            raise ConfigurationError(
                f"The network takes images of {shapes[0]}, and they are prepared as {shapes[1]}. Export it again."
            )

    def class_words(self, label: int) -> str:
        """Returns how a sentence names class 0 or 1."""
        name = self.class_names[label]
        return f"class {label}" if name == str(label) else f"class {label} ({name})"

    def to_dict(self) -> dict[str, Any]:
        """Returns what ``metadata.json`` holds under its own key; name and version stand above it."""
        use = asdict(self.intended_use)
        return {
            "schema": 1,
            "network": dict(self.network),
            "preprocessing": dict(self.preprocessing),
            "class_names": list(self.class_names),
            "threshold": self.threshold,
            "intended_use": {name: list(value) if isinstance(value, tuple) else value for name, value in use.items()},
        }

    @classmethod
    def from_metadata(cls, metadata: object) -> ModelDescription:
        """Returns the description in the content of ``metadata.json``, every part checked.

        Raises:
            WeightsError: if it is no metadata of an exported model, or of another version.
        """
        found = metadata.get(KEY) if isinstance(metadata, Mapping) else None
        if not isinstance(metadata, Mapping) or not isinstance(found, Mapping) or found.get("schema") != 1:
            schema = found.get("schema") if isinstance(found, Mapping) else None
            raise WeightsError(
                f"metadata.json describes a model of schema {schema!r}, and this version reads schema 1. "
                "Give a bundle that monai-fairtune export has written, or the release that wrote it."
            )
        try:
            return cls(
                name=_typed(metadata, "name", str),
                version=_typed(metadata, "version", str),
                network=dict(_typed(found, "network", Mapping)),
                preprocessing=Preprocessing.from_dict(_typed(found, "preprocessing", Mapping)).to_dict(),
                class_names=_two(_texts(found, "class_names")),
                threshold=float(_typed(found, "threshold", (int, float))),
                intended_use=_intended_use(_typed(found, "intended_use", Mapping)),
            )
        except FairTuneError as error:
            raise WeightsError(f"metadata.json of the bundle cannot be used. {error}") from error


def refuse_config_code(data: object) -> None:
    """Refuses texts that MONAI would run or resolve where it reads them as configuration.

    Args:
        data: plain JSON.

    Raises:
        ConfigurationError: if a text begins with ``$``, ``@`` or ``%``.

    Example:
        >>> refuse_config_code({"class_names": ["benign", "malignant"]})
    """
    for text in _texts_within(data):
        if text.startswith(("$", "@", "%")):
            raise ConfigurationError(
                f"The text {text[:60]!r} would be code in a MONAI config, because of its first character. Rename it."
            )


def _texts_within(data: object) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    parts = [*data.keys(), *data.values()] if isinstance(data, Mapping) else data if isinstance(data, list) else ()
    for part in parts:
        yield from _texts_within(part)


def _intended_use(found: Mapping[str, Any]) -> IntendedUse:
    known = {field.name: field.default for field in fields(IntendedUse)}
    unknown = sorted(set(found) - set(known))
    if unknown:
        raise ConfigurationError(f"intended_use holds {unknown[0]!r}. Use the release that wrote it.")
    read: dict[str, Any] = {
        name: _texts(found, name) if isinstance(default, tuple) else _typed(found, name, type(default))
        for name, default in known.items()
        if name in found
    }
    return IntendedUse(**read)


def _typed(data: Mapping[str, Any], name: str, kind: Any) -> Any:
    value = data.get(name)
    if isinstance(value, bool) or not isinstance(value, kind):
        raise ConfigurationError(f"{name} is {value!r}. Use the release that wrote it.")
    return value


def _texts(data: Mapping[str, Any], name: str) -> tuple[str, ...]:
    values = _typed(data, name, list)
    if not all(isinstance(value, str) for value in values):
        raise ConfigurationError(f"{name} is {values!r}. Use the release that wrote it.")
    return tuple(values)


def _two(names: tuple[str, ...]) -> tuple[str, str]:
    if len(names) != 2:
        raise ConfigurationError(f"The classes are {list(names)}. A binary classifier has two.")
    return names[0], names[1]
