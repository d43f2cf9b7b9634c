"""Processes that end with the process that started them, even when that is killed."""

from __future__ import annotations

import os
import pwd
import random
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.servers import guard

__all__ = ["as_user", "find_programs", "free_port", "guard_folder", "spawn", "unprivileged_user", "wait_until"]

# The kernel's signal at the parent's death is sent when the *thread* that started the child ends: this one stays.
_STARTER = ThreadPoolExecutor(1, thread_name_prefix="starter")


def unprivileged_user(*names: str) -> str | None:
    """Returns whom a server that refuses root runs as: the first of the users that exists; ``None`` if not root."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in (*names, "nobody") if name in known)


def as_user(user: str | None) -> list[str]:
    """Returns the words before a command that make it run as a user; none where the user is ``None``."""
    if user is None:
        return []
    group = str(pwd.getpwnam(user).pw_gid)
    return ["setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups", "--"]


def spawn(
    command: Sequence[str],
    log: Path,
    *,
    user: str | None = None,
    death_signal: str = "KILL",
    environment: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Starts a process in a session of its own: a terminal's signals do not end it, the end of this process does.

    Args:
        command: stays in the foreground.
        log: file that its output is appended to.
        user: whom it runs as; ``None`` means as we do.
        death_signal: what it receives when this process is gone, however that ended (Linux only).
        environment: of the process; by default ours.
    """
    words = as_user(user) or (["setpriv", "--"] if shutil.which("setpriv") else [])
    if words:
        words.insert(1, f"--pdeathsig={death_signal}")
    with log.open("ab") as output:

        def start() -> subprocess.Popen[bytes]:
            return subprocess.Popen(
                [*words, *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=environment,
                cwd=log.parent,
            )

        return _STARTER.submit(start).result()


def guard_folder(folder: Path) -> subprocess.Popen[bytes]:
    """Starts the process that clears a server's folder if this process is killed; kill it once the folder is closed."""
    return spawn([sys.executable, guard.__file__, str(folder)], folder / "guard.log", death_signal="TERM")


def find_programs(names: Sequence[str], folders: Sequence[Path]) -> dict[str, str] | None:
    """Returns the path of each program, all of one folder of ``PATH`` or of the folders; ``None`` if one is missing."""
    on_path = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    for folder in (*on_path, *folders):
        if all(os.access(folder / name, os.X_OK) for name in names):
            return {name: str(folder / name) for name in names}
    return None


def free_port() -> int:
    """Returns a port of the loopback that nobody uses.

    It lies below those that the kernel gives to outgoing connections, so it is still free after a restart.
    """
    for port in random.SystemRandom().sample(range(20_000, 32_000), 200):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("200 ports between 20000 and 32000 were all in use. Stop what uses them.")


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 30.0) -> None:
    """Waits until a condition holds.

    Raises:
        TimeoutError: naming what was waited for.
    """
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds:g} s.")
        time.sleep(0.02)
