"""What is said of images: planted copies, planted faults, and beside SciPy and Pillow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageEnhance
from scipy.stats import ttest_ind

from monai_fairtune.cohort import CohortCheck, check_manifest, write_synthetic_cohort
from monai_fairtune.cohort.quality.image_quality import measure_quality, robust_scores, standardised_difference
from monai_fairtune.cohort.quality.near_duplicates import MAX_DISTANCE, perceptual_hash
from monai_fairtune.cohort.quality.recorded import Recorded
from monai_fairtune.cohort.quality.traits import TRAITS, ImageTraits, examine, measure_traits
from monai_fairtune.subgroups import MISSING, SensitiveAttribute, Subgroups

AGE = SensitiveAttribute.parse_all("age:60")
Copy = Callable[[Image.Image], Image.Image]


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    return write_synthetic_cohort(tmp_path, n_patients=120)


def _plant(manifest: Path, names: list[str], **columns: object) -> None:
    """Adds rows of new patients to a manifest."""
    table = pd.read_csv(manifest, dtype=str)
    ids = [f"new{k}" for k in range(len(names))]
    rows = pd.DataFrame({"image": names, "patient_id": ids, "label": "0", "sex": "female", "age": "40", **columns})
    pd.concat([table, rows]).to_csv(manifest, index=False)


def _check(manifest: Path, **arguments: object) -> CohortCheck:
    return check_manifest(manifest, AGE, progress=False, **arguments)  # type: ignore[arg-type]


def _pictures(manifest: Path) -> list[Path]:
    return [manifest.parent / name for name in pd.read_csv(manifest)["image"] if name.endswith(".png")]


def _crop(share: float) -> Copy:
    def crop(image: Image.Image) -> Image.Image:
        cut = round(image.width * share / 2)
        return image.crop((cut, cut, image.width - cut, image.height - cut))

    return crop


COPIES: dict[str, Copy] = {
    "jpeg": lambda image: image,
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.1),
    "smaller": lambda image: image.resize((image.width // 2, image.height // 2)),
    "cut": _crop(0.01),
}


@pytest.mark.parametrize("kind", list(COPIES))
def test_a_changed_copy_under_another_patient_is_found(manifest: Path, kind: str) -> None:
    large = manifest.parent / "images" / "large.png"
    picture = Image.open(_pictures(manifest)[3]).resize((256, 256), Image.Resampling.BICUBIC)
    picture.save(large)
    COPIES[kind](picture).save(manifest.parent / "images" / "copy.jpg", quality=60)
    _plant(manifest, ["images/large.png", "images/copy.jpg"], label=["0", "1"])
    check = _check(manifest)
    assert check.looked is not None
    found = [group for group in check.looked.near_duplicates if "images/copy.jpg" in group.images]
    assert len(found) == 1
    assert {"images/large.png", "images/copy.jpg"} <= set(found[0].images)
    assert found[0].labels == (0, 1)
    assert found[0].distance is not None
    assert 0 <= found[0].distance <= 20
    assert any("groups of images look alike" in caution for caution in check.cautions)
    assert "images/copy.jpg" in check.to_text()


def test_most_photographs_cut_by_a_fiftieth_are_found_and_no_two_patients_look_alike(shared: Path) -> None:
    files = sorted((shared / "data" / "pad_ufes20" / "images").iterdir())[::12]
    pictures = [Image.open(file).convert("L") for file in files]
    hashes, cut = (
        np.array([perceptual_hash(np.asarray(picture, dtype=np.float32) / np.float32(255)) for picture in made])
        for made in (pictures, [_crop(0.02)(picture) for picture in pictures])
    )
    distances = np.bitwise_count(hashes[:, None] ^ cut[None]).sum(axis=2)
    own = np.eye(len(files), dtype=np.bool_)
    assert np.mean(distances[own] <= MAX_DISTANCE) > 0.8
    assert distances[~own].min() > MAX_DISTANCE


def test_images_of_different_patients_are_not_taken_for_copies(manifest: Path) -> None:
    check = _check(manifest)
    assert check.looked is not None
    assert check.looked.near_duplicates == ()
    assert check.looked.near == {
        "max_distance": 20, "n_bits": 256, "n_groups": 0, "n_images": 0, "n_across_splits": 0, "n_across_patients": 0,
        "n_with_both_labels": 0,
    }  # fmt: skip


def test_views_of_one_patient_in_one_split_may_look_alike(manifest: Path) -> None:
    picture = Image.open(_pictures(manifest)[0])
    for k in (1, 2):
        picture.save(manifest.parent / "images" / f"view{k}.jpg", quality=50 + k)
    _plant(manifest, ["images/view1.jpg", "images/view2.jpg"], patient_id="new")
    check = _check(manifest)
    assert check.looked is not None
    groups = [group for group in check.looked.near_duplicates if "images/view1.jpg" in group.images]
    assert all(group.n_patients > 1 for group in groups)  # only with the picture that they were made from


def test_equal_files_are_told_as_equal_and_not_as_alike(manifest: Path) -> None:
    (manifest.parent / "images" / "same.png").write_bytes(_pictures(manifest)[0].read_bytes())
    _plant(manifest, ["images/same.png"])
    check = _check(manifest)
    assert check.looked is not None
    assert len(check.looked.duplicates) == 1
    assert check.looked.near_duplicates == ()


def test_images_of_one_colour_and_overexposed_ones_are_found_by_name(manifest: Path) -> None:
    folder = manifest.parent / "images"
    for k in range(2):
        Image.new("L", (64, 64), 40 + k).save(folder / f"blank{k}.png")
    pixels = np.asarray(Image.open(_pictures(manifest)[5])).astype(np.float64)
    Image.fromarray(np.clip(pixels * 0.1 + 225, 0, 255).astype(np.uint8)).save(folder / "overexposed.png")
    _plant(manifest, ["images/blank0.png", "images/blank1.png", "images/overexposed.png"])
    check = _check(manifest)
    assert check.looked is not None
    quality = check.looked.quality
    assert quality["constant"] == ["images/blank0.png", "images/blank1.png"]
    assert {found["trait"] for found in quality["outliers"] if found["image"] == "images/overexposed.png"} >= {
        "brightness"
    }
    assert any("2 images are of one colour" in caution for caution in check.cautions)
    alike = {name for group in check.looked.near_duplicates for name in group.images}
    assert "images/overexposed.png" in alike
    assert not alike & set(quality["constant"])  # they are alike, and say nothing


def test_a_clean_cohort_has_no_image_unlike_the_others_and_no_difference_by_sex(manifest: Path) -> None:
    check = check_manifest(manifest, SensitiveAttribute.parse_all("sex"), progress=False)
    assert check.looked is not None
    assert (check.looked.quality["n_unlike"], check.looked.quality["n_constant"]) == (0, 0)
    assert check.cautions == ()


def test_subgroups_that_are_imaged_differently_are_told(manifest: Path) -> None:
    (told,) = [caution for caution in _check(manifest).cautions if "Images differ by age:60" in caution]
    assert "[60,inf) lies" in told


def test_nothing_is_opened_without_images(manifest: Path) -> None:
    for path in manifest.parent.glob("images/*"):
        path.write_bytes(b"broken")
    check = _check(manifest, images=False)
    assert check.problems == ()
    assert check.looked is None
    assert "Images were not opened" in check.to_text()
    found = check.to_dict()
    assert [found[key] for key in ("unreadable", "duplicates", "near_duplicates", "image_quality")] == [None] * 4


def test_the_traits_of_a_board_of_two_colours_are_known() -> None:
    board = (np.indices((6, 12)).sum(axis=0) % 2).astype(np.float32)
    values = dict(zip(TRAITS, measure_traits(board), strict=True))
    assert values["brightness"] == values["contrast"] == 0.5
    assert values["entropy"] == 1
    assert values["size"] == np.log2(72)
    assert values["aspect"] == 1


def test_a_blurred_picture_is_less_sharp_whatever_its_size(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (1200, 900), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "sharp.png")
    small = Image.fromarray(noise).resize((90, 120)).resize((900, 1200), Image.Resampling.BICUBIC)
    small.save(tmp_path / "blurred.png")
    sharp, blurred = (examine(tmp_path / f"{name}.png", with_hash=False).values for name in ("sharp", "blurred"))
    assert sharp[TRAITS.index("sharpness")] > blurred[TRAITS.index("sharpness")] + 2


def test_robust_scores_are_standard_scores_of_a_normal_sample_and_resist_outliers() -> None:
    values = np.random.default_rng(0).normal(5, 2, (4000, 1))
    assert robust_scores(values) == pytest.approx((values - 5) / 2, abs=0.15)
    spoiled = np.concatenate([values, np.full((400, 1), 1e6)])
    assert np.abs(robust_scores(spoiled)[:4000]).max() < 5


def test_where_most_are_equal_those_that_differ_are_far_off() -> None:
    values = np.array([[0.0]] * 99 + [[1.0]])
    scores = robust_scores(values)
    assert (scores[:99] == 0).all()
    assert scores[99, 0] > 50


def test_differences_are_between_recorded_subgroups_and_leave_images_of_one_colour_out() -> None:
    rng = np.random.default_rng(0)
    codes = np.array([0, 1, MISSING])[np.arange(90) % 3]
    recorded = Recorded(
        np.zeros(90, dtype=np.int64),
        np.arange(90),
        np.full(90, "train"),
        {"sex": Subgroups("sex", ("f", "m"), codes)},
        {},
    )
    values = rng.normal(size=(90, len(TRAITS)))
    values[codes == MISSING] += 50
    traits = [ImageTraits(row, is_constant=False, perceptual_hash=None) for row in values]
    traits[0] = ImageTraits(values[0] + 1e6, is_constant=True, perceptual_hash=None)
    rows = measure_quality(traits, recorded, [str(k) for k in range(90)])["differences"]
    expected = standardised_difference(values[codes == 1, 0], values[codes == 0, 0][1:])
    assert [row["subgroup"] for row in rows] == ["m"] * len(TRAITS)
    assert rows[0]["value"] == pytest.approx(expected.value)


def _samples() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rng = np.random.default_rng(3)
    return rng.normal(0, 1, 40), rng.normal(0.8, 2, 90)


def test_the_standardised_difference_is_tested_as_scipy_does() -> None:
    a, b = _samples()
    found = standardised_difference(a, b)
    assert found.extra["p_value"] == pytest.approx(ttest_ind(a, b, equal_var=False).pvalue)
    pooled = np.sqrt((39 * a.var(ddof=1) + 89 * b.var(ddof=1)) / 128)
    assert found.value == pytest.approx((a.mean() - b.mean()) / pooled)


def test_single_patients_and_equal_images_have_no_difference() -> None:
    assert standardised_difference(np.ones(1), np.arange(9.0)).value is None
    assert "same in all images" in str(standardised_difference(np.ones(5), np.ones(7)).reason)
