"""The page in a real browser, at the width of a phone and of a desktop."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from monai_fairtune.report import write_report
from monai_fairtune.testing.example_result import example_result

pytestmark = pytest.mark.browser

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--allow-file-access-from-files"),
    *("--enable-logging=stderr", "--virtual-time-budget=4000", "--dump-dom"),
]
FRAME = """<!doctype html><title>frame</title>
<iframe src="report.html" style="width:WIDTHpx;height:900px;border:0"></iframe>
<pre></pre><script>
addEventListener("load", () => {
  const page = document.querySelector("iframe").contentDocument, root = page.documentElement;
  const shown = (selector) => [...page.querySelectorAll(selector)].filter((e) => e.getBoundingClientRect().width > 0);
  const outside = shown("body *").filter((e) => !e.closest(".scroll, svg, .skip")
    && e.getBoundingClientRect().right > root.clientWidth + 0.5).map((e) => e.outerHTML.slice(0, 120));
  document.querySelector("pre").textContent = JSON.stringify({
    scroll: root.scrollWidth, width: root.clientWidth, outside,
    plots: shown("figure svg").length, figures: page.querySelectorAll("figure").length,
    small: shown("figure svg text").filter((e) => e.getBoundingClientRect().height < 9).length,
  });
});
</script>"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine; install it, for instance with apt-get install chromium")
    folder = tmp_path_factory.mktemp("page")
    names = ["<script>alert(1)</script>", "x" * 200, "مستشفى الملك"]
    result = example_result({"age:60": ["[0,60)", "[60,inf)"], "site": names}, n_trials=30, n_epochs=3)
    result["network"]["backbone"] = "b" * 300
    (folder / "result.json").write_text(json.dumps(result), encoding="utf-8")
    write_report(folder)
    return folder


def look(folder: Path, width: int) -> tuple[dict[str, Any], str]:
    """Opens the page in a frame of the given width; returns its measures and what the browser logged."""
    (folder / "frame.html").write_text(FRAME.replace("WIDTH", str(width)), encoding="utf-8")
    command = [str(CHROMIUM), *FLAGS, f"--user-data-dir={folder / 'profile'}", (folder / "frame.html").as_uri()]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120)
    found = re.search(r"<pre>(.*?)</pre>", ran.stdout, re.DOTALL)
    assert found is not None, ran.stderr[-2000:]
    measured: dict[str, Any] = json.loads(unescape(found[1]))
    return measured, ran.stderr


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_fits_its_width_and_logs_no_error(folder: Path, width: int) -> None:
    measured, log = look(folder, width)
    assert measured["scroll"] <= measured["width"] <= width
    assert measured["outside"] == []
    assert measured["plots"] == measured["figures"] >= 8
    assert measured["small"] == 0, "text of a plot is too small to read"
    assert "CONSOLE" not in log
