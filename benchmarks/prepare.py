"""What `monai-fairtune prepare --resize` costs beside decoding and resizing alone.

    python benchmarks/prepare.py [--quick] [--json] [--n N] [--n-workers N] [--folder FOLDER]

A download in the layout of HAM10000 is written with JPEG files of 600 x 450 pixels. "decode, resize" is a loop over
all of them in as many processes and nothing else: no table, no files written, the start of processes not counted.
"decode, resize, write" compresses and writes as well, which the first leaves out and no command can. "prepare" is the
whole command from an empty folder to the manifest: reading the table, decoding, resizing, writing PNG files. Then the
same with one thread, the same command again, which finds every image written, and the manifest without resizing. All
of it alternates over three rounds. The first two columns are shares of the limit that "decode, resize" sets, on the
clock and of the processors' time, which other work on the machine disturbs less. For some minutes after many files
were deleted, some file systems (ext4) take longer to make new ones.
"""

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from machine import describe, show
from PIL import Image

from monai_fairtune.cohort.decoding import decode_image
from monai_fairtune.cohort.hashing import n_threads
from monai_fairtune.cohort.readers import HAM10000, prepare_cohort
from monai_fairtune.cohort.readers.pictures import PictureWriter
from monai_fairtune.cohort.transforms import AntialiasedResized

SIZE = 224
RESIZE = AntialiasedResized("image", SIZE)
BARE = "decode, resize"
N_ROUNDS = 3
N_PICTURES = 50  # different pictures, so that writing them does not take longer than reading them


def write_download(root: Path, n: int) -> None:
    """Writes a table and ``n`` files; a picture is smooth with grain, and compresses about as a photograph does."""
    rng = np.random.default_rng(0)
    (root / "HAM10000_images_part_1").mkdir(parents=True)
    pictures = []
    for number in range(min(n, N_PICTURES)):
        coarse = Image.fromarray(rng.integers(60, 220, (12, 16, 3), dtype=np.uint8)).resize(
            (600, 450), Image.Resampling.BICUBIC
        )
        grain = rng.normal(0, 6, (450, 600, 3))
        picture = Image.fromarray((np.asarray(coarse) + grain).clip(0, 255).astype(np.uint8))
        picture.save(root / f"{number}.jpeg", quality=90)
        pictures.append((root / f"{number}.jpeg").read_bytes())
        (root / f"{number}.jpeg").unlink()
    lines = ["lesion_id,image_id,dx,dx_type,age,sex,localization"]
    for number in range(n):
        name = f"ISIC_{number:07}"
        (root / "HAM10000_images_part_1" / f"{name}.jpg").write_bytes(pictures[number % len(pictures)])
        lines.append(f"HAM_{number:07},{name},{'mel' if number % 5 == 0 else 'nv'},histo,50.0,male,back")
    (root / "HAM10000_metadata").write_text("\n".join(lines) + "\n")


@dataclass(frozen=True)
class Taken:
    """What a piece of work took: seconds on the clock, and of all processors."""

    seconds: float
    processor: float


def take(work: Callable[[], object]) -> Taken:
    start, start_processor = time.perf_counter(), time.process_time()
    work()
    return Taken(time.perf_counter() - start, time.process_time() - start_processor)


def decode_and_resize(root: Path, name: str) -> None:
    RESIZE({"image": torch.from_numpy(decode_image(root / name))})


def one_by_one(work: Callable[[str], None], names: Sequence[str]) -> float:
    """Returns the processor's seconds."""
    torch.set_num_threads(1)
    start = time.process_time()
    for name in names:
        work(name)
    return time.process_time() - start


def in_processes(pool: ProcessPoolExecutor, work: Callable[[str], None], shares: Sequence[Sequence[str]]) -> Taken:
    """Does a piece of work for every image, a share in each process."""
    start = time.perf_counter()
    processor = sum(pool.map(partial(one_by_one, work), shares))
    return Taken(time.perf_counter() - start, processor)


def measure(folder: Path, n: int, n_workers: int) -> dict[str, Any]:
    root = folder / "download"
    write_download(root, n)
    names = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.jpg"))
    shares = [names[k::n_workers] for k in range(n_workers)]
    prepare = partial(prepare_cohort, HAM10000(), root, progress=False)
    bare = partial(decode_and_resize, root)
    rounds: dict[str, list[Taken]] = {}
    with ProcessPoolExecutor(n_workers, multiprocessing.get_context("spawn")) as pool:
        in_processes(pool, bare, [share[:2] for share in shares for _ in range(4)])  # libraries are loaded
        for k in range(N_ROUNDS):
            write = PictureWriter(root, folder / f"w{k}", None, SIZE)
            rounds.setdefault(BARE, []).append(in_processes(pool, bare, shares))
            rounds.setdefault("decode, resize, write", []).append(in_processes(pool, write, shares))
            works = {
                "prepare": partial(prepare, folder / f"a{k}", resize=SIZE, n_workers=n_workers),
                "prepare, one thread": partial(prepare, folder / f"b{k}", resize=SIZE),
                "prepare again": partial(prepare, folder / f"a{k}", resize=SIZE, n_workers=n_workers),
                "prepare, not resized": partial(prepare, folder / f"c{k}"),
            }
            for label, work in works.items():
                rounds.setdefault(label, []).append(take(work))
    return {**summarize(rounds, n), "n": n, "n_workers": n_workers, "n_rounds": N_ROUNDS}


def summarize(rounds: Mapping[str, Sequence[Taken]], n: int) -> dict[str, Any]:
    """Returns medians over the rounds; a ratio is taken within each, since other work slows both alike."""

    def median_of(figure: Callable[[Taken, Taken], float]) -> dict[str, float]:
        return {
            label: median(figure(one, limit) for one, limit in zip(taken, rounds[BARE], strict=True))
            for label, taken in rounds.items()
        }

    return {
        "ratios": median_of(lambda one, limit: limit.seconds / one.seconds),
        "ratios_of_processor": median_of(lambda one, limit: limit.processor / one.processor),
        "images_per_second": median_of(lambda one, _: n / one.seconds),
        "seconds": median_of(lambda one, _: one.seconds),
        "processor_seconds": median_of(lambda one, _: one.processor),
    }


def print_table(found: Mapping[str, Any]) -> None:
    print(f"n: {found['n']}", f"n_workers: {found['n_workers']}", f"n_rounds: {found['n_rounds']}", "", sep="\n")
    print(f"{'':24}{'ratio':>8}{'processor':>11}{'images/s':>10}{'seconds':>10}{'processor':>11}")
    for label, ratio in found["ratios"].items():
        print(
            f"{label:24}{ratio:8.2f}{found['ratios_of_processor'][label]:11.2f}"
            f"{found['images_per_second'][label]:10.0f}{found['seconds'][label]:10.1f}"
            f"{found['processor_seconds'][label]:11.1f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="2,000 images instead of 10,015")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--n", type=int, help="another number of images")
    parser.add_argument(
        "--n-workers", type=int, default=n_threads(), help="processes, or threads (default: %(default)s)"
    )
    parser.add_argument("--folder", type=Path, help="on the disk to measure; by default the one for temporary files")
    options = parser.parse_args()
    n = options.n or (2000 if options.quick else 10_015)
    about = describe("pillow", "numpy", "torch", "monai")
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        show(about, measure(Path(name), n, options.n_workers), print_table, as_json=options.json)


if __name__ == "__main__":
    main()
