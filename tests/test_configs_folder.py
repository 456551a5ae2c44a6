from __future__ import annotations

from pathlib import Path

import pytest

from mltrain.commands.run import run
from mltrain.commands.train import TrainRequest
from mltrain.config.loading import load
from mltrain.data.loading import load_table
from mltrain.data.target import make_target
from mltrain.workspace import Workspace

FOLDER = Path(__file__).parent.parent / "configs"
ALL = sorted(path.name for path in FOLDER.iterdir())
NEEDS_ELSEWHERE = ("adult.yml", "mlflow.yml")
"""Configs that name files or a server that a stranger does not have."""

SMALL_CONFIGS = tuple(name for name in ALL if name not in NEEDS_ELSEWHERE)
"""Configs on bundled data, small enough to be trained by a test with a few trials."""


def test_folder_holds_config_files_alone():
    assert [name for name in ALL if not name.endswith(".yml")] == []
    assert {"training-config.yml", "quick.yml", *NEEDS_ELSEWHERE} <= set(ALL)


@pytest.mark.parametrize("name", ALL)
def test_config_loads(name):
    config = load(FOLDER / name)

    assert config.data.source
    assert config.data.target


@pytest.mark.parametrize("name", ALL)
def test_config_begins_by_saying_what_it_is_for(name):
    assert (FOLDER / name).read_text(encoding="utf-8").startswith("# ")


@pytest.mark.parametrize("name", SMALL_CONFIGS)
def test_small_config_fits_its_rows(name):
    config = load(FOLDER / name)

    table = load_table(config.data.source, config.data.format, config.data.options)

    target = make_target(table[config.data.target], config.data.target, positive=config.data.positive_class)
    assert table.num_rows <= 2000
    assert config.data.positive_class == target.positive


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name == "quick.yml" else pytest.mark.slow) for name in SMALL_CONFIGS]
)
def test_small_config_is_trained_and_registered(name, tmp_path, monkeypatch):
    monkeypatch.delenv("COMET_API_KEY", raising=False)
    config = load(FOLDER / name)

    result = run(config, Workspace(root=tmp_path), request=TrainRequest(max_trials=1))

    assert result.exit_code == 0
    trained = {candidate.model for candidate in result.train.candidates}
    assert trained - {"ensemble"} == set(config.train.supported_models)
    assert ("ensemble" in trained) == (len(config.train.supported_models) > 1)


def test_documented_block_ships_with_data_keys_added():
    text = (FOLDER / "training-config.yml").read_text(encoding="utf-8")
    train = load(FOLDER / "training-config.yml").train

    assert '["LGBMClassifier", "LogisticRegression", "RandomForestClassifier", "XGBClassifier"]' in text
    assert (train.max_search_iters, train.model_opt_timeout_secs) == (100, 180.0)
    assert (train.comparison_metric, train.fbeta_score_beta_val) == ("fbeta_score", 0.5)
    assert train.deployment_score_thresh == 0.7
    assert (train.project_name, train.workspace_name) == ("end-to-end-ml", "your-workspace")
