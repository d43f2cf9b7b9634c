"""Compiled blocks change no number beyond rounding, and a new mask compiles nothing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from monai_fairtune.exceptions import ConfigurationError
from monai_fairtune.masks import Mask
from monai_fairtune.tuning import Budget, EpochReport, SupervisedTuner, TuningResult, Verdict
from tests.tuning.small_tuner import MakeTuner


@pytest.fixture(autouse=True)
def fresh_compiler() -> Iterator[None]:
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    yield
    torch._dynamo.reset()


def n_graphs() -> int:
    return int(torch._dynamo.utils.counters["stats"]["unique_graphs"])


def tune(tuner: SupervisedTuner, mask: Mask) -> TuningResult:
    def keep(_: EpochReport) -> Verdict:
        return Verdict(keep=True)

    return tuner.tune(mask, {"learning_rate": 1e-3}, Budget(2), seed=4, on_epoch=keep)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor:UserWarning")  # PyTorch's own, while it traces
@pytest.mark.skipif(shutil.which("c++") is None, reason="no C++ compiler")
def test_compiled_blocks_train_what_plain_blocks_train_and_a_new_mask_compiles_nothing(make_tuner: MakeTuner) -> None:
    plain, compiled = make_tuner(batch_size=64), make_tuner(batch_size=64, compiled_blocks=True)
    space = plain.network.partition("attention")
    first, second, third = (space.mask(space.searchable[start::step]) for start, step in ((1, 2), (0, 2), (0, 3)))
    before = 0
    for mask in (first, second, third):
        expected, found = (tune(tuner, mask) for tuner in (plain, compiled))
        assert np.abs(expected.validation.scores - found.validation.scores).max() < 1e-4
        again = compiled.predict(found.model, "validation").scores
        assert np.array_equal(again, found.validation.scores)
        before = before or n_graphs()
    assert 1 < before < 16  # 24 blocks, two sizes of batches and the validation would be more
    assert n_graphs() == before


def test_a_machine_without_a_compiler_is_refused_before_any_training(
    make_tuner: MakeTuner, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path_factory.mktemp("compiled")))
    monkeypatch.setattr("torch._inductor.config.cpp.cxx", ("no-such-compiler",))
    with pytest.raises(ConfigurationError, match="Blocks cannot be compiled for 'cpu' here"):
        make_tuner(compiled_blocks=True)
