from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "command",
    [["lint-imports"], ["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"]],
    ids=["rooms", "style", "format", "types"],
)
def test_the_repository_passes_its_checks(command: list[str]) -> None:
    outcome = run(str(BIN / command[0]), *command[1:])
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


def test_importing_the_package_loads_no_heavy_library_and_no_warning() -> None:
    heavy = "torch monai timm optuna pandas sklearn matplotlib pydicom"
    code = f"import sys, monai_fairtune; print([name for name in {heavy.split()} if name in sys.modules])"
    outcome = run(sys.executable, "-W", "error", "-c", code)
    assert (outcome.stdout.strip(), outcome.stderr) == ("[]", "")


def test_a_search_with_a_tuner_of_ones_own_loads_neither_monai_nor_ignite() -> None:
    code = "import sys, monai_fairtune.search; print({'monai', 'ignite'} & set(sys.modules))"
    assert run(sys.executable, "-c", code).stdout.strip() == "set()"


def test_no_file_of_the_package_is_longer_than_three_hundred_lines() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in (ROOT / "monai_fairtune").rglob("*.py")}
    assert {path.name: n for path, n in lengths.items() if n > 300} == {}


@pytest.mark.parametrize("name", ["demo", "test"])
def test_the_readme_names_each_command_in_one_line_that_continuous_integration_runs(name: str) -> None:
    readme = (ROOT / "README.md").read_text()
    block = re.search(rf"<!-- command: {name} -->\n```bash\n(.*)\n```\n", readme)
    assert block is not None
    assert block[1].startswith("python3 -m venv .venv && .venv/bin/pip install")
    assert "for name in demo test" in (ROOT / ".ci" / "run").read_text()


def test_every_local_link_of_the_documentation_leads_somewhere() -> None:
    pages = [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "bundles").rglob("*.md"),
    ]
    broken = [
        (page.name, target)
        for page in pages
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text())
        if not (page.parent / target).exists()
    ]
    assert broken == []


def test_no_large_file_is_in_the_repository() -> None:
    listed = run("git", "ls-files", "-z").stdout.split("\0")
    large = [name for name in listed if name and (ROOT / name).exists() and (ROOT / name).stat().st_size > 3_500_000]
    assert large == []
