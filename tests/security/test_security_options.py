"""What follows ``monai-fairtune search`` is data, whatever it says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from monai.bundle import ConfigParser

from monai_fairtune.bundle.parameters import set_options
from monai_fairtune.cli import main
from monai_fairtune.exceptions import ConfigurationError
from tests.security.canaries import Canary

Err = pytest.CaptureFixture[str]
_CONFIG = {"name": None, "names": [0.1], "device": "$'cpu'", "finalize": [], "part": {"_target_": "torch.nn.ReLU"}}


@pytest.mark.parametrize("option", ["manifest", "attribute", "device"])
def test_no_option_of_the_command_is_run_as_code(option: str, canary: Canary, tmp_path: Path, capsys: Err) -> None:
    manifest = tmp_path / "m.csv"
    manifest.write_text("image,label,patient_id,split,sex\n")
    given_ = {"manifest": str(manifest), "attribute": "sex", "output_dir": str(tmp_path / "out")}
    for text in canary.texts:
        options = given_ | {option: text}
        line = [part for name, value in options.items() for part in (f"--{name}", value)]
        assert main(["search", *line]) == 2
        assert main(["search", *line, f"--{option}", json.dumps([text])]) == 2
    assert capsys.readouterr().err.count("monai-fairtune: ") == 2 * len(canary.texts)


def test_a_list_of_a_command_line_builds_nothing(canary: Canary, capsys: Err) -> None:
    built = json.dumps([{"_target_": "os.system", "command": canary.shell}])
    assert main(["search", "--attribute", built]) == 2
    assert "--attribute holds the mapping {'_target_': 'os.system'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "name", ["initialize", "finalize", "imports", "cohort", "network_def::_target_", "meta_file", "+run"]
)
def test_parts_of_the_config_are_no_options(name: str, canary: Canary, capsys: Err) -> None:
    assert main(["search", f"--{name}", json.dumps([f"${canary.code}"])]) == 2
    assert f"There is no option --{name}." in capsys.readouterr().err


def test_a_misspelled_option_is_refused_and_the_right_one_named(capsys: Err) -> None:
    assert main(["search", "--manifst", "cohort.csv"]) == 2
    assert "There is no option --manifst. Did you mean --manifest?" in capsys.readouterr().err


@given(
    text=st.text() | st.text("$@%#:'\"\\n{}_a1", max_size=12),
    others=st.lists(st.text("$@%#'\\a", max_size=6) | st.floats()),
)
def test_every_text_arrives_as_it_was_given(text: str, others: list[str | float]) -> None:
    parser = ConfigParser(dict(_CONFIG, again="@name"))
    set_options(parser, {"name": text, "names": others, "device": text})
    assert [parser.get_parsed_content(name) for name in ("again", "name", "device")] == [text] * 3
    assert repr(parser.get_parsed_content("names")) == repr(others)


@pytest.mark.parametrize("name", ["part", "finalize", "part::inplace", "absent"])
def test_only_what_the_config_declares_as_an_option_can_be_set(name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"There is no option --{name}"):
        set_options(ConfigParser(dict(_CONFIG)), {name: 1})
