"""Which dotted names a config may use."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from types import ModuleType

from monai_fairtune.bundle.config_check.allowed_names import ALLOWED
from monai_fairtune.bundle.config_check.attributes import ATTRIBUTES
from monai_fairtune.bundle.config_check.errors import NotAllowedError

__all__ = ["AllowList", "code_name", "is_timm_model", "takes_code"]

_FILES = frozenset({"conf", "csv", "db", "html", "json", "log", "onnx", "png", "pt", "pth", "ts", "txt", "yaml", "yml"})
_ABSENT = object()
_BUILTINS = frozenset({"__import__", "breakpoint", "compile", "eval", "exec", "input", "open"})


def code_name(text: str) -> str | None:
    """Returns the dotted name that a text is to whoever looks it up as code, or None: MONAI does so with readers.

    Nobody asks whether there is such code here: the config may run elsewhere, beside code of its own. Names of files
    and of timm's models are none.

    Example:
        >>> code_name("os.system"), code_name("..os..system"), code_name("eval"), code_name("model.pt"), code_name("b")
        ('os.system', 'os.system', 'eval', None, None)
    """
    if text in _BUILTINS:
        return text
    parts = [part for part in text.split(".") if part]
    if len(parts) < 2 or parts[-1].lower() in _FILES or not all(part.isidentifier() for part in parts):
        return None
    return None if is_timm_model(text) else ".".join(parts)


def is_timm_model(text: str) -> bool:
    """Says whether timm has a model of that name, which is then not looked up as code."""
    import timm

    return bool(timm.is_model(text))


def takes_code(found: object) -> bool:
    """Says whether an argument of an allowed object names what is run: see ``Written``."""
    from monai.engines import Workflow

    from monai_fairtune.masks import FairTuneNetwork

    return isinstance(found, type) and issubclass(found, (FairTuneNetwork, Workflow))


@dataclass(frozen=True)
class AllowList:
    """Objects that are allowed with their methods, and dotted prefixes below which everything is.

    A name is followed to what it stands for, because ``monai.transforms.utils.os.system`` begins like a transform.

    Args:
        prefixes: beside ``ALLOWED``, such as ``"my_package.networks"``; or attributes, such as ``".my_method"``.

    Example:
        >>> AllowList(("json.decoder",)).why_not("json.decoder.JSONDecoder") is None
        True
        >>> AllowList(("json.decoder",)).why_not("json.decoder.scanner.re.compile")
        'json.decoder.scanner leads to the module json.scanner, which lies outside the allow-list'
    """

    prefixes: tuple[str, ...] = field(default=())

    @property
    def names(self) -> tuple[str, ...]:
        """All that it allows, as ``ALLOWED`` writes it."""
        return (*ALLOWED, *self.prefixes)

    def allows_attribute(self, name: str) -> bool:
        """Says whether an attribute may be taken from any object."""
        return name in ATTRIBUTES or f".{name}" in self.prefixes

    def may_import(self, module: str) -> bool:
        """Says whether an import binds an allowed object, or a module on the way to one."""
        is_private = any(part.startswith("_") for part in module.split("."))
        return not is_private and (self._is_on_the_way(module) or self.why_not(module) is None)

    def why_not(self, dotted: str) -> str | None:
        """Returns why a name is not allowed, or None if it is: modules on the way are imported to see."""
        try:
            self.find(dotted)
        except NotAllowedError as refusal:
            return str(refusal)
        return None

    def find(self, dotted: str, *, is_target: bool = False) -> object:
        """Returns what a name stands for.

        Args:
            dotted: the full name, aliases replaced.
            is_target: whether MONAI looks the whole name up, and would take a module for it.

        Raises:
            NotAllowedError: if that is not allowed.
        """
        first, *rest = dotted.split(".")
        if not self._is_on_the_way(first):
            raise NotAllowedError(f"{dotted} lies outside the allow-list")
        if any(part.startswith("_") for part in rest):
            raise NotAllowedError(f"{dotted} goes through a private name")
        if _submodule(first) is None:
            raise NotAllowedError(f"{first} is not installed")
        # An expression takes the attribute, MONAI's look-up of a target the submodule of the same name.
        n_modules = {0, max(0, len(rest) - 1)} | ({len(rest)} if is_target else set())
        found = [self._follow(dotted, n) for n in sorted(n_modules)]
        existing = [each for each in found if each is not _ABSENT]
        if not existing:
            raise NotAllowedError(f"{dotted} does not exist")
        return existing[-1]

    def _follow(self, dotted: str, n_modules: int) -> object:
        """Returns what a name stands for or ``_ABSENT``, having held all that it passes against the list.

        Args:
            dotted: the full name.
            n_modules: how many parts after the first are submodules rather than attributes, where there are both.
        """
        first, *rest = dotted.split(".")
        found: object = import_module(first)
        is_listed = False
        for n, part in enumerate(rest, start=2):
            found = self._member(found, part, modules_first=n <= n_modules + 1)
            if found is _ABSENT:
                return _ABSENT
            self._require_module(found, ".".join(dotted.split(".")[:n]))
            is_listed = is_listed or id(found) in self._listed
        if isinstance(found, ModuleType):
            raise NotAllowedError(f"{dotted} is a module, and no component")
        if id(found) not in self._listed:
            self._require_home(dotted, found, is_listed=is_listed)
        return found

    def _member(self, holder: object, name: str, *, modules_first: bool) -> object:
        if not isinstance(holder, ModuleType):
            if not hasattr(holder, name):
                return _ABSENT
            if not (name.isupper() or self.allows_attribute(name)):  # the members of an enumeration
                raise NotAllowedError(f"it uses the attribute {name}")
            return getattr(holder, name)
        module = f"{holder.__name__}.{name}"
        may_be_module = self._is_on_the_way(module) and (modules_first or not hasattr(holder, name))
        found = _submodule(module) if may_be_module else None
        return getattr(holder, name, _ABSENT) if found is None else found

    def _require_module(self, found: object, name: str) -> None:
        if isinstance(found, ModuleType) and not self._is_on_the_way(found.__name__):
            raise NotAllowedError(f"{name} leads to the module {found.__name__}, which lies outside the allow-list")

    def _require_home(self, dotted: str, found: object, *, is_listed: bool) -> None:
        home = getattr(found, "__module__", None)
        is_home = isinstance(home, str) and (self._is_allowed_prefix(home) or (is_listed and self._is_on_the_way(home)))
        if not is_home or not (is_listed or self._is_allowed_prefix(dotted)):
            real = f"{home}.{getattr(found, '__qualname__', '')}"
            raise NotAllowedError(
                f"{dotted} {'' if real == dotted else f'is {real}, which '}lies outside the allow-list"
            )

    def _is_allowed_prefix(self, dotted: str) -> bool:
        return any(f"{dotted}.".startswith(f"{prefix}.") for prefix in self.prefixes)

    def _is_on_the_way(self, module: str) -> bool:
        """Says whether a module leads to a package that allowed objects come from, or lies below it.

        What lies directly below a package as large as torch or numpy does not count.
        """
        return any(
            f"{package}.".startswith(f"{module}.") or (is_small and module.startswith(f"{package}."))
            for package, is_small in self._packages.items()
        )

    @cached_property
    def _packages(self) -> dict[str, bool]:
        packages = {name.rpartition(".")[0] for name in ALLOWED}
        return {package: "." in package for package in packages} | dict.fromkeys(
            (each for each in self.prefixes if each[0] != "."), True
        )

    @cached_property
    def _listed(self) -> dict[int, object]:
        return {id(found): found for name in self.names for found in _objects(name)}


def _submodule(name: str) -> ModuleType | None:
    try:
        return import_module(name)
    except ImportError:
        return None


def _objects(name: str) -> Iterator[object]:
    package, _, last = name.rpartition(".")
    module = _submodule(package) if package else None
    if module is None:  # a prefix may be a package, or lie inside of a class
        return
    for each in module.__all__ if last == "*" else [last]:
        found = getattr(module, each, None)  # another release of MONAI may lack one
        if found is not None and not isinstance(found, ModuleType):
            yield found
