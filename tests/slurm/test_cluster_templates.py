"""The templates for clusters are whole, and hold no secret."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

DOCS = Path(__file__).parents[2] / "docs"
SCRIPT = DOCS / "cluster" / "slurm_array.sh"
MANIFEST = DOCS / "cluster" / "kubernetes_job.yaml"
PAGE = (DOCS / "cluster.md").read_text(encoding="utf-8")


@pytest.fixture
def job() -> dict[str, Any]:
    found = {part["kind"]: part for part in yaml.safe_load_all(MANIFEST.read_text(encoding="utf-8"))}
    assert set(found) == {"PersistentVolumeClaim", "Job"}
    claims = [v["persistentVolumeClaim"]["claimName"] for v in volumes(found["Job"]) if "persistentVolumeClaim" in v]
    assert claims == [found["PersistentVolumeClaim"]["metadata"]["name"]]
    assert found["PersistentVolumeClaim"]["spec"]["accessModes"] == ["ReadWriteMany"]
    return dict(found["Job"])


def volumes(job: dict[str, Any]) -> list[dict[str, Any]]:
    return list(job["spec"]["template"]["spec"]["volumes"])


def test_bash_can_read_the_slurm_template() -> None:
    ran = subprocess.run(["bash", "-n", str(SCRIPT)], capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_shellcheck_finds_nothing_in_the_slurm_template() -> None:
    if shutil.which("shellcheck") is None:
        pytest.skip("no shellcheck on this machine; install it, for instance with apt-get install shellcheck")
    ran = subprocess.run(["shellcheck", str(SCRIPT)], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout


def test_the_slurm_options_stand_before_the_first_command() -> None:
    lines = SCRIPT.read_text(encoding="utf-8").splitlines()
    last = max(number for number, line in enumerate(lines) if line.startswith("#SBATCH"))
    assert all(line.startswith("#") for line in lines[: last + 1])
    options = dict(re.findall(r"^#SBATCH --([\w-]+)(?:=(\S+))?$", "\n".join(lines), re.MULTILINE))
    assert re.fullmatch(r"B:USR1@\d+", options["signal"])
    assert {"array", "requeue", "gres", "time"} <= set(options)
    assert options["open-mode"] == "append"


def test_every_index_of_the_kubernetes_job_runs_at_once(job: dict[str, Any]) -> None:
    spec = job["spec"]
    assert (spec["completionMode"], spec["completions"]) == ("Indexed", spec["parallelism"])


def test_exit_code_75_counts_as_no_failure_and_bad_input_ends_the_kubernetes_job(job: dict[str, Any]) -> None:
    rules = job["spec"]["podFailurePolicy"]["rules"]
    codes = {
        code: rule["action"]
        for rule in rules
        if "onExitCodes" in rule and rule["onExitCodes"]["operator"] == "In"
        for code in rule["onExitCodes"]["values"]
    }
    assert codes == {75: "Ignore", 2: "FailJob", 64: "FailJob"}
    assert {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget"}]} in rules
    pod = job["spec"]["template"]["spec"]
    assert {rule["onExitCodes"]["containerName"] for rule in rules if "onExitCodes" in rule} == {
        container["name"] for container in pod["containers"]
    }
    assert pod["restartPolicy"] == "Never"  # what Kubernetes demands of a job with such rules
    assert pod["terminationGracePeriodSeconds"] >= 300


def test_the_worker_of_the_kubernetes_job_gets_a_gpu_its_signals_its_secret_and_its_folders(
    job: dict[str, Any],
) -> None:
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["command"][:2] == ["monai-fairtune", "worker"]
    assert container["resources"]["limits"]["nvidia.com/gpu"] == 1
    assert [(variable["name"], "value" in variable) for variable in container["env"]] == [("PGPASSWORD", False)]
    assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in volumes(job)}


@pytest.mark.parametrize("path", [SCRIPT, MANIFEST, DOCS / "cluster.md"], ids=lambda path: path.name)
def test_no_address_of_a_database_holds_a_password(path: Path) -> None:
    addresses = re.findall(r"postgresql://\S+", path.read_text(encoding="utf-8"))
    assert addresses
    assert [address for address in addresses if re.match(r"postgresql://[^/@]*:[^/@]*@", address)] == []


def test_the_page_names_commands_that_exist(capsys: pytest.CaptureFixture[str]) -> None:
    from monai_fairtune.cli import main

    named = set(re.findall(r"^monai-fairtune (\w+)", PAGE, re.MULTILINE))
    assert named == {"worker", "status", "recover", "search"}
    for command in sorted(named):
        with pytest.raises(SystemExit) as ended:
            main([command, "--help"])
        assert ended.value.code == 0, capsys.readouterr().err
