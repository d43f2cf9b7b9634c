"""Configs that run code as soon as MONAI resolves their entry ``x``, by what hides it."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from tests.security.canaries import Canary

__all__ = ["TRAPS", "Trap"]

Trap = Callable[[Canary], dict[str, Any]]

_SUBCLASSES = "[k for k in ().__class__.__base__.__subclasses__() if k.__name__ == '_wrap_close'][0]"
_NETWORK = "monai_fairtune.masks.FairTuneNetwork"
_RUN = "'monai' + '.bundle' + '.run'"


def _pickled(canary: Canary) -> str:
    path = canary.path.with_name("hostile.pt")
    torch.save({"weight": canary}, path)
    return str(path)


def _pickled_array(canary: Canary) -> str:
    path = canary.path.with_name("hostile.npy")
    np.save(path, np.array([canary], dtype=object), allow_pickle=True)
    return str(path)


def _options(canary: Canary) -> dict[str, Any]:
    """Arguments with which ``monai.bundle.run`` runs a text that is put together before its eyes."""
    start, end = "$__imp", canary.code.removeprefix("__imp")
    config = canary.path.with_name("empty.json")
    config.write_text('{"evil": 1}')
    return {"config_file": str(config), "run_id": "evil", "evil": f"$'$' + {start[1:]!r} + {end!r}"}


def _network(canary: Canary, **entries: Any) -> dict[str, Any]:
    return {"_target_": _NETWORK, "backbone_arguments": _options(canary), **entries}


def _touch(canary: Canary) -> list[str]:
    return ["touch", str(canary.path)]


def _of_target(**entries: Any) -> dict[str, Any]:
    return {"x": {"_target_": "torch.nn.ReLU", **entries}}


TRAPS: dict[str, Trap] = {
    "expression": lambda c: {"x": f"${c.code}"},
    "description": lambda c: _of_target(_desc_=f"${c.code}"),
    "requirement": lambda c: _of_target(_requires_=[f"${c.code}"]),
    "switch": lambda c: _of_target(_disabled_=f"${c.code}"),
    "target": lambda c: {"x": {"_target_": "os.system", "command": c.shell}},
    "target behind a module": lambda c: {"x": {"_target_": "monai.data.utils.os.system", "command": c.shell}},
    "target in a key": lambda c: {"x": {"cmd_list": _touch(c)}, "x::_target_": "run_cmd"},
    "target in an older key": lambda c: {"x": {"cmd_list": _touch(c)}, "x#_target_": "run_cmd"},
    "merged target": lambda c: {"x": {"cmd_list": _touch(c)}, "+x": {"_target_": "run_cmd"}},
    "target by reference": lambda c: {"n": {"m": "os.system"}, "x": {"_target_": "@n::m", "command": c.shell}},
    "target by macro": lambda c: {"n": {"m": "os.system"}, "x": {"_target_": "%n::m", "command": c.shell}},
    "target by expression": lambda c: {"x": {"_target_": "$monai.utils.misc.os.system", "command": c.shell}},
    "name of a reader": lambda c: {"x": {"_target_": "LoadImage", "reader": "os.system", "command": c.shell}},
    "name with more dots": lambda c: {"x": {"_target_": "LoadImage", "reader": "os..system", "command": c.shell}},
    "name in an expression": lambda c: {
        "x": f"$monai.transforms.LoadImage(reader='os.system', command={c.shell!r})"
    },
    "component's short name": lambda c: {"x": {"_target_": "run_cmd", "cmd_list": _touch(c)}},
    "alias": lambda c: {"i": "$import monai.utils.misc as m", "x": f"$m.os.system({c.shell!r})"},
    "alias of an object": lambda c: {"i": "$from monai.utils.misc import os as m", "x": f"$m.system({c.shell!r})"},
    "import from elsewhere": lambda c: {"i": "$import os", "x": f"$os.system({c.shell!r})"},
    "reference to a module": lambda c: {"i": "$import monai.utils as m", "x": f"$@i.run_cmd({_touch(c)})"},
    "reference to a list of modules": lambda c: {
        "i": ["$import monai.utils as m"], "x": f"$@i[0].run_cmd({_touch(c)})"
    },
    "reference to a merged list": lambda c: {
        "i": [0, 1], "+i": ["$import monai.utils as m"], "x": f"$@i::2.run_cmd({_touch(c)})"
    },
    "reference to a reference": lambda c: {
        "i": "$import monai.utils as m", "r": "@i", "x": f"$@r.run_cmd({_touch(c)})"
    },
    "macro of a module": lambda c: {
        "i": "$import monai.utils as m", "r": "%i", "x": f"$@r.run_cmd({_touch(c)})"
    },
    "separator as a comment": lambda c: {"x": f"$[[1]][0 #{c.code}\n]"},
    "frame of a generator": lambda c: {
        "x": f"$[g.gi_frame.f_builtins['ev' + 'al']({c.code!r}) for g in [(i for i in [1])]]"
    },
    "builtin that is bound elsewhere": lambda c: {"x": f"$[lambda eval: 0, eval('__imp' + {c.code[5:]!r})]"},
    "subclasses": lambda c: {"x": f"${_SUBCLASSES}.__init__.__globals__['system']({c.shell!r})"},
    "hidden name": lambda c: {"x": f"$[monai.system({c.shell!r}) for monai in [monai.utils.misc.os]]"},
    "import by a component": lambda c: {"x": f"$monai.utils.optional_import('os')[0].system({c.shell!r})"},
    "config in a config": lambda c: {"x": f"$monai.bundle.ConfigExpression({'$' + c.code!r}).evaluate()"},
    "pickle": lambda c: {"x": f"$torch.load({_pickled(c)!r}, weights_only=False)"},
    "pickle by a decoder": lambda c: {
        "x": "$torch.utils.data.datapipes.utils.decoder.basichandlers('pickle', " + repr(pickle.dumps(c)) + ")"
    },
    "pickle behind a loader": lambda c: {
        "d": {"_target_": "DataLoader", "dataset": [0], "num_workers": 1, "multiprocessing_context": "spawn"},
        "x": f"$@d.multiprocessing_context.reducer.ForkingPickler.loads({pickle.dumps(c)!r})",
    },
    "pickle in an array": lambda c: {"x": f"$monai.transforms.LoadImage(allow_pickle=True)({_pickled_array(c)!r})"},
    "backbone put together": lambda c: {"x": _network(c, backbone=f"${_RUN}")},
    "backbone by reference": lambda c: {"b": f"${_RUN}", "r": "@b", "x": _network(c, backbone="@r")},
    "backbone that an expression overwrites": lambda c: {
        "b": "resnet18", "r": f"$[0 for @b in [{_RUN}]]", "x": _network(c, _requires_="@r", backbone="@b"),
    },
    "backbone by macro": lambda c: {"b": f"${_RUN}", "x": _network(c, backbone="%b")},
    "backbone made by a component": lambda c: {
        "b": {"_target_": "monai_fairtune.bundle.text", "name": "b", "value": f"${_RUN}"},
        "x": _network(c, backbone="@b"),
    },
    "backbone of a copied network": lambda c: {
        "n": _network(c, backbone="resnet18"), "b": f"${_RUN}", "m": {"c": "%n"},
        "+m": {"c": _network(c, backbone="@b")}, "x": "@m::c",
    },
    "backbone that is given later": lambda c: {
        "o": _options(c), "i": {"_target_": _NETWORK, "_mode_": "callable"},
        "x": f"$@i({_RUN}, backbone_arguments=@o)",
    },
    "backbone in an expression": lambda c: {
        "i": "$import monai_fairtune.masks as m", "o": _options(c),
        "x": f"$m.FairTuneNetwork({_RUN}, backbone_arguments=@o)",
    },
    "backbone that is allowed until files are merged": lambda c: {
        "i": [_network(c, backbone="resnet18")], "b": f"${_RUN}", "+i": [_network(c, backbone="@b")], "x": "@i::1"
    },
    "backbone that is given later in a list": lambda c: {
        "o": _options(c), "i": [{"_target_": "torch.nn.ReLU", "_mode_": "callable"}],
        "i::-1::_target_": _NETWORK, "i::-1::backbone": "resnet18",
        "x": f"$@i::0(backbone={_RUN}, backbone_arguments=@o)",
    },
    "path of a component": lambda c: {
        "i": "$import monai_fairtune.bundle as f",
        "x": f"$f.folder('f', {str(c.path.parent)!r}).joinpath({c.path.name!r}).touch()",
    },
}  # fmt: skip
