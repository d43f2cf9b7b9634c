"""A real Orthanc of the test's own, an image archive with DICOMweb, on the loopback."""

from __future__ import annotations

import base64
import json
import secrets
import shutil
import subprocess
import tempfile
import urllib.request
from pathlib import Path
from typing import Any

from tests.servers.processes import find_programs, free_port, guard_folder, spawn, unprivileged_user, wait_until

__all__ = ["Orthanc", "orthanc_program"]

_PLUGINS = Path("/usr/share/orthanc/plugins")
_DICOMWEB = "libOrthancDicomWeb.so"


def orthanc_program() -> str | None:
    """Returns the path of Orthanc; None without it or without its DICOMweb plug-in."""
    found = find_programs(["Orthanc"], [Path("/usr/sbin")])
    return found["Orthanc"] if found and (_PLUGINS / _DICOMWEB).exists() else None


class Orthanc:
    """An archive with its data in a temporary folder; it ends with this process, however that ends.

    Attributes:
        title: its application entity title.
        dicom_port: of the loopback.
        http_port: likewise; REST and, under ``/dicom-web``, DICOMweb, for ``user`` and ``password``.
        user: who may use HTTP.
        password: drawn anew.
    """

    title = "ORTHANC"
    user = "tester"

    def __init__(self) -> None:
        """Starts it.

        Raises:
            FileNotFoundError: Orthanc is not installed.
        """
        program = orthanc_program()
        if program is None:
            raise FileNotFoundError("Orthanc is not installed. Install it: apt-get install orthanc orthanc-dicomweb.")
        self.folder = Path(tempfile.mkdtemp(prefix="orthanc-"))
        self._guard = guard_folder(self.folder)
        self.dicom_port, self.http_port, self.password = free_port(), free_port(), secrets.token_urlsafe(12)
        (self.folder / "orthanc.json").write_text(json.dumps(self._configuration()), encoding="utf-8")
        user = unprivileged_user("orthanc")
        if user is not None:
            for path in (self.folder, *self.folder.iterdir()):
                shutil.chown(path, user)
        command = [program, str(self.folder / "orthanc.json")]
        self._process: subprocess.Popen[bytes] = spawn(command, self.folder / "log", user=user)
        try:
            wait_until(self._answers, "Orthanc answers")
        except BaseException:
            self.close()
            raise

    @property
    def url(self) -> str:
        """Of its REST interface."""
        return f"http://127.0.0.1:{self.http_port}"

    def close(self) -> None:
        """Ends it and removes its folder."""
        self._process.kill()
        self._process.wait()
        self._guard.kill()
        self._guard.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def get(self, path: str) -> bytes:
        """Returns what a path of its REST interface answers."""
        return self._ask("GET", path, None)

    def post(self, path: str, body: Any) -> Any:
        """Returns the answer, as data, to a body of data."""
        return json.loads(self._ask("POST", path, json.dumps(body).encode()))

    def post_file(self, path: Path) -> None:
        """Stores a DICOM file."""
        self._ask("POST", "/instances", path.read_bytes())

    def put(self, path: str, body: Any) -> None:
        """Puts data."""
        self._ask("PUT", path, json.dumps(body).encode())

    def find(self, level: str, **query: str) -> list[str]:
        """Returns its own names of what complies with a query at a level, such as ``Study``."""
        return [str(name) for name in self.post("/tools/find", {"Level": level, "Query": query})]

    def run_lua(self, script: str) -> None:
        """Runs a Lua script, as one named in its configuration."""
        self._ask("POST", "/tools/execute-script", script.encode())

    def _ask(self, method: str, path: str, body: bytes | None) -> bytes:
        secret = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        headers = {"Authorization": f"Basic {secret}"}
        request = urllib.request.Request(self.url + path, body, headers, method=method)  # noqa: S310 - our own URL
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return bytes(answer.read())

    def _answers(self) -> bool:
        if self._process.poll() is not None:
            raise ChildProcessError((self.folder / "log").read_text(errors="replace")[-2000:])
        try:
            return bool(self.get("/system"))
        except OSError:
            return False

    def _configuration(self) -> dict[str, Any]:
        return {
            "Name": "test",
            "StorageDirectory": str(self.folder / "data"),
            "IndexDirectory": str(self.folder / "data"),
            "DicomAet": self.title,
            "DicomPort": self.dicom_port,
            "HttpPort": self.http_port,
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": True,
            "RegisteredUsers": {self.user: self.password},
            "ExecuteLuaEnabled": True,
            "DicomAlwaysAllowStore": True,
            "OverwriteInstances": True,
            "Plugins": [str(_PLUGINS / _DICOMWEB)],
            "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
        }
