"""Workers on several GPUs, of which nothing but the names is needed here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from monai_fairtune.bundle import count_workers, load_cohort, make_tuner, search_settings
from monai_fairtune.cohort import HeldSplit, Preprocessing, cache_images, hold_splits
from monai_fairtune.masks import FairTuneNetwork
from monai_fairtune.search.workers import WorkerRole
from monai_fairtune.testing.forked import ForkedProcess, ForkStarter, fork
from tests.bundle.bundle_runs import read_result
from tests.search import worlds
from tests.search.faults.commands import end
from tests.servers.postgres import Database

_QUICK = {"n_trials": 12, "max_epochs": 1, "n_startup_trials": 4, "n_finalists": 1, "n_seeds": 1, "n_replicates": 100}


@pytest.fixture(params=["SQLite", pytest.param("PostgreSQL", marks=pytest.mark.server)])
def storage(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str | None:
    if request.param == "SQLite":
        return None
    database: Database = request.getfixturevalue("database")
    monkeypatch.setenv("PGPASSWORD", database.password)
    return database.url


class Noting:
    """Starts workers and notes what they are told."""

    def __init__(self, start: ForkStarter) -> None:
        self.start, self.roles = start, list[WorkerRole]()

    def __call__(self, role: WorkerRole, environment: Mapping[str, str], log: Path) -> ForkedProcess:
        self.roles.append(role)
        return self.start(role, environment, log)


def test_workers_on_five_gpus_have_the_configuration_of_their_driver_although_each_sees_one_gpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, storage: str | None
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2,3,4")

    def search(**more: Any) -> dict[str, Any]:
        n_workers = count_workers(None, torch.device("cuda"))
        settings = search_settings(n_ahead=None, **_QUICK)
        where = {"storage": storage, "device_type": "cuda", "n_threads": 1}
        return worlds.search(tmp_path, settings, n_workers=n_workers, **where, **more)

    for _ in range(2):  # once finished, it returns what is stored
        process = fork(lambda: search(start_worker=ForkStarter(search)), tmp_path / "log.txt")
        assert end([process], logs=(tmp_path / "log.txt").read_text) == [0]
        assert read_result(tmp_path)["study"]["n_ahead"] == 5


def test_workers_that_share_a_gpu_are_told_how_many_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")

    def search(**more: Any) -> dict[str, Any]:
        settings = search_settings(**_QUICK)
        return worlds.search(tmp_path, settings, n_workers=3, device_type="cuda", n_threads=1, **more)

    start = Noting(ForkStarter(search))
    search(start_worker=start)
    assert [role.n_sharing for role in start.roles] == [2, 1, 2]


def test_the_tuner_of_a_worker_takes_its_part_of_a_gpu_that_others_share(
    manifest: Path, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[int] = []

    def hold(*arguments: Any, n_sharing: int, **options: Any) -> dict[str, HeldSplit]:
        taken.append(n_sharing)
        return hold_splits(*arguments, n_sharing=n_sharing, **options)

    monkeypatch.setattr("monai_fairtune.bundle.tuner.hold_splits", hold)
    cohort, preprocessing = load_cohort(manifest, "sex"), Preprocessing(16)
    images = cache_images(cohort, preprocessing, tmp_path / "cache", progress=False)
    role = WorkerRole("w", str(tmp_path / "output"), "error", None, 1, 4, n_sharing=2, driver=1)
    ((name, value),) = role.to_environment().items()
    for environment, output_dir in (("", "output"), (value, "another"), (value, "output")):
        monkeypatch.setenv(name, environment) if environment else monkeypatch.delenv(name, raising=False)
        make_tuner(
            network=FairTuneNetwork("monai_fairtune.masks.tiny_vit", weights, image_size=16),
            cohort=cohort,
            images=images,
            preprocessing=preprocessing,
            augmentation=None,
            device=torch.device("cpu"),
            output_dir=tmp_path / output_dir,
        )
    assert taken == [1, 1, 2]
