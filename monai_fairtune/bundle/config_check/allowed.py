"""Which dotted names a config may use."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

__all__ = ["ALLOWED", "AllowList", "code_name"]

ALLOWED = (
    "monai.data",
    "monai.engines",
    "monai.handlers",
    "monai.inferers",
    "monai.losses",
    "monai.metrics",
    "monai.networks",
    "monai.optimizers",
    "monai.transforms",
    "monai.utils.set_determinism",
    "monai_fairtune.bundle",
    "monai_fairtune.cohort",
    "monai_fairtune.masks",
    "monai_fairtune.metrics",
    "monai_fairtune.objectives",
    "monai_fairtune.tuning",
    "numpy.array",
    "numpy.float32",
    "numpy.inf",
    "numpy.nan",
    "torch.bfloat16",
    "torch.cuda.device_count",
    "torch.cuda.is_available",
    "torch.device",
    "torch.distributed.get_rank",
    "torch.distributed.get_world_size",
    "torch.float16",
    "torch.float32",
    "torch.nn",
    "torch.optim",
    "torch.tensor",
    "torch.utils.data",
)
"""Without the parts of these packages that run what they are told: ``monai.bundle``, ``torch.load``, ``torch.hub``."""

_DENIED = ("monai.losses.perceptual",)  # downloads code
_FILES = frozenset({"conf", "csv", "db", "html", "json", "log", "onnx", "png", "pt", "pth", "ts", "txt", "yaml", "yml"})
_BUILTINS = frozenset({"__import__", "breakpoint", "compile", "eval", "exec", "input", "open"})


def code_name(text: str) -> str | None:
    """Returns the dotted name that a text is to whoever looks it up as code, or None: MONAI does so with readers.

    Example:
        >>> code_name("os.system"), code_name("..os..system"), code_name("eval"), code_name("model.pt"), code_name("b")
        ('os.system', 'os.system', 'eval', None, None)
    """
    if text in _BUILTINS:
        return text
    parts = [part for part in text.split(".") if part]
    if len(parts) < 2 or parts[-1].lower() in _FILES or not all(part.isidentifier() for part in parts):
        return None
    return ".".join(parts) if parts[0] in sys.stdlib_module_names or _is_installed(parts[0]) else None


def _is_installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except (ImportError, ValueError):
        return False


@dataclass(frozen=True)
class AllowList:
    """Dotted prefixes; what lies below one of them is allowed, unless it only passes through to something else.

    Args:
        prefixes: such as ``"torch.nn"`` or ``"monai_fairtune.bundle.text"``.

    Example:
        >>> AllowList(("json.decoder",)).why_not("json.decoder.JSONDecoder") is None
        True
        >>> AllowList(("json.decoder",)).why_not("json.decoder.scanner.re.compile")
        'json.decoder.scanner leads to the module json.scanner, which lies outside the allow-list'
    """

    prefixes: tuple[str, ...]

    def may_import(self, module: str) -> bool:
        """Says whether importing a module runs code of allowed packages only."""
        return module.partition(".")[0] in {prefix.partition(".")[0] for prefix in self.prefixes}

    def why_not(self, dotted: str) -> str | None:
        """Returns why a name is not allowed, or None if it is: modules of allowed packages are imported to see.

        A name is followed to what it stands for, because ``monai.transforms.utils.os.system`` begins like a transform.

        Args:
            dotted: the full name, aliases replaced.
        """
        if not self._holds(dotted):
            return f"{dotted} lies outside the allow-list"
        if any(part.startswith("_") for part in dotted.split(".")):
            return f"{dotted} goes through a private name"
        first, *rest = dotted.split(".")
        try:
            found: object = import_module(first)
        except ImportError:
            return f"{first} is not installed"
        for n, part in enumerate(rest, start=2):
            found = _member(found, part)
            so_far = ".".join(dotted.split(".")[:n])
            if found is None and part != "None":
                return f"{so_far} does not exist"
            if isinstance(found, ModuleType) and not self._is_on_the_way(found.__name__):
                return f"{so_far} leads to the module {found.__name__}, which lies outside the allow-list"
        if isinstance(found, ModuleType):
            return f"{dotted} is a module, and no component"
        home = getattr(found, "__module__", None)
        if dotted in self.prefixes or not isinstance(home, str) or (self._holds(home) and home not in _DENIED):
            return None
        return f"{dotted} is {home}.{getattr(found, '__qualname__', '')}, which lies outside the allow-list"

    def _holds(self, dotted: str) -> bool:
        return any(f"{dotted}.".startswith(f"{prefix}.") for prefix in self.prefixes)

    def _is_on_the_way(self, module: str) -> bool:
        return self._holds(module) or any(prefix.startswith(f"{module}.") for prefix in self.prefixes)


def _member(holder: object, name: str) -> object:
    """Returns an attribute, or the submodule of that name, or None."""
    if isinstance(holder, ModuleType) and not hasattr(holder, name):
        try:
            return import_module(f"{holder.__name__}.{name}")
        except ImportError:
            return None
    return getattr(holder, name, None)
