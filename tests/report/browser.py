"""Pages in a real browser: what it measures, logs, requests and prints."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import threading
from functools import partial
from html import unescape
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

__all__ = ["measure", "print_page", "requests", "require_chromium"]

_CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
_FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--allow-file-access-from-files"),
    *(
        "--disable-extensions",
        "--disable-default-apps",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        "--enable-logging=stderr",
        "--virtual-time-budget=4000",
    ),
]
_FRAME = """<!doctype html><title>frame</title>
<iframe src="report.html" style="width:WIDTHpx;height:900px;border:0"></iframe>
<pre></pre><script>
addEventListener("load", () => {
  const view = document.querySelector("iframe").contentWindow, page = view.document, root = page.documentElement;
  const shown = (selector) => [...page.querySelectorAll(selector)].filter((e) => e.getBoundingClientRect().width > 0);
  const found = (() => { MEASURE })();
  document.querySelector("pre").textContent = JSON.stringify(found);
});
</script>"""


def require_chromium() -> None:
    """Skips the test where there is no browser."""
    if _CHROMIUM is None:
        pytest.skip("no Chromium on this machine; install it, for instance with apt-get install chromium")


def measure(folder: Path, script: str, width: int = 1280) -> tuple[Any, str]:
    """Opens ``report.html`` in a frame of a width; returns what the script returns, and the browser's log.

    Args:
        folder: holds the page.
        script: body of a function; knows ``page``, ``view``, ``root`` and ``shown(selector)``.
        width: of the frame, in pixels.
    """
    frame = folder / "frame.html"
    frame.write_text(_FRAME.replace("WIDTH", str(width)).replace("MEASURE", script), encoding="utf-8")
    ran = _run(folder, "--dump-dom", frame.as_uri())
    found = re.search(r"<pre>(.*?)</pre>", ran.stdout, re.DOTALL)
    assert found is not None, ran.stderr[-2000:]
    assert found[1], ran.stderr[-2000:]
    return json.loads(unescape(found[1])), ran.stderr


def requests(folder: Path) -> list[str]:
    """Opens ``report.html`` from a server of our own; returns every address that the page made the browser ask for.

    The browser's own addresses, which it asks for whatever page is open, have another initiator and are left out;
    nothing outside this machine is resolved.
    """
    handler = partial(_Silent, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        origin = f"http://127.0.0.1:{server.server_port}"
        log = folder / "net.json"
        _run(folder, "--dump-dom", f"--log-net-log={log}", f"{origin}/report.html")
        server.shutdown()
    events = json.loads(log.read_text(encoding="utf-8"))["events"]
    asked = [event["params"] for event in events if {"url", "method"} <= set(event.get("params") or {})]
    return [p["url"] for p in asked if origin in p["url"] or origin in str(p.get("initiator"))]


class _Silent(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        """Says nothing."""


def print_page(folder: Path, page: str = "report.html") -> list[str]:
    """Prints a page and returns the text of each sheet."""
    if shutil.which("pdftotext") is None:
        pytest.skip("no pdftotext on this machine; install it, for instance with apt-get install poppler-utils")
    paper = folder / "page.pdf"
    _run(folder, f"--print-to-pdf={paper}", "--no-pdf-header-footer", (folder / page).as_uri())
    told = subprocess.run(["pdftotext", "-layout", str(paper), "-"], capture_output=True, text=True, check=True)
    return told.stdout.split("\f")[:-1]


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(_CHROMIUM), *_FLAGS, f"--user-data-dir={folder / 'profile'}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)
