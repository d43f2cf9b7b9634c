from __future__ import annotations

import json
from pathlib import Path

import pytest
from filelock import FileLock

from monai_fairtune.cli import main
from monai_fairtune.cli.status import status_text
from monai_fairtune.search.board import SqlBoard
from monai_fairtune.search.job import Job
from monai_fairtune.search.status import RunningJob, SearchStatus, read_status
from monai_fairtune.search.workers import local_board
from tests.search.worlds import search


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished search."""
    folder = tmp_path_factory.mktemp("search")
    search(folder)
    return folder


def test_status_of_a_finished_search_says_so(output: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--output-dir", str(output)]) == 0
    text = capsys.readouterr().out
    assert text.startswith("Finished.")
    assert "4 retrainings of finalists" in text
    assert main(["status", "--output-dir", str(output), "--watch", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["is_finished"]
    assert sum(found["trials"].values()) == found["n_trials"] == 20
    assert found["seconds_left"] is None


def test_status_tells_what_each_worker_is_at_and_the_time_left(output: Path) -> None:
    board = local_board(str(output / "board.db"))
    assert isinstance(board, SqlBoard)
    board.put([Job("00020", "search", 20), Job("00021", "search", 21)])
    lease = board.claim("host:7-0")
    assert lease is not None
    board.renew(lease, {"epoch": 2, "max_epochs": 3, "value": 0.81, "fold": None})
    status = read_status(output)
    (output / "board.db").unlink()
    assert [(job.doing, job.worker) for job in status.running] == [("trial 20, epoch 2/3 0.810", "host:7-0")]
    assert 100 < status.running[0].lease_seconds <= 120
    assert status.n_waiting == 1


def test_the_text_of_a_status_names_workers_faults_and_the_time_left() -> None:
    status = SearchStatus(
        is_finished=False,
        n_trials=50,
        trials={"complete": 8, "pruned": 2},
        n_retrainings=0,
        n_jobs=56,
        n_waiting=3,
        running=(RunningJob("trial 11, epoch 2/10 0.812", "host:41", 580.0),),
        faults={"killed": 2},
        best={"worst_group_auroc": 0.84},
        seconds_per_training=60.0,
        seconds_left=2760.0,
    )
    text = status_text(status)
    for expected in (
        "10 of 50 trials",
        "8 complete, 2 pruned",
        "0.840",
        "46 min left with 1 worker.",
        "host:41",
        "2 killed",
    ):
        assert expected in text


def test_status_of_a_search_whose_database_is_away_says_so_and_to_try_again_later(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("psycopg")
    monkeypatch.setitem(read_status.__kwdefaults__ or {}, "patience", 0.1)
    monkeypatch.setenv("FAIRTUNE_STORAGE", "postgresql://me:hunter2@127.0.0.1:1/x")
    assert main(["status", "--output-dir", str(tmp_path), "--storage", "environment"]) == 75
    told = capsys.readouterr().err
    assert "monai-fairtune: The database could not be reached for 0 s (reading the study; OperationalError)." in told
    assert "hunter2" not in told


def test_status_of_what_is_no_search_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--output-dir", str(tmp_path)]) == 2
    assert "There is no study here" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_recover_moves_damaged_results_aside_and_deletes_half_written_ones(
    output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged = output / "trials" / "00005" / "result.json"
    sound = damaged.read_text()
    damaged.write_text(sound[:40])
    (output / "trials" / "00006" / ".result.json.123").write_text("{")
    assert main(["recover", "--output-dir", str(output), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["n_damaged"], found["n_half_written"], found["n_results"]) == (1, 1, 23)
    assert damaged.with_name("result.json.damaged").exists()
    assert not damaged.exists()
    damaged.write_text(sound)


def test_recover_leaves_a_running_search_alone(output: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with FileLock(output / ".lock"):
        assert main(["recover", "--output-dir", str(output)]) == 75
    assert "repairs what it meets by itself" in capsys.readouterr().err


def test_a_worker_needs_a_database_server(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["worker", "--manifest", "m.csv", "--storage", "study.db"]) == 2
    assert "needs a database that others can reach" in capsys.readouterr().err


def test_a_password_in_an_address_is_refused_and_not_repeated(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["worker", "--manifest", "m.csv", "--storage", "postgresql://me:hunter2@db/x"]) == 2
    error = capsys.readouterr().err
    assert "holds a password" in error
    assert "hunter2" not in error
