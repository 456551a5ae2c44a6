from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from mltrain.config import Config
from mltrain.config.loading import from_mapping, load, parse
from mltrain.errors import ConfigError

DATA = "data:\n  source: rows.csv\n  target: y\n"

DOCUMENTED_BLOCK = """\
train:
  supported_models: ["LGBMClassifier", "LogisticRegression", "RandomForestClassifier", "XGBClassifier"]
  max_search_iters: 100          # trials per model
  model_opt_timeout_secs: 180    # seconds per model
  experiment_tracker: "comet_ml" # or mlflow, local
  project_name: "end-to-end-ml"
  workspace_name: "your-workspace"
  comparison_metric: "fbeta_score"
  fbeta_score_beta_val: 0.5
  deployment_score_thresh: 0.7
"""


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)

    def write(text: str, name: str = "mltrain.yaml") -> Path:
        Path(name).write_text(text, encoding="utf-8")
        return Path(name)

    return write


def refused(path: Path, *overrides: str, require_data: bool = True) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load(path, overrides=overrides, require_data=require_data)
    return caught.value


def test_documented_block_loads_unchanged(write):
    train = load(write(DOCUMENTED_BLOCK), require_data=False).train

    assert train.supported_models == ("lgbm", "logistic_regression", "random_forest", "xgboost")
    assert train.max_search_iters == 100
    assert train.model_opt_timeout_secs == 180.0
    assert train.experiment_tracker == "comet_ml"
    assert train.project_name == "end-to-end-ml"
    assert train.workspace_name == "your-workspace"
    assert train.comparison_metric == "fbeta_score"
    assert train.fbeta_score_beta_val == 0.5
    assert train.deployment_score_thresh == 0.7


def test_two_keys_are_enough(write):
    config = load(write(DATA))

    assert config == Config(data={"source": "rows.csv", "target": "y"})


def test_unknown_key_names_file_line_path_and_the_nearest_key(write):
    error = refused(write(DATA + "train:\n  n_folds: 3\n\n  max_serch_iters: 5\n"))

    assert error.message == "unknown key 'max_serch_iters'"
    assert error.where == "mltrain.yaml:7 train.max_serch_iters"
    assert error.hint == "did you mean 'max_search_iters'?"
    assert error.exit_code == 2


@pytest.mark.parametrize(
    ("text", "where", "hint"),
    [
        ("trian: {}\n", "mltrain.yaml:4 trian", "did you mean 'train'?"),
        ("train:\n  test_size: 0.3\n", "mltrain.yaml:5 train.test_size", "it belongs in section 'split'"),
        ("n_folds: 3\n", "mltrain.yaml:4 n_folds", "it belongs in section 'train'"),
        ("split:\n  max_serch_iters: 3\n", "mltrain.yaml:5 split.max_serch_iters",
         "did you mean 'max_search_iters' of section 'train'?"),
        ("models:\n  lgbm:\n    parms: {}\n", "mltrain.yaml:6 models.lgbm.parms", "did you mean 'params'?"),
        ("models:\n  lgbm:\n    search_space:\n      a: {flot: [1, 2]}\n",
         "mltrain.yaml:7 models.lgbm.search_space.a.flot", "did you mean 'float'?"),
    ],
)  # fmt: skip
def test_hint_says_where_an_unknown_key_belongs(write, text, where, hint):
    error = refused(write(DATA + text))

    assert (error.where, error.hint) == (where, hint)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed: one", "wants a whole number, got 'one'"),
        ("seed: 1.5", "wants a whole number, got 1.5"),
        ("seed: -1", "must be at least 0, got -1"),
        ("train: {n_jobs: true}", "wants a whole number, got true"),
        ("train: {n_folds: 1}", "must be at least 2, got 1"),
        ("train: {ensemble: perhaps}", "wants true or false, got 'perhaps'"),
        ("train: {model_opt_timeout_secs: 180s}", "wants a number, got '180s'"),
        ("train: {model_opt_timeout_secs: .inf}", "wants a finite number, got inf"),
        ("train: {supported_models: lgbm}", "wants a list, got 'lgbm'"),
        ("train: {supported_models: []}", "wants 1 item, got []"),
        ("train: {project_name: 5}", "wants text, got 5"),
        ("train: {tracker_options: {uri: [1]}}", "wants text or a number or true or false, got [1]"),
        ("train: [1]", "wants keys with values, got [1]"),
        ("split: {test_size: 1}", "must be below 1, got 1"),
        ("split: {test_from: soon}", "wants a date such as 2024-01-31, got 'soon'"),
        ("split: {kind: groups}",
         "must be one of stratified, random, group, time, group_time, hash, got 'groups'"),
        ("models: {lgbm: {search_space: {x: {int: [3, 2]}}}}", "low must be below high, got [3, 2]"),
        ("models: {lgbm: {search_space: {x: {int: [3]}}}}", "wants 2 items, got [3]"),
        ("models: {lgbm: {search_space: {x: {int: [1.5, 3]}}}}", "wants a whole number, got 1.5"),
        ("models: {lgbm: {search_space: {x: {float: [0, 1], log: true}}}}", "log needs a low above 0, got 0"),
        ("models: {lgbm: {search_space: {x: {}}}}", "say exactly one of int, float and choice"),
        ("models: {lgbm: {search_space: {x: {choice: [a], log: true}}}}",
         "log goes with int and float, not with choice"),
        ("models: {lgbm: {search_space: {x: {choice: []}}}}", "wants 1 item, got []"),
    ],
)  # fmt: skip
def test_wrong_value_is_told_in_plain_words(write, text, message):
    assert refused(write(text), require_data=False).message == message


