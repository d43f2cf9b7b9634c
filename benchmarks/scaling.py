"""How many trials an hour more workers give, and what a trial costs besides its training.

    python benchmarks/scaling.py [--quick] [--json]

A sleeping tuner takes the place of training, so that processors that workers share do not limit them. On SQLite a
driver plans for worker processes; around PostgreSQL (a server of the benchmark's own, left out where PostgreSQL is
absent) equal processes share the search. The rate is counted from the first trials that end to the last one: how long
processes take to start is left out. The overhead is that of a search in one process whose training takes no time:
planning, metrics, records, Optuna's study.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from machine import describe

sys.path.insert(0, str(Path(__file__).parents[1]))

from monai_fairtune.objectives import WorstGroupAUROC
from monai_fairtune.search import Experiment, SearchSettings, search_masks
from monai_fairtune.testing.forked import ForkStarter, fork
from monai_fairtune.testing.function_tuner import FunctionTuner, Job
from tests.search.worlds import partition, planted, world

WORKERS = (1, 2, 4, 8)


@dataclass(frozen=True)
class Sleeping:
    """One search of a sleeping tuner."""

    folder: Path
    n_trials: int
    n_workers: int
    seconds: float
    storage: str | None = None
    n_bits: int = 12

    def __call__(self, **more: Any) -> dict[str, Any]:
        space = partition(self.n_bits)
        settings = SearchSettings(
            n_trials=self.n_trials,
            max_epochs=1,
            n_finalists=1,
            n_seeds=1,
            n_replicates=100,
            n_ahead=max(4, self.n_workers),
        )
        return search_masks(
            FunctionTuner(world(planted), self.sleep),
            space,
            WorstGroupAUROC(["age:60"]),
            anchors={"head only": space.head_only()},
            output_dir=self.folder,
            settings=settings,
            experiment=Experiment(("age:60",)),
            storage=self.storage,
            progress=False,
            n_threads=1,
            **more,
        )

    def sleep(self, job: Job, epoch: int) -> None:  # noqa: ARG002 - the form of an interruption
        time.sleep(self.seconds)
        with (self.folder / "ends.txt").open("a") as file:
            file.write(f"{time.time()}\n")

    def rate(self) -> float:
        """Trials an hour, from the end of the first trial of each worker on."""
        ends = sorted(map(float, (self.folder / "ends.txt").read_text().split()))[1 : self.n_trials]
        return 3600 * (len(ends) - self.n_workers) / (ends[-1] - ends[self.n_workers - 1])


def on_sqlite(search: Sleeping) -> None:
    """A driver and its workers."""
    search(n_workers=search.n_workers, start_worker=ForkStarter(lambda **_: search(n_workers=search.n_workers)))


def around_postgresql(search: Sleeping) -> None:
    """Equal processes."""
    processes = [fork(search, search.folder / f"{place}.log") for place in range(search.n_workers)]
    codes = [process.wait(600) for process in processes]
    if any(codes):
        raise SystemExit(f"processes ended with {codes}: see {search.folder}")


@contextmanager
def database() -> Iterator[str | None]:
    """The address of an empty database, or None where PostgreSQL is absent."""
    from tests.servers.postgres import PostgresServer, postgres_programs

    if postgres_programs() is None:
        yield None
        return
    server = PostgresServer()
    try:
        server.start()
        found = server.create_database()
        os.environ.update(found.environment)
        yield found.url
    finally:
        server.close()


def measure(n_workers: int, rounds: int, seconds: float, *, is_server: bool) -> float | None:
    """Returns trials an hour."""
    with tempfile.TemporaryDirectory() as folder:
        n_trials = 1 + rounds * n_workers
        if not is_server:
            search = Sleeping(Path(folder), n_trials, n_workers, seconds)
            on_sqlite(search)
            return search.rate()
        with database() as url:
            if url is None:
                return None
            search = Sleeping(Path(folder), n_trials, n_workers, seconds, url)
            around_postgresql(search)
            return search.rate()


def overhead(n_trials: int) -> float:
    """Returns seconds a trial besides training, over the last quarter of a search of 48 bits in one process."""
    with tempfile.TemporaryDirectory() as folder:
        search = Sleeping(Path(folder), n_trials, 1, 0.0, n_bits=48)
        search()
        ends = sorted(map(float, (Path(folder) / "ends.txt").read_text().split()))[:n_trials]
    last = ends[-n_trials // 4 :]
    return (last[-1] - last[0]) / (len(last) - 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer trials: within 10 minutes")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    rounds, seconds, n_trials = (5, 4.0, 100) if options.quick else (8, 6.0, 200)
    about = describe("optuna", "sqlalchemy", "psycopg")
    found: dict[str, dict[int, float]] = {"sqlite": {}, "postgresql": {}}
    for n_workers in WORKERS:
        for name, rates in found.items():
            rate = measure(n_workers, rounds, seconds, is_server=name == "postgresql")
            if rate is not None:
                rates[n_workers] = rate
    cost = overhead(n_trials)
    shares = {name: {n: rate / (n * rates[1]) for n, rate in rates.items()} for name, rates in found.items() if rates}
    result = {"share_of_linear": shares, "trials_per_hour": found, "overhead_seconds": cost, "overhead_60": cost / 60}
    if options.json:
        print(json.dumps({**about, **result}))
        return
    print(*(f"{name}: {value}" for name, value in about.items()), sep="\n")
    print(f"\nA trial sleeps {seconds:g} s.\n           share of linear, %        trials an hour")
    print("workers     sqlite  postgresql      sqlite  postgresql")
    for n in WORKERS:
        ratio = [f"{100 * shares[name][n]:.1f}" if name in shares else "-" for name in found]
        rate_texts = [f"{rates[n]:.0f}" if rates else "-" for rates in found.values()]
        print(f"{n:7}{ratio[0]:>11}{ratio[1]:>12}{rate_texts[0]:>12}{rate_texts[1]:>12}")
    share = 100 * cost / 60
    print(f"\nBesides training: {share:.2f} % of a trial that trains 60 s ({cost:.3f} s, 48 bits, {n_trials} trials)")


if __name__ == "__main__":
    main()
