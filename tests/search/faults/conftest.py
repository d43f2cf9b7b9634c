"""The searches that faults are put into, and how often: see ``--nightly``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, TypeAlias

import pytest

pytest.register_assert_rewrite("tests.search.faults.answers")

from monai_fairtune.exceptions import TuningError
from monai_fairtune.testing.forked import ForkedProcess
from tests.search.faults.answers import Reference
from tests.search.faults.commands import ONE, Command, Mode, kill
from tests.search.faults.injections import Ledger, Spot, make_tuner, raising
from tests.servers.fixtures import database, postgres, relay
from tests.servers.postgres import Database

__all__ = ["Commands", "References", "commands", "database", "postgres", "reference", "references", "relay", "spot"]

_N_SEEDS = 12
"""Runs of each fault in each mode with ``--nightly``, unless its mark ``seeds`` says otherwise; without, one."""

References: TypeAlias = Callable[[str | None], Reference]
Commands: TypeAlias = Callable[..., Command]


@pytest.fixture(scope="session")
def references(tmp_path_factory: pytest.TempPathFactory) -> References:
    """Returns what a search finds that nothing happens to, or in which one training diverges, given its key."""

    @cache
    def find(diverging: str | None) -> Reference:
        folder = tmp_path_factory.mktemp("reference")
        ledger = Ledger(folder / "ledger")
        command = Command(ONE, folder, folder / "out", make_tuner(ledger))
        if diverging is not None:
            act = raising(TuningError("Training diverged: the loss is nan. Lower the learning rate."))
            spot = Spot(diverging, find(None).seed(diverging), 1, 1, folder / "tokens")
            command = replace(command, make_tuner=make_tuner(ledger, spot.at(act, times=9)))
        command.search()
        return Reference.of(command)

    return find


@pytest.fixture(scope="session")
def reference(references: References) -> Reference:
    """What a search finds that nothing happens to."""
    return references(None)


@pytest.fixture
def commands(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Commands]:
    """Makes commands of this test's folder; around PostgreSQL, in a database of its own.

    What a tuner takes goes to the tuner: ``interrupt``, ``seconds``, ``on_test``; the rest to the command.
    """
    started: list[ForkedProcess] = []

    def make(mode: Mode, **more: Any) -> Command:
        tuner = {name: more.pop(name) for name in ("interrupt", "seconds", "on_test") if name in more}
        if mode.on_server:
            server: Database = request.getfixturevalue("database")
            more = {"storage": server.url, "environment": {"PGPASSWORD": server.password}, **more}
            request.getfixturevalue("monkeypatch").setenv("PGPASSWORD", server.password)
        more = {
            "folder": tmp_path,
            "output_dir": tmp_path / "out",
            "make_tuner": make_tuner(Ledger(tmp_path / "ledger"), **tuner),
            "started": started,
            **more,
        }
        return Command(mode, **more)

    yield make
    kill(started)


@pytest.fixture
def spot(reference: Reference, seed: int, tmp_path: Path) -> Spot:
    """Where the fault comes: first before the second epoch of a searched mask, then anywhere, drawn from the seed."""
    rng = Random(seed)  # noqa: S311 - no secret
    key = "00006" if seed == 0 else rng.choice(sorted(reference.records))
    n_epochs = len(reference.records[key]["epochs"])
    epoch = 2 if seed == 0 else rng.randint(1, n_epochs)
    return Spot(key, reference.seed(key), epoch, n_epochs, tmp_path / "tokens")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Runs each test that draws from a seed once, or with ``--nightly`` often."""
    if "seed" in metafunc.fixturenames:
        mark = metafunc.definition.get_closest_marker("seeds")
        n_seeds = int(mark.args[0]) if mark is not None else _N_SEEDS
        metafunc.parametrize("seed", range(n_seeds if metafunc.config.getoption("nightly") else 1))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Shows what the processes of a failed test said."""
    report = yield
    folder = getattr(item, "funcargs", {}).get("tmp_path")
    if report.failed and folder is not None:
        report.sections += [(path.name, path.read_text()[-4000:]) for path in sorted(folder.rglob("*.log"))]
    return report


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out what only a night has time for."""
    if not config.getoption("nightly"):
        late = [item for item in items if item.get_closest_marker("nightly") is not None]
        items[:] = [item for item in items if item not in late]
        config.hook.pytest_deselected(items=late)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Prints one line a fault."""
    if not config.getoption("nightly"):
        return
    runs: Counter[tuple[str, str]] = Counter()
    kills: Counter[str] = Counter()
    for outcome in ("passed", "failed", "skipped", "error"):
        for report in terminalreporter.stats.get(outcome, ()):
            name = report.nodeid.rpartition("::")[2].partition("[")[0]
            if name.startswith("test_fault_"):
                runs[name, outcome] += 1
                kills[name] += sum(value for key, value in report.user_properties if key == "kills")
    terminalreporter.section("faults")
    terminalreporter.write_line(f"{'runs':>5} {'passed':>6} {'failed':>6} {'kills':>5}  fault")
    for name in sorted({name for name, _ in runs}):
        n_runs = sum(count for (other, _), count in runs.items() if other == name)
        n_failed = runs[name, "failed"] + runs[name, "error"]
        words = name.removeprefix("test_fault_").replace("_", " ")
        terminalreporter.write_line(f"{n_runs:5} {runs[name, 'passed']:6} {n_failed:6} {kills[name] or '':>5}  {words}")
    n_passed = sum(count for (_, outcome), count in runs.items() if outcome == "passed")
    terminalreporter.write_line(f"{sum(runs.values()):5} {n_passed:6}  all, with {sum(kills.values())} random kills")
