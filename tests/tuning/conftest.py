"""Tuners that the tests share."""

from __future__ import annotations

import pytest

from monai_fairtune.tuning import SupervisedTuner
from tests.tuning.small_tuner import MakeTuner, tuner_maker


@pytest.fixture(scope="session")
def make_tuner(tmp_path_factory: pytest.TempPathFactory) -> MakeTuner:
    """Builds tuners over one small cohort; see ``tuner_maker``."""
    return tuner_maker(tmp_path_factory.mktemp("tuner"))


@pytest.fixture(scope="module")
def tuner(make_tuner: MakeTuner) -> SupervisedTuner:
    """A tuner that the tests of a file share."""
    return make_tuner()