def test_all_problems_are_told_in_order_of_lines(write):
    error = refused(write("train:\n  n_fold: 3\n  seed: 1\nsplit: {kind: grop}\ndata: {target: y}\n"))

    assert (error.where, error.hint) == ("mltrain.yaml", None)
    assert error.message.splitlines() == [
        "4 things are wrong with the config:",
        "  mltrain.yaml:2 train.n_fold: unknown key 'n_fold' (did you mean 'n_folds'?)",
        "  mltrain.yaml:3 train.seed: unknown key 'seed' (known here: "
        + ", ".join(type(Config().train).model_fields)
        + ")",
        "  mltrain.yaml:4 split.kind: must be one of stratified, random, group, time, group_time, hash, got 'grop'"
        " (did you mean 'group'?)",
        "  mltrain.yaml:5 data.source: data.source is missing (name a Parquet or CSV file, or example:churn;"
        " `mltrain init DATA --target COL` writes it down)",
    ]


def test_key_with_a_slip_is_not_told_of_as_missing_too(write):
    error = refused(write("data:\n  source: a\n  targt: y\n"))

    assert (error.message, error.hint) == ("unknown key 'targt'", "did you mean 'target'?")


def test_data_source_and_target_have_no_default(write):
    error = refused(write("seed: 1\n"))

    assert "data.source is missing" in error.message
    assert "data.target is missing" in error.message


def test_missing_file_says_how_to_make_one(write):
    error = refused(Path("mltrain.yaml"))

    assert (error.message, error.where) == ("there is no config file", "mltrain.yaml")
    assert "mltrain init DATA --target COL" in error.hint


def test_folder_is_not_a_config(write, tmp_path):
    assert refused(tmp_path).message == "a folder is not a config file"


def test_file_that_is_not_utf8_is_refused(write):
    Path("mltrain.yaml").write_bytes("data: {target: größe}".encode("latin-1"))

    error = refused(Path("mltrain.yaml"))

    assert error.message == "the file is not UTF-8 text: byte 0xf6 at position 17"


def test_byte_order_mark_and_unicode_keys_are_read(write):
    path = write("\ufeff" + DATA + "  columns: {größe: numeric, 年齢: category}\n")

    assert load(path).data.columns == {"größe": "numeric", "年齢": "category"}


@pytest.mark.parametrize(
    ("override", "read"),
    [
        ("train.n_folds=7", lambda c: c.train.n_folds == 7),
        ("train.supported_models=[lgbm, XGBClassifier]", lambda c: c.train.supported_models
         == ("lgbm", "xgboost")),
        ("models.lgbm.params.num_leaves=31", lambda c: c.models["lgbm"].params
         == {"num_leaves": 31, "lr": 0.1}),
        ("models.LGBMClassifier.params.num_leaves=3", lambda c: c.models["lgbm"].params
         == {"num_leaves": 3, "lr": 0.1}),
        ("models.xgboost={params: {eta: 1e-4}}", lambda c: c.models["xgboost"].params == {"eta": 0.0001}),
        ("data.source=*.parquet", lambda c: c.data.source == "*.parquet"),
        ("data.positive_class=Yes", lambda c: c.data.positive_class == "Yes"),
        ('data.columns."a.b=c"=date', lambda c: c.data.columns == {"a.b=c": "date"}),
        ("split={kind: time, time_column: t, test_from: 2020-05-01}",
         lambda c: c.split.test_from == date(2020, 5, 1)),
        ("train.deployment_score_thresh=", lambda c: c.train.deployment_score_thresh is None),
    ],
)  # fmt: skip
def test_override_sets_one_key(write, override, read):
    config = load(write(DATA + "models:\n  lgbm:\n    params: {lr: 0.1}\n"), overrides=[override])

    assert read(config)


