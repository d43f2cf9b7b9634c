"""``check-config`` refuses what MONAI would run, and passes what this package ships."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from monai.bundle import ConfigParser

from monai_fairtune.bundle.config_check import ConfigCheck, check_config
from monai_fairtune.cli import main
from monai_fairtune.exceptions import ConfigurationError
from tests.bundle.bundle_runs import BUNDLE, CONFIGS
from tests.security.canaries import Canary
from tests.security.config_traps import TRAPS

Out = pytest.CaptureFixture[str]


def check(folder: Path, config: dict[str, Any] | str, *allow: str, name: str = "c.yaml") -> ConfigCheck:
    path = folder / name
    path.write_text(config if isinstance(config, str) else yaml.safe_dump(config, sort_keys=False))
    return check_config([path], allow=allow)


def refusals(found: ConfigCheck) -> list[str]:
    return [str(finding.refusal) for finding in found.refused]


@pytest.mark.parametrize("trap", TRAPS)
def test_what_monai_would_run_is_refused_and_not_run(trap: str, canary: Canary, tmp_path: Path) -> None:
    assert check(tmp_path, TRAPS[trap](canary)).refused


@pytest.mark.parametrize("trap", TRAPS)
@pytest.mark.filterwarnings("ignore")
def test_the_traps_of_these_tests_are_real(trap: str, tmp_path: Path) -> None:
    canary = Canary(tmp_path / "executed")
    path = tmp_path / "c.yaml"
    path.write_text(yaml.safe_dump(TRAPS[trap](canary), sort_keys=False))
    parser = ConfigParser(ConfigParser.load_config_files(str(path)))
    with suppress(RuntimeError, TypeError, ValueError, KeyError):  # what was run returned something that fits nowhere
        parser.get_parsed_content("x")
    assert not canary.is_alive()


def test_the_bundle_of_this_package_passes_and_every_target_of_it_is_listed() -> None:
    found = check_config([BUNDLE])
    assert refusals(found) == []
    listed = {(finding.entry.file, finding.entry.text) for finding in found.findings}
    n_targets = 0
    for path in sorted(CONFIGS.glob("*.yaml")):
        for line in path.read_text().splitlines():
            key, _, value = line.strip().removeprefix("- ").partition(": ")
            if key == "_target_":
                n_targets += 1
                assert (str(path), value) in listed
    assert n_targets > 50


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"a": {"_target_": "Compose", "_mode_": "debug"}}, "'debug' is not callable or default"),
        ({"a": {"_target_": "Compose", "_debug_": True}}, "'True' is not False"),
        ({"a": {"weights_only": False}}, "'False' is not True"),
        ({"a": {"_target_": "eval"}}, "MONAI has no component eval"),
        ({"a": {"_target_": "LoadImage"}}, "LoadImage lies outside"),
        ({"a": {"reader": "open"}}, "open lies outside"),
        ({"a": {"reader": "scripts.evil.build"}}, "scripts.evil.build lies outside"),
        ({"a": "$@b(weights_only=False)", "b": 1}, "it would unpickle"),
        ({"a": "$@b(**{'weights_' + 'only': False})", "b": 1}, "whose names are not seen"),
        ({"a": "$@b.replace('c')", "b": 1}, "it uses the attribute replace"),
        ({"a": "$@b.eval('c')", "b": 1}, "it uses the attribute eval"),
        ({"a": "$[f('c') for f in [@b.eval]]", "b": 1}, "it uses the attribute eval"),
        ({"a": "$@b.copy", "b": 1}, "it uses the attribute copy"),
        ({"a": "$@b.query('c')", "b": 1}, "it uses the attribute query"),
        ({"a": "$[len for len in [1]]"}, "it hides the name len"),
        ({"a": "$[0 for @b.data in [1]]", "b": 1}, "it assigns to a part"),
        ({"a": "$(lambda torch: torch.tensor(1))(@b)", "b": 1}, "it hides the name torch"),
        ({"a": {"_target_": "SupervisedTrainer", "compile_kwargs": {}}}, "the command of a compiler"),
        ({"a": {"_target_": "SupervisedTrainer", "_mode_": "callable"}}, "_mode_ lets that be given elsewhere"),
        ({"a": [{"_target_": "SupervisedTrainer"}]}, "a holds a list"),
        ({"a": {"b": {"_target_": "SupervisedTrainer"}}, "c": "%a"}, "a macro copies it"),
        ({"a": "$monai.engines.SupervisedTrainer(1)"}, "runs what an argument names"),
        ({"a": "$@b.torch", "b": 1}, "it uses the attribute torch"),
        ({"a": "$f.TINY_VIT_SHA256.format(1)", "i": "$import monai_fairtune.masks as f"}, "uses the attribute format"),
        ({"a": "$torch.nn.Module.mro()"}, "uses the attribute mro"),
        ({"a": "$import numpy.f2py.__main__"}, "lies outside"),
        ({"a": "$import torch as __builtins__"}, "the private name __builtins__"),
        ({"a": "$import numpy.f2py"}, "lies outside"),
        ({"a": "$import monai.transforms._hidden"}, "lies outside"),
        ({"a": "$from torch import hub"}, "torch.hub lies outside"),
        ({"a": "$@b.os.system('c')", "b": 1}, "it uses the attribute system"),
        ({"a": {"_target_": "torch.nn.Nothing"}}, "torch.nn.Nothing does not exist"),
        ({"a": {"_target_": "torch.nn.functional"}}, "is a module"),
        ({"a": {"_target_": "PerceptualLoss"}}, "lies outside the allow-list"),
        ({"a": {"_target_": "monai_fairtune.masks.tiny_vit"}}, "is a module"),
        ({"a": "$import monai, os"}, "more than one import"),
        ({"a": "$import monai\nimport os"}, "more than one import"),
        ({"a": "$from . import os"}, "more than one import"),
        ({"a": "$import monai.data as x", "b": "$import monai.transforms as x"}, "x has several meanings"),
        ({"a": "$import monai.data as torch"}, "torch has several meanings"),
        ({"a": "%other.json::b"}, "other.json is not checked with it"),
        ({"a": "$(b := 1)"}, "it holds a NamedExpr"),
        ({"a": "$exit()"}, "it uses the name exit"),
        ({"a": "$getattr(@b, 'c')", "b": 1}, "it uses the name getattr"),
        ({"a": "$'{0.__class__}'.format(1)"}, "it uses the attribute format"),
        ({"a": "$torch.nn.Linear.__init__"}, "private name"),
        ({"a": "$" + "(" * 300 + ")" * 300}, "no single expression"),
        ({"a": "$" + "-" * 3000 + "1"}, "it"),
        ({"a": "$1 +"}, "no single expression"),
        ({"a": ["x", {"b": "subprocess.Popen"}]}, "subprocess.Popen lies outside"),
    ],
)
def test_what_does_more_is_refused_with_its_reason(config: dict[str, Any], reason: str, tmp_path: Path) -> None:
    (refusal, *_) = refusals(check(tmp_path, config))
    assert reason in refusal


def test_an_ordinary_config_of_monai_passes(tmp_path: Path) -> None:
    ordinary = {
        "imports": ["$import monai_fairtune.bundle as fairtune", "$import torch"],
        "device": "$torch.device('cuda:0' if torch.cuda.is_available() else 'cpu')",
        "sizes": "$[size * 2 for size in (16, 32)]",
        "net": {"_target_": "monai.networks.nets.DenseNet121", "spatial_dims": 2, "in_channels": 3, "out_channels": 2},
        "loss": {"_target_": "torch.nn.CrossEntropyLoss", "_requires_": "@net", "_mode_": "callable"},
        "optimizer": {"_target_": "torch.optim.Adam", "params": "$@net.parameters()", "lr": "@#rate", "rate": 1e-3},
        "copy": "%loss",
        "transform": {"_target_": "Lambda", "func": "$lambda image: image.copy()"},
        "evaluated": "$@net.eval()",
        "backbone": "vit_small_patch14_dinov2.lvd142m",
        "network": {"_target_": "monai_fairtune.masks.FairTuneNetwork", "backbone": "$fairtune.text('b', @backbone)"},
        "tiny": {
            "_target_": "monai_fairtune.masks.FairTuneNetwork",
            "backbone": "monai_fairtune.masks.tiny_vit.tiny_vit",
        },
        "model": "model.pt",
    }
    assert refusals(check(tmp_path, ordinary)) == []


def test_a_prefix_allows_what_lies_below_it_and_nothing_that_it_passes_through(tmp_path: Path) -> None:
    config = {"a": {"_target_": "json.JSONDecoder"}, "b": {"_target_": "json.decoder.scanner.re.compile"}}
    assert len(check(tmp_path, config).refused) == 2
    assert refusals(check(tmp_path, config, "json")) == [
        "json.decoder.scanner.re leads to the module re, which lies outside the allow-list"
    ]
    absent = {"a": {"_target_": "absent_package.Network"}}
    assert refusals(check(tmp_path, absent, "absent_package")) == ["absent_package is not installed"]
    with pytest.raises(ConfigurationError, match="The prefix 'os;' is no dotted name"):
        check(tmp_path, config, "os;")


def test_a_component_that_was_allowed_is_so_by_each_of_its_names_and_its_texts_are_still_read(tmp_path: Path) -> None:
    config = {"a": {"_target_": "LoadImaged", "keys": "image", "reader": "os.system"}}
    assert refusals(check(tmp_path, config, "monai.transforms.LoadImaged")) == ["os.system lies outside the allow-list"]


def test_an_attribute_is_allowed_by_a_dot_and_its_name(tmp_path: Path) -> None:
    assert refusals(check(tmp_path, {"a": "$@b.mine()", "b": 1}, ".mine")) == []


def test_a_backbone_of_ones_own_passes_where_it_was_allowed_and_can_be_read(tmp_path: Path) -> None:
    network = {"_target_": "monai_fairtune.masks.FairTuneNetwork", "backbone": "@b::c"}
    own = "tests.masks.networks.WithoutHead"
    assert refusals(check(tmp_path, {"a": network, "b": {"c": own}})) == 2 * [f"{own} lies outside the allow-list"]
    assert refusals(check(tmp_path, {"a": network, "b": {"c": "json.JSONDecoder"}}, "json")) == []
    assert refusals(check(tmp_path, {"a": network, "b": {"d": own}}, "json")) == [
        "no text is found for the backbone at b::c",
        f"{own} lies outside the allow-list",
    ]


def test_a_macro_of_a_file_passes_where_that_file_is_checked_too(tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_text(json.dumps({"b": {"_target_": "os.system"}}))
    path = tmp_path / "c.json"
    path.write_text(json.dumps({"a": f"%{other}::b"}))
    found = check_config([path, other])
    assert [finding.entry.id for finding in found.refused] == ["b::_target_"]


@pytest.mark.parametrize(
    ("text", "name", "reason"),
    [
        ("a: !!python/object/apply:os.system ['x']", "c.yaml", "could not determine a constructor"),
        ("a: &a [1]\nb: *a", "c.yaml", "it holds an alias"),
        ("a: 1\na: 2", "c.yaml", "the key 'a' is there twice"),
        ('{"a": 1, "a": 2}', "c.json", "the key 'a' is there twice"),
        ("[" * 100_000, "c.json", "recursion"),
        ("a: " + "[" * 5_000, "c.yaml", "recursion"),
        ('{"a": "' + "x" * (1 << 20) + '"}', "c.json", "larger than"),
        ("[1]", "c.json", "it holds a list"),
        ("a: '@::::::b'", "c.yaml", "out of the range"),
        ("a = 1", "c.py", "Python is not read"),
    ],
)
def test_what_is_no_plain_config_is_refused(text: str, name: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        check(tmp_path, text, name=name)


def test_no_text_of_a_config_forges_a_line_of_the_list(tmp_path: Path, capsys: Out) -> None:
    folder = tmp_path / "a\n  allowed"
    folder.mkdir()
    forged = "os.\x1b[2Ksystem\n  allowed  target      y::_target_: fine"
    (folder / "c.json").write_text(json.dumps({"x": {"_target_": forged}}))
    assert main(["check-config", str(folder / "c.json")]) == 2
    said = capsys.readouterr()
    assert "\x1b" not in said.out + said.err
    assert "\n  allowed" not in said.out + said.err


def test_the_command_lists_all_and_ends_with_code_2_if_anything_is_refused(
    canary: Canary, tmp_path: Path, capsys: Out
) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(yaml.safe_dump({"a\x1b[8m": f"${canary.code}", "b": {"_target_": "torch.nn.ReLU"}}))
    assert main(["check-config", str(path)]) == 2
    said = capsys.readouterr()
    assert "REFUSED  expression" in said.out
    assert "allowed  target      b::_target_: torch.nn.ReLU" in said.out
    assert "\x1b" not in said.out + said.err
    assert "1 of 2 entries are refused" in said.err
    assert main(["check-config", str(path), "--json"]) == 2
    found = json.loads(capsys.readouterr().out)
    assert (found["n_refused"], [entry["kind"] for entry in found["findings"]]) == (1, ["expression", "target"])
    assert main(["check-config", str(CONFIGS / "multi_gpu.yaml"), str(CONFIGS / "search.yaml")]) == 0
