"""Files under one list of checksums, in a folder or a zip: written reproducibly, read only if nothing was changed."""

from __future__ import annotations

import hashlib
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from monai_fairtune.exceptions import WeightsError

__all__ = ["SUMS", "SealedFiles", "checksums", "pack", "read_sealed", "seal", "zip_entry"]

SUMS = "SHA256SUMS"
"""Name of the list, which ``sha256sum --check`` reads."""

_LINE = re.compile(r"([0-9a-f]{64}) [ *](.+)")
_CHUNK = 1 << 20
_LONGEST_LIST = 1 << 20
_MOMENT = (1980, 1, 1, 0, 0, 0)  # the zip format's first: the same content gives the same bytes at any time
_MODE = 0o644 << 16


def checksums(folder: Path) -> dict[str, str]:
    """Returns the SHA-256 of every file below ``folder``, the list itself left out, by name."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path != folder / SUMS:
            with path.open("rb") as file:
                found[path.relative_to(folder).as_posix()] = _read(file)[0]
    return found


def seal(folder: Path) -> dict[str, str]:
    """Writes the list of checksums of every file below ``folder``, and returns it."""
    sha256 = checksums(folder)
    (folder / SUMS).write_text("".join(f"{digest}  {name}\n" for name, digest in sha256.items()), encoding="utf-8")
    return sha256


def pack(folder: Path, path: Path, name: str) -> None:
    """Writes a folder as a zip below one folder ``name``, as MONAI unpacks bundles; equal files give equal bytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zip_entry(f"{name}/{file.relative_to(folder).as_posix()}")
            entry.file_size = file.stat().st_size
            with file.open("rb") as source, archive.open(entry, "w") as target:
                while chunk := source.read(_CHUNK):
                    target.write(chunk)


def zip_entry(name: str) -> zipfile.ZipInfo:
    """Returns the header of a file in a zip without the time and the machine that it was written on."""
    entry = zipfile.ZipInfo(name, _MOMENT)
    entry.external_attr = _MODE
    return entry


@dataclass(frozen=True)
class SealedFiles:
    """What was read of files whose checksums all fit.

    Attributes:
        sha256: of every file, by name.
        content: of the wanted files, by name: the very bytes that were checked.
    """

    sha256: dict[str, str]
    content: dict[str, bytes]


def read_sealed(path: Path, wanted: Mapping[str, int]) -> SealedFiles:
    """Returns the wanted files of a folder or zip, after every file was checked against the list of checksums.

    Nothing is unpacked. What hubs add to a folder, files and folders whose name begins with a dot, is neither read nor
    counted.

    Args:
        path: the folder, or a zip with the files or with one folder of them.
        wanted: the files to return, by name, and the most bytes that are read of each.

    Raises:
        WeightsError: if there is no list, a file is missing, changed or not listed, or a wanted one is not there or is
            larger.
    """
    with _opened(path) as place:
        listed = _listed(place)
        found = set(place.names) - {SUMS}
        _refuse("lacks", sorted(set(listed) - found), "Fetch or unpack it again.")
        _refuse("holds, beyond what its SHA256SUMS lists,", sorted(found - set(listed)), "Move them elsewhere.")
        _refuse("lacks", sorted(set(wanted) - found), "Give a bundle that monai-fairtune export has written.")
        content, changed = {}, []
        for name, sha256 in listed.items():
            with place.open(name) as file:
                digest, read = _read(file, wanted.get(name, 0))
            changed += [name] * (digest != sha256)
            content[name] = read
        _refuse("is not as it was exported: SHA-256 differs of", changed, "Fetch it again from where you trust it.")
        larger = sorted(name for name, most in wanted.items() if len(content[name]) > most)
        _refuse("has larger", larger, "Give a bundle that monai-fairtune export has written.")
    return SealedFiles(listed, {name: content[name] for name in wanted})


def _refuse(fact: str, names: list[str], way_out: str) -> None:
    if names:
        raise WeightsError(f"The bundle {fact} {len(names)} files, such as {names[:3]}. {way_out}")


@dataclass(frozen=True)
class _Folder:
    root: Path

    @property
    def names(self) -> list[str]:
        paths = [(path, path.relative_to(self.root)) for path in self.root.rglob("*")]
        own = [(path, name) for path, name in paths if not any(part.startswith(".") for part in name.parts)]
        links = sorted(name.as_posix() for path, name in own if path.is_symlink() and path.is_dir())
        _refuse("holds, as links to folders,", links, "Copy it with its files.")
        return [name.as_posix() for path, name in own if path.is_file()]

    def open(self, name: str) -> IO[bytes]:
        return (self.root / name).open("rb")


@dataclass(frozen=True)
class _Zip:
    archive: zipfile.ZipFile

    @property
    def _prefix(self) -> str:
        lists = [name for name in self.archive.namelist() if name.rpartition("/")[2] == SUMS and name.count("/") < 2]
        return lists[0].removesuffix(SUMS) if len(lists) == 1 else ""

    @property
    def names(self) -> list[str]:
        files = [entry.filename for entry in self.archive.infolist() if not entry.is_dir()]
        twice = sorted(name for name, n in Counter(files).items() if n > 1)
        _refuse("holds under one name several", twice, "Fetch it again from where you trust it.")
        outside = [name for name in files if not name.startswith(self._prefix)]
        _refuse("holds, outside its folder,", outside, "Fetch it again from where you trust it.")
        return [name.removeprefix(self._prefix) for name in files]

    def open(self, name: str) -> IO[bytes]:
        return self.archive.open(self._prefix + name)


@contextmanager
def _opened(path: Path) -> Iterator[_Folder | _Zip]:
    try:
        with ExitStack() as stack:
            yield _Folder(path) if path.is_dir() else _Zip(stack.enter_context(zipfile.ZipFile(path)))
    except (OSError, zipfile.BadZipFile, zipfile.LargeZipFile, RuntimeError, zlib.error) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise WeightsError(
            f"The bundle '{path.name}' cannot be read: {reason}. "
            "Give a folder or a zip that monai-fairtune export has written."
        ) from error


def _listed(place: _Folder | _Zip) -> dict[str, str]:
    if SUMS not in place.names:
        raise WeightsError("The bundle has no SHA256SUMS. Give a bundle that monai-fairtune export has written.")
    with place.open(SUMS) as file:
        lines = file.read(_LONGEST_LIST).decode("utf-8", "replace").splitlines()
    matches = [_LINE.fullmatch(line) for line in lines]
    listed = {match[2]: match[1] for match in matches if match}
    if len(listed) != len(lines):
        raise WeightsError(
            f"SHA256SUMS of the bundle has {len(lines) - len(listed)} of {len(lines)} lines that are no checksum with "
            "a name of its own. Fetch it again."
        )
    return listed


def _read(file: IO[bytes], most: int = 0) -> tuple[str, bytes]:
    """Returns the SHA-256 of a file, and of its content ``most`` bytes, and one more if there are more."""
    digest, kept = hashlib.sha256(), bytearray()
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
        kept += chunk[: max(0, most + 1 - len(kept))] if most else b""
    return digest.hexdigest(), bytes(kept)
