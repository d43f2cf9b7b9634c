"""Small downloads with the layout, names and types of the true ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image


def write_picture(path: Path, *, size: tuple[int, int] = (12, 10), seed: int = 0) -> None:
    """Writes a random colour picture in the format of the file's ending."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)).save(path)


def write_lines(path: Path, lines: Sequence[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


HAM10000 = (
    "lesion_id,image_id,dx,dx_type,age,sex,localization",
    "HAM_0000118,ISIC_0027419,bkl,histo,80.0,male,scalp",
    "HAM_0000118,ISIC_0025030,bkl,histo,80.0,male,scalp",
    "HAM_0002761,ISIC_0029176,bcc,histo,60.0,female,face",
    "HAM_0001396,ISIC_0025276,mel,histo,55.0,female,trunk",
    "HAM_0004234,ISIC_0029396,akiec,histo,85.0,unknown,chest",
    "HAM_0003729,ISIC_0024306,nv,follow_up,0.0,male,back",
    "HAM_0001949,ISIC_0032258,nv,histo,,female,back",
    "HAM_0005678,ISIC_0031023,nv,histo,50.0,male,lower extremity",
)


def write_ham10000(root: Path, *, lines: Sequence[str] = HAM10000, table: str = "HAM10000_metadata") -> Path:
    """Writes the table, and all images but the last, in two folders."""
    write_lines(root / table, lines)
    for number, name in enumerate(line.split(",")[1] for line in lines[1:-1]):
        write_picture(root / f"HAM10000_images_part_{1 + number % 2}" / f"{name}.jpg", seed=number)
    return root


def touch(root: Path, names: Iterable[str]) -> None:
    """Makes empty files."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
