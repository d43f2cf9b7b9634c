from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path
from typing import get_args

import pytest

from monai_fairtune.cli import dicom_serve, main
from monai_fairtune.deploy.node import NodeLimits, NodeSettings, RemoteNode
from monai_fairtune.deploy.node.metrics import NodeMetrics
from monai_fairtune.deploy.node.queue import State, StudyQueue
from monai_fairtune.exceptions import ConfigurationError

PAGE = (Path(__file__).parents[2] / "docs" / "dicom_node.md").read_text()
ARCHIVE = RemoteNode("ARCHIVE", "127.0.0.1", 104)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--send-to", "archive"], "'archive' names no DICOM node"),
        (["--tls-key", "node.key"], "Some of --tls-certificate, --tls-key and --tls-authority are missing"),
        (["--title", "SEVENTEENLETTERSX"], "'SEVENTEENLETTERSX' is no application entity title"),
        (["--caller", "GOOD", "B\\AD"], "'B\\AD' is no application entity title"),
        (["--study-idle", "-1"], "A time of the node is negative"),
        (["--study-idle", "nan"], "A time of the node is negative or not finite"),
        (["--max-images", "0"], "A limit of the node is not above 0"),
        (["--max-gib", "inf"], "A limit of the node is not above 0, or not finite"),
        (["--port", "70000"], "70000 is no port"),
        (["--http-port", "-1"], "-1 is no port"),
    ],
)
def test_options_that_cannot_be_used_are_refused_before_the_model_is_read(
    options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["dicom", "serve", "--model", "absent", "--spool", "spool", "--send-to", "ARCHIVE@127.0.0.1:104"]
    assert main([*command, *options]) == 2
    assert message in capsys.readouterr().err
    assert not Path("spool").exists()


def test_missing_libraries_are_named_with_the_way_to_install_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dicom_serve, "find_spec", lambda name: None if name == "pynetdicom" else object())
    with pytest.raises(ConfigurationError, match="pynetdicom is not installed"):
        dicom_serve.require_node()


@pytest.mark.parametrize("title", ["A", "A B", "SIXTEEN_LETTERS1"])
def test_titles_that_dicom_allows_are_accepted(title: str) -> None:
    assert NodeSettings(Path("spool"), ARCHIVE, title=title, callers=(title,)).title == title


@pytest.mark.parametrize("title", ["", " A", "A ", "Ä"])
def test_titles_that_dicom_does_not_allow_are_refused(title: str) -> None:
    with pytest.raises(ConfigurationError, match="is no application entity title"):
        NodeSettings(Path("spool"), ARCHIVE, title=title)


def test_a_limit_of_nothing_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="A limit of the node is not above 0"):
        NodeLimits(n_associations=0)


def test_the_page_names_options_that_exist_each_state_and_metrics_that_are_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    known = ""
    for job in ("serve", "web", "pseudonyms"):
        with pytest.raises(SystemExit):
            main(["dicom", job, "--help"])
        known += capsys.readouterr().out
    assert set(re.findall(r"--[a-z][a-z-]+", PAGE)) <= set(re.findall(r"--[a-z][a-z-]+", known))
    assert tuple(re.findall(r"^\| (\w+) \| ", PAGE.split("## From an archive")[0], re.MULTILINE)) == (
        "state",
        *get_args(State),
    )
    with closing(StudyQueue(tmp_path / "queue.db", 1.0)) as queue:
        counted = NodeMetrics(queue).text().decode()
    assert [name for name in re.findall(r"fairtune_node_\w+", PAGE) if name not in counted] == []


def test_the_unit_file_gives_the_command_options_that_exist(capsys: pytest.CaptureFixture[str]) -> None:
    unit = (Path(__file__).parents[2] / "docs" / "dicom_node" / "monai-fairtune-node.service").read_text()
    command = re.search(r"ExecStart=\S+ dicom serve (.*)\nRestart", unit, re.DOTALL)
    assert command is not None
    assert main(["dicom", "serve", *command[1].replace("\\\n", " ").split(), "--max-images", "0"]) == 2
    assert "A limit of the node is not above 0" in capsys.readouterr().err