def test_last_override_wins(write):
    assert load(write(DATA), overrides=["seed=1", "seed=2"]).seed == 2


@pytest.mark.parametrize(
    ("override", "where", "message"),
    [
        ("train.max_serch_iters=3", "--set train.max_serch_iters", "unknown key 'max_serch_iters'"),
        ("train.n_folds=x", "--set train.n_folds", "wants a whole number, got 'x'"),
        ("train={n_fold: 3}", "--set train.n_fold", "unknown key 'n_fold'"),
        ("train.n_folds=[1", "--set train.n_folds", "bad YAML: expected ',' or ']', but got '<stream end>'"),
        ("train.n_folds", "--set train.n_folds", "override 'train.n_folds' is not key=value"),
        ("=3", "--set =3", "override '=3' is not key=value"),
        ("data.source.x=3", "--set data.source.x", "data.source is 'rows.csv' and has no keys below it"),
    ],
)
def test_wrong_override_is_told_by_its_key(write, override, where, message):
    error = refused(write(DATA), override)

    assert (error.where, error.message) == (where, message)


def test_override_that_mends_the_file_is_enough(write):
    assert load(write(DATA + "train:\n  n_folds: 1\n"), overrides=["train.n_folds=2"]).train.n_folds == 2


@pytest.mark.parametrize("blank", ["train:\n", "models:\n", "models:\n  lgbm:\n", "models:\n  lgbm:\n    params:\n"])
def test_section_whose_keys_are_all_commented_out_is_the_default(write, blank):
    config = load(write(DATA + blank))

    assert config.train == Config().train


def test_class_names_and_synonyms_are_resolved():
    config = from_mapping(
        {
            "train": {
                "supported_models": ["LGBMClassifier", "lgbm", "rf"],
                "comparison_metric": "auc",
                "experiment_tracker": "comet",
            },
            "models": {"XGBClassifier": {"params": {"eta": 0.1}}},
        },
        require_data=False,
    )

    assert config.train.supported_models == ("lgbm", "random_forest")
    assert config.train.comparison_metric == "roc_auc"
    assert config.train.experiment_tracker == "comet_ml"
    assert list(config.models) == ["xgboost"]


def test_mapping_is_told_of_by_key_path():
    with pytest.raises(ConfigError) as caught:
        from_mapping({"data": {"source": "a", "target": "b", "drp": ["c"]}})

    assert (caught.value.where, caught.value.hint) == ("data.drp", "did you mean 'drop'?")


def test_text_is_named_by_its_origin():
    with pytest.raises(ConfigError) as caught:
        parse("seed: x\n", origin="draft", require_data=False)

    assert caught.value.where == "draft:1 seed"


def test_config_is_frozen(write):
    config = load(write(DATA))

    with pytest.raises(ValueError, match="frozen"):
        config.train.n_folds = 3


def test_loading_imports_no_heavy_library():
    code = (
        "import sys, mltrain.config.loading\n"
        "heavy = {'numpy', 'pandas', 'pyarrow', 'sklearn', 'optuna', 'rich', 'typer'} & set(sys.modules)\n"
        "sys.exit(' '.join(heavy) or 0)"
    )

    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (found.returncode, found.stderr) == (0, "")


def test_file_name_with_spaces_and_colons_is_told_whole(write):
    error = refused(write("data: {source: a, target: b}\nsed: 1\ntrian: {}\n", "my: config.yaml"))

    assert error.where == "my: config.yaml"
    assert error.message.splitlines()[1].startswith("  my: config.yaml:2 sed: unknown key")
    assert error.message.splitlines()[2].startswith("  my: config.yaml:3 trian: unknown key")
