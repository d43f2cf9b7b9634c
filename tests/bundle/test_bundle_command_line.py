from __future__ import annotations

import pytest

from monai_fairtune.bundle.command_line import refuse_unknown_options, runs_monai_bundle
from monai_fairtune.exceptions import ConfigurationError
from tests.bundle.bundle_runs import CONFIGS

_SEARCH = ["run", "--config_file", str(CONFIGS / "search.yaml")]


@pytest.mark.parametrize(
    "option",
    [
        ["--min_per_class", "5"],
        ["--min-per-class=5"],
        ["--settings::n_trials", "5"],
        ["--settings#n_trials", "5"],
        ["--+initialize", "['$print(1)']"],
        ["--noscreening"],
        ["--run_id", "run"],
        ["--tracking", "mlflow"],
        ["--experiment_name", "x"],
        ["--learning_rates", "[1e-5,1e-3]"],
    ],
)
def test_options_of_monai_and_of_the_config_pass(option: list[str]) -> None:
    refuse_unknown_options([*_SEARCH, *option])


@pytest.mark.parametrize("option", [["--min_per_clas", "5"], ["--min_per_clas=5"]])
def test_a_misspelled_option_is_refused_and_the_right_one_named(option: list[str]) -> None:
    with pytest.raises(ConfigurationError, match=r"There is no option --min_per_clas\. Did you mean --min_per_class\?"):
        refuse_unknown_options([*_SEARCH, *option])


def test_an_overlay_brings_its_own_options() -> None:
    both = f"['{CONFIGS / 'train.yaml'}', '{CONFIGS / 'search.yaml'}']"
    refuse_unknown_options(["run", "--config_file", both, "--n_trials", "5", "--mask", "full"])
    with pytest.raises(ConfigurationError, match="no option --n_trials"):
        refuse_unknown_options(["run", "--config_file", str(CONFIGS / "train.yaml"), "--n_trials", "5"])


def test_other_programs_keep_their_own_handling_of_errors() -> None:
    assert not runs_monai_bundle()
