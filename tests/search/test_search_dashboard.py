from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest

from tests.search.worlds import SETTINGS, search
from tests.servers.processes import free_port


@pytest.mark.server
def test_optuna_dashboard_opens_the_study_and_listens_on_this_machine_alone(tmp_path: Path) -> None:
    pytest.importorskip("optuna_dashboard", reason="optuna-dashboard is not installed")
    search(tmp_path)
    port = free_port()
    program = Path(sys.executable).with_name("optuna-dashboard")
    with (tmp_path / "log.txt").open("wb") as log:
        process = subprocess.Popen(
            [str(program), f"sqlite:///{tmp_path / 'study.db'}", "--port", str(port)], stdout=log, stderr=log
        )
        try:
            (study,) = answer(port, "/api/studies")["study_summaries"]
            found = answer(port, f"/api/studies/{study['study_id']}?after=0")
            listening = subprocess.run(["ss", "-ltn"], capture_output=True, text=True).stdout
        finally:
            process.kill()
            process.wait()
    assert study["study_name"] == "monai-fairtune"
    assert [trial["number"] for trial in found["trials"]] == list(range(SETTINGS.n_trials))
    assert {trial["state"] for trial in found["trials"]} <= {"Complete", "Pruned"}
    assert f"0.0.0.0:{port}" not in listening


def answer(port: int, path: str) -> dict[str, Any]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with suppress(URLError), opener.open(f"http://127.0.0.1:{port}{path}", timeout=10) as reply:
            found: dict[str, Any] = json.loads(reply.read())
            return found
        time.sleep(0.2)
    raise AssertionError("optuna-dashboard does not answer")
