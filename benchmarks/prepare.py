"""What `monai-fairtune prepare --resize` costs beside decoding and resizing alone.

    python benchmarks/prepare.py [--quick] [--json] [--n N] [--n-workers N] [--folder FOLDER]

A download in the layout of HAM10000 is written with JPEG files of 600 x 450 pixels. "decode, resize" is a loop over all
of them in as many processes and nothing else: no table, no files written, the start of processes not counted. "prepare"
is the whole command from an empty folder to the manifest: reading the table, starting processes, decoding, resizing,
writing PNG files. Then the same with one process, the same command again, which finds every image written, and the
manifest without resizing.
"""

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from machine import describe, show
from PIL import Image

from monai_fairtune.cohort.decoding import decode_image
from monai_fairtune.cohort.hashing import n_threads
from monai_fairtune.cohort.readers import HAM10000, prepare_cohort
from monai_fairtune.cohort.transforms import AntialiasedResized

SIZE = 224
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


def decode_and_resize(paths: Sequence[Path]) -> None:
    torch.set_num_threads(1)
    resize = AntialiasedResized("image", SIZE)
    for path in paths:
        resize({"image": torch.from_numpy(decode_image(path))})


def bare(root: Path, n_workers: int) -> float:
    """Returns the seconds of decoding and resizing alone."""
    paths = sorted((root / "HAM10000_images_part_1").iterdir())
    shares = [paths[k::n_workers] for k in range(n_workers)]
    with ProcessPoolExecutor(n_workers, multiprocessing.get_context("spawn")) as pool:
        list(pool.map(decode_and_resize, [share[:2] for share in shares for _ in range(4)]))  # libraries are loaded
        return seconds(lambda: list(pool.map(decode_and_resize, shares)))


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def measure(folder: Path, n: int, n_workers: int) -> dict[str, Any]:
    root = folder / "download"
    write_download(root, n)
    prepare = partial(prepare_cohort, HAM10000(), root, progress=False)
    taken = {
        "decode, resize": bare(root, n_workers),
        "prepare": seconds(partial(prepare, folder / "a", resize=SIZE, n_workers=n_workers)),
        "prepare, one process": seconds(partial(prepare, folder / "b", resize=SIZE)),
        "prepare again": seconds(partial(prepare, folder / "a", resize=SIZE, n_workers=n_workers)),
        "prepare, not resized": seconds(partial(prepare, folder / "c")),
    }
    rates = {label: n / value for label, value in taken.items()}
    return {
        "ratios": {label: rate / rates["decode, resize"] for label, rate in rates.items()},
        "images_per_second": rates,
        "seconds": taken,
        "n": n,
        "n_workers": n_workers,
    }


def print_table(found: Mapping[str, Any]) -> None:
    print(f"n: {found['n']}", f"n_workers: {found['n_workers']}", "", sep="\n")
    print(f"{'':24}{'ratio':>8}{'images/s':>10}{'seconds':>10}")
    for label, ratio in found["ratios"].items():
        print(f"{label:24}{ratio:8.2f}{found['images_per_second'][label]:10.0f}{found['seconds'][label]:10.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="2,000 images instead of 10,015")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--n", type=int, help="another number of images")
    parser.add_argument("--n-workers", type=int, default=n_threads(), help="processes (default: %(default)s)")
    parser.add_argument("--folder", type=Path, help="on the disk to measure; by default the one for temporary files")
    options = parser.parse_args()
    n = options.n or (2000 if options.quick else 10_015)
    about = describe("pillow", "numpy", "torch", "monai")
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        show(about, measure(Path(name), n, options.n_workers), print_table, as_json=options.json)


if __name__ == "__main__":
    main()
