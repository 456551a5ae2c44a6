from __future__ import annotations

import subprocess
import sys

import pytest

from mltrain.config.loading import from_mapping, parse
from mltrain.errors import ConfigError

DATA = {"source": "rows.csv", "target": "y"}


def test_all_wrong_names_are_told_in_one_go_with_the_name_that_is_meant() -> None:
    text = (
        "data:\n  source: rows.csv\ntrain:\n  supported_models: [xgbost, lgbm]\n  experiment_tracker: wandb\n"
        "  comparison_metric: nonsense\n  n_fold: 3\nmodels:\n  forest:\n    params: {}\n"
    )

    with pytest.raises(ConfigError) as caught:
        parse(text, origin="m.yaml")

    first, *lines = caught.value.message.splitlines()
    assert first == "6 things are wrong with the config:"
    assert lines[0].startswith("  m.yaml:4 train.supported_models.0: no model family is called 'xgbost'")
    assert "did you mean 'xgboost'?" in lines[0]
    assert lines[1].startswith("  m.yaml:5 train.experiment_tracker: no tracker is called 'wandb'")
    assert "known: comet_ml, local, mlflow" in lines[1]
    assert lines[2].startswith("  m.yaml:6 train.comparison_metric: no metric is called 'nonsense'")
    assert "unknown key 'n_fold'" in lines[3]
    assert lines[4].startswith("  m.yaml:9 models.forest: no model family is called 'forest'")
    assert "data.target is missing" in lines[5]


@pytest.mark.parametrize(
    "train",
    [
        {"supported_models": ["LGBMClassifier", "rf", "ensemble"]},
        {"experiment_tracker": "comet"},
        {"comparison_metric": "auc"},
        {"comparison_metric": "roc_auc_ovr"},  # a scorer of scikit-learn
    ],
)
def test_every_name_that_something_has_is_sound(train: dict[str, object]) -> None:
    assert from_mapping({"data": DATA, "train": train}).data.target == "y"


@pytest.mark.parametrize(
    ("train", "meant"),
    [
        ({"comparison_metric": "AUC"}, "roc_auc"),
        ({"comparison_metric": "ROC_AUC"}, "roc_auc"),
        ({"supported_models": ["LightGBM"]}, "lgbm"),
        ({"supported_models": ["RF"]}, "random_forest"),
        ({"experiment_tracker": "MLflow"}, "mlflow"),
    ],
)
def test_a_name_in_another_case_is_refused_with_the_one_that_is_meant(train: dict[str, object], meant: str) -> None:
    with pytest.raises(ConfigError) as caught:
        from_mapping({"data": DATA, "train": train})

    assert (caught.value.hint or "").startswith(f"did you mean '{meant}'? ")


def test_registered_names_are_known_without_an_import() -> None:
    program = (
        "import sys; from mltrain.config.loading import from_mapping; "
        "from_mapping({'train': {'supported_models': ['lgbm'], 'comparison_metric': 'f1'}}, require_data=False); "
        "print(sorted({'sklearn', 'lightgbm', 'comet_ml'} & set(sys.modules)))"
    )

    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert found.stdout == "[]\n"
