from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from monai_fairtune.cohort.hashing import file_sha256, files_sha256


@pytest.mark.parametrize("n", [0, 1, 256, 600])
def test_hashes_are_those_of_the_files_in_their_order(tmp_path: Path, n: int) -> None:
    paths = [tmp_path / str(number) for number in range(n)]
    for path in paths:
        path.write_text(path.name)
    assert files_sha256(paths) == tuple(hashlib.sha256(path.name.encode()).hexdigest() for path in paths)


def test_a_file_larger_than_what_is_read_at_once_is_hashed_to_its_end(tmp_path: Path) -> None:
    content = bytes(range(251)) * 10_000
    (tmp_path / "large").write_bytes(content)
    assert file_sha256(tmp_path / "large") == hashlib.sha256(content).hexdigest()


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        files_sha256([tmp_path / "absent"])
