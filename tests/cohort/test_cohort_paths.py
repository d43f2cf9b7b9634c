from __future__ import annotations

import os
from pathlib import Path

import pytest

from monai_fairtune.cohort.paths import require_images, resolve_images, summarize
from monai_fairtune.exceptions import ImageError, ManifestError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "data" / "images").mkdir(parents=True)
    (tmp_path / "data" / "images" / "a.png").touch()
    (tmp_path / "secret.png").touch()
    return tmp_path / "data"


def test_names_are_resolved_below_the_data_root(root: Path) -> None:
    assert resolve_images(["images/a.png", "images/../b.png"], root) == (root / "images/a.png", root / "b.png")


def test_an_absolute_path_below_the_data_root_is_taken(root: Path) -> None:
    assert resolve_images([str(root / "images/a.png")], root) == (root / "images/a.png",)


@pytest.mark.parametrize("name", ["../secret.png", "images/../../secret.png", "/etc/passwd", "a\0b.png", "."])
def test_a_path_that_leads_out_of_the_data_root_is_refused(root: Path, name: str) -> None:
    with pytest.raises(ManifestError, match="outside the data root"):
        resolve_images(["images/a.png", name], root)


def test_a_symbolic_link_that_leads_out_of_the_data_root_is_refused(root: Path) -> None:
    (root / "file.png").symlink_to(root.parent / "secret.png")
    (root / "folder").symlink_to(root.parent)
    for name in ("file.png", "folder/secret.png"):
        with pytest.raises(ManifestError, match="once links are followed"):
            resolve_images([name], root)


def test_a_sibling_whose_name_begins_like_the_data_root_is_outside(root: Path) -> None:
    (root.parent / "data2").mkdir()
    with pytest.raises(ManifestError, match="outside"):
        resolve_images(["../data2/a.png"], root)


def test_a_link_to_a_file_within_the_data_root_keeps_its_name_which_says_the_format(root: Path) -> None:
    (root / ".store").mkdir()
    (root / "images" / "a.png").rename(root / ".store" / "0cc175b9")
    (root / "images" / "a.png").symlink_to("../.store/0cc175b9")
    assert resolve_images(["images/a.png"], root) == (root / "images/a.png",)


def test_two_links_to_one_file_are_two_images_as_two_copies_would_be(root: Path) -> None:
    for name in ("b.png", "c.png"):
        (root / name).symlink_to("images/a.png")
    assert resolve_images(["b.png", "c.png"], root) == (root / "b.png", root / "c.png")


def test_a_linked_data_root_is_its_target(root: Path) -> None:
    link = root.parent / "link"
    link.symlink_to(root)
    assert resolve_images(["images/a.png"], link) == (root / "images/a.png",)


def test_two_names_of_one_file_are_refused(root: Path) -> None:
    with pytest.raises(ManifestError, match=r"1 rows name a file that another row names: 'images/../images/a.png'"):
        resolve_images(["images/a.png", "images/../images/a.png"], root)


def test_a_data_root_that_is_no_folder_is_refused(root: Path) -> None:
    with pytest.raises(ManifestError, match="not a folder"):
        resolve_images([], root / "absent")


def test_missing_images_are_counted_and_the_first_are_named(root: Path) -> None:
    names = ["images/a.png", *[f"{number}.png" for number in range(7)]]
    with pytest.raises(ImageError, match=r"7 of 8 image files do not exist: '0.png', .* '4.png' and 2 more\. Give"):
        require_images(names, resolve_images(names, root))


def test_a_short_list_is_named_in_full() -> None:
    assert summarize(["a", "b"]) == "'a', 'b'"


def test_paths_are_those_that_following_each_folder_gives(root: Path) -> None:
    (root / "images" / "deeper").mkdir()
    (root / "images" / "deeper" / "c.png").touch()
    (root / "link.png").symlink_to(root / "images" / "a.png")
    (root / "images" / "chain.png").symlink_to(root / "link.png")
    (root / "away").symlink_to(root / "images" / "deeper")
    names = [
        "images/a.png", "./images/absent.png", "away/c.png", "away/../chain.png", "images//deeper/./d.png", "away/..",
        "images/", "images/deeper/.", str(root / "away" / "e.png"), "absent/folder/f.png", "images/a.png/g.png",
        "link.png",
    ]  # fmt: skip
    for name in names:
        (path,) = resolve_images([name], root)
        assert path.parent == path.parent.resolve()
        assert path.resolve() == Path(os.path.realpath(root / name))
    distinct = [name for name in names if name != "away/.."]
    assert resolve_images(distinct, root) == tuple(resolve_images([name], root)[0] for name in distinct)
