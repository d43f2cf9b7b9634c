"""A stand-in for ``monai-fairtune`` on a cluster: behaves as a worker towards the scheduler, and trains nothing.

Epochs take half a second. USR1 and TERM end the current epoch and then the process, with exit code 75. The file
``enough`` in the output folder says that the search is over. What it does is written to ``events-TASK`` there.
``--exit_code N`` makes it fail at once; ``--deaf`` makes it a worker that is still importing, so that signals kill it.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType


def work(output: Path) -> int:
    """Returns the exit code of a worker."""
    told: list[str] = []

    def note(event: str) -> None:
        with (output / f"events-{os.environ.get('SLURM_ARRAY_TASK_ID', '0')}").open("a", encoding="utf-8") as file:
            file.write(event + "\n")

    def listen(number: int, frame: FrameType | None) -> None:
        told.append(signal.Signals(number).name)

    if "--deaf" not in sys.argv:
        signal.signal(signal.SIGUSR1, listen)
        signal.signal(signal.SIGTERM, listen)
    note("start")
    if "--exit_code" in sys.argv:
        return int(sys.argv[sys.argv.index("--exit_code") + 1])
    while not (output / "enough").exists():
        time.sleep(0.5)
        if told:
            note(told[0])
            return 75
    note("enough")
    return 0


if __name__ == "__main__":
    sys.exit(work(Path(sys.argv[sys.argv.index("--output_dir") + 1])))
