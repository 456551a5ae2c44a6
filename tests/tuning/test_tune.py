"""One model tuned on rows in memory: data of every kind, the same trials as `train`, the clock, and what is refused."""

from __future__ import annotations

import inspect
import signal
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.metrics import roc_auc_score

import mltrain
from mltrain.commands.train import TrainRequest, train
from mltrain.config import Config
from mltrain.data.splits import read_split_record
from mltrain.errors import ConfigError, DataError, PluginError, SchemaError, UsageError
from mltrain.events import Event, TrialFinished
from mltrain.tuning import TuneResult
from mltrain.workspace import Workspace

pytestmark = pytest.mark.filterwarnings("ignore:Signature.*longdouble:UserWarning")
FAST = {"n_estimators": 12, "learning_rate": 0.3}


def _frame(n: int = 300, seed: int = 0) -> pd.DataFrame:
    """Numbers with gaps, text, categories, truth values, dates, an id and a constant; names that are not ASCII."""
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "größe": random.normal(size=n),
            "Tarif €": random.choice(["a", "b", "ü"], n),
            "land": pd.Categorical(random.choice(["de", "fr", "it"], n)),
            "on": random.random(n) < 0.5,
            "день": pd.Timestamp("2024-01-01") + pd.to_timedelta(random.integers(0, 300, n), unit="D"),
            "customer_id": [f"k{i}" for i in range(n)],
            "always": 1,
        }
    )
    frame.loc[::9, "größe"] = np.nan
    frame.loc[::11, "Tarif €"] = None
    return frame


def _score(frame: pd.DataFrame) -> np.ndarray:
    noise = np.random.default_rng(1).normal(size=len(frame))
    return (frame["größe"].fillna(0) + 1.5 * (frame["Tarif €"] == "a") + 0.5 * noise).to_numpy()


def _labels(frame: pd.DataFrame) -> pd.Series:
    return pd.Series(np.where(_score(frame) > 0.9, "ja", "Ärger"), name="geht")


def _tune(X: Any, y: Any, model: str = "lgbm", **settings: Any) -> TuneResult:
    chosen: dict[str, Any] = {"max_trials": 2, "n_folds": 3}
    if model == "lgbm":
        chosen["params"] = FAST
    return mltrain.tune(X, y, model, **{**chosen, **settings})


@pytest.fixture(scope="module")
def tuned() -> TuneResult:
    frame = _frame()
    return _tune(frame, _labels(frame))


def test_columns_of_every_kind_give_a_classifier_that_knows_new_rows(tuned: TuneResult) -> None:
    new = _frame(200, seed=3)

    proba = tuned.model.predict_proba(new)

    assert list(tuned.model.classes_) == ["ja", "Ärger"]
    assert set(tuned.model.feature_names_in_) == {"größe", "Tarif €", "land", "on", "день"}
    assert roc_auc_score(_labels(new) == "ja", proba[:, 0]) > 0.75
    assert set(tuned.model.predict(new)) <= {"ja", "Ärger"}


def test_the_record_says_what_was_tried(tuned: TuneResult) -> None:
    best = tuned.trials.loc[tuned.trials["score"].idxmax()]

    assert (tuned.metric, tuned.validation, tuned.final_fit) == (
        "roc_auc",
        "3-fold cross-validation, dealt 2 times",
        "bag",
    )
    assert tuned.params["learning_rate"] == FAST["learning_rate"]
    assert tuned.params["num_iterations"] == FAST["n_estimators"]
    assert 0.7 < tuned.score <= best["score"]
    assert list(tuned.trials["number"]) == [0, 1]
    assert len(best["fold_scores"]) == 6
    assert tuned.seconds > 0
    assert len(repr(tuned)) < 500


def test_trials_are_columns_as_in_the_file_of_a_run(tuned: TuneResult, trained_root: Path) -> None:
    kept = pd.read_parquet(next((trained_root / "runs").glob("lgbm-*")) / "trials.parquet")

    assert list(tuned.trials.columns) == list(kept.columns)


def test_the_trials_are_those_of_train_on_the_same_rows(tmp_path: Path) -> None:
    frame = _frame().assign(geht=_labels)
    frame.iloc[:240].to_parquet(tmp_path / "rows.parquet")
    frame.iloc[240:].to_parquet(tmp_path / "later.parquet")
    data = {"source": str(tmp_path / "rows.parquet"), "test_source": str(tmp_path / "later.parquet"), "target": "geht"}
    settings = {"experiment_tracker": "local", "supported_models": ["lgbm"], "n_folds": 3}
    config = Config.model_validate({"data": data, "train": settings, "evaluate": {"figures": False}})
    workspace = Workspace(root=tmp_path / "work")
    mltrain.split(config, workspace)
    trained = train(config, workspace, request=TrainRequest(max_trials=3)).candidates[0]
    rows = pd.concat([pd.read_parquet(workspace.split(name)) for name in ("train", "validation")])

    tuned = mltrain.tune(rows.drop(columns="geht"), rows["geht"], max_trials=3, n_folds=3)

    kept = pd.read_parquet(workspace.run(trained.run_id) / "trials.parquet")
    assert list(tuned.trials["score"]) == list(kept["score"])
    assert list(tuned.trials["params"]) == list(kept["params"])
    assert tuned.score == trained.validation_score
    model = mltrain.load_model(workspace.run(trained.run_id) / "model")
    np.testing.assert_array_equal(tuned.model.predict_proba(rows), model.predict_proba(rows))
    assert read_split_record(workspace.split_record).schema.target.positive == tuned.model.schema.target.positive


def test_more_classes_are_compared_by_log_loss() -> None:
    frame = _frame()
    y = np.array([-5, 7, 30])[np.digitize(_score(frame), [-0.2, 1.0])]

    result = _tune(frame, y)

    assert result.metric == "log_loss"
    assert list(result.model.classes_) == [-5, 7, 30]
    assert result.score == pytest.approx(result.trials["score"].min(), abs=0.05)
    np.testing.assert_allclose(result.model.predict_proba(frame).sum(axis=1), 1.0)


@pytest.mark.parametrize("model", ["logistic_regression", "RandomForestClassifier"])
def test_another_model_by_any_of_its_names(model: str) -> None:
    frame = _frame()

    result = _tune(frame, _labels(frame), model, max_trials=1)

    assert result.model.name in ("logistic_regression", "random_forest")
    assert result.score > 0.7


@pytest.mark.parametrize("make", [np.asarray, list, pd.Categorical, pa.array, lambda y: y.to_frame()])
def test_labels_may_come_in_any_wrapping(make: Any, tuned: TuneResult) -> None:
    frame = _frame()

    result = _tune(frame, make(_labels(frame)))

    assert result.score == tuned.score


def test_an_array_is_predicted_with_all_of_its_columns() -> None:
    frame = _frame()
    X = np.column_stack([frame["größe"], np.ones(300), np.full(300, np.nan), _score(frame)])

    result = _tune(X, (_labels(frame) == "ja").to_numpy())

    assert list(result.model.feature_names_in_) == ["x0", "x1", "x2", "x3"]
    assert result.model.predict_proba(X).shape == (300, 2)
    assert result.model.predict(X).dtype == bool


def test_an_array_of_objects_holds_text_and_numbers() -> None:
    frame = _frame()[["größe", "Tarif €", "customer_id"]]

    result = _tune(frame.to_numpy(dtype=object), _labels(frame))

    assert result.model.n_features_in_ == 3
    assert len(result.model.predict(frame.to_numpy(dtype=object))) == 300


def test_columns_of_types_that_only_pandas_has() -> None:
    frame = _frame()[["größe"]].fillna(0)
    frame["cut"] = pd.cut(frame["größe"], 4)
    frame["month"] = pd.period_range("2001-01", periods=300, freq="M")
    frame["few"] = pd.arrays.SparseArray((frame["größe"] > 1).astype(float))
    frame[7] = pd.cut(frame["größe"], 3)

    result = _tune(frame, frame["größe"] > 0.2)

    kinds = {column.name: column.kind for column in result.model.schema.columns}
    assert kinds == {"größe": "numeric", "cut": "category", "month": "date", "few": "numeric", "7": "category"}
    assert result.model.predict(frame).shape == (300,)


def test_rows_of_a_group_are_never_on_two_sides() -> None:
    random = np.random.default_rng(5)
    groups = np.repeat(np.arange(40), 8)
    y = random.integers(0, 2, 40)[groups]
    # A group's number gives its label away, to whoever has seen another row of the group.
    X = pd.DataFrame(
        {"told": random.permutation(40)[groups] + 0.01 * random.normal(size=320), "noise": random.random(320)}
    )

    apart, together = (_tune(X, y, groups=g, params={"min_child_samples": 2}) for g in (groups, None))

    assert together.score > 0.9
    assert apart.score < 0.75
    assert list(apart.model.feature_names_in_) == ["told", "noise"]
    assert apart.model.predict(X).shape == (320,)


def test_a_holdout_keeps_groups_on_one_side_and_is_fitted_on_all_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    frame, seen = _frame(), []
    from mltrain.tuning import handed_in

    develop = handed_in.develop

    def looked_at(train: pa.Table, validation: pa.Table, **settings: Any) -> Any:
        seen.extend(set(rows["groups"].to_pylist()) for rows in (train, validation))
        return develop(train, validation, **settings)

    monkeypatch.setattr(handed_in, "develop", looked_at)

    result = _tune(frame, _labels(frame), groups=frame.index // 4, validation="holdout")

    assert (result.validation, result.final_fit) == ("holdout", "refit")
    assert seen[0].isdisjoint(seen[1])
    assert len(seen[0]) + len(seen[1]) == 75


def test_settings_reach_the_search() -> None:
    frame = _frame()
    settings = {"search_space": {"num_leaves": {"int": [3, 5]}}, "calibration": "sigmoid", "metric": "f1", "seed": 7}

    result = _tune(frame, _labels(frame), max_trials=4, positive_class="Ärger", class_weight="balanced", **settings)

    assert 3 <= result.params["num_leaves"] <= 5
    assert result.model.calibrator is not None
    assert result.model.calibrator.method == "sigmoid"
    assert (result.metric, result.model.schema.target.positive) == ("f1", "Ärger")
    assert result.model.threshold is not None


def test_settings_may_be_numbers_of_numpy() -> None:
    frame = _frame()
    ranges = {"num_leaves": {"int": np.array([3, 5])}, "extra_trees": {"choice": [np.True_, np.False_]}}
    params = {**FAST, "min_child_samples": np.int64(7)}

    result = _tune(frame, _labels(frame), n_folds=np.int64(2), seed=np.int64(3), params=params, search_space=ranges)

    assert result.params["min_data_in_leaf"] == 7
    assert result.params["num_leaves"] in (3, 4, 5)


def test_defaults_are_those_of_the_config() -> None:
    said = {name: parameter.default for name, parameter in inspect.signature(mltrain.tune).parameters.items()}
    config = Config()

    assert said["seed"] == config.seed
    for name in ("n_folds", "validation", "final_fit", "calibration", "n_jobs"):
        assert said[name] == getattr(config.train, name), name


def test_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    frame = _frame()
    before = frame.copy()

    _tune(frame, _labels(frame), max_trials=1)

    assert list(tmp_path.iterdir()) == []
    pd.testing.assert_frame_equal(frame, before)


def test_the_clock_ends_the_call() -> None:
    frame = _frame()
    started = time.monotonic()

    result = mltrain.tune(frame, _labels(frame), budget="2s", metric="log_loss")

    # As of `train`: 2 s over at most, on a machine that others use too.
    assert time.monotonic() - started < 4.0
    assert result.seconds < 4.0
    assert len(result.trials) >= 1


def test_whoever_listens_hears_of_trials() -> None:
    frame, heard = _frame(), list[Event]()

    _tune(frame, _labels(frame), listener=heard.append)

    assert [event.number for event in heard if isinstance(event, TrialFinished)] == [0, 1]


def test_ctrl_c_leaves_as_python_does() -> None:
    frame = _frame()
    timer = threading.Timer(1.0, signal.raise_signal, [signal.SIGINT])
    started = time.monotonic()
    timer.start()

    with pytest.raises(KeyboardInterrupt):
        mltrain.tune(frame, _labels(frame), budget=60)

    assert time.monotonic() - started < 20


def _wrong(**changes: Any) -> dict[str, Any]:
    frame = _frame(60)
    return {"X": frame, "y": _labels(frame), "max_trials": 1, **changes}


NUMBERS = pd.DataFrame({"a": np.arange(60.0), "b": np.arange(60.0) % 7})


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (_wrong(y=["a", "b"]), DataError, "X has 60 rows and y has 2"),
        (_wrong(groups=[1, 2, 3]), DataError, "X has 60 rows and groups has 3"),
        (_wrong(y=np.zeros((60, 2))), DataError, r"y is a ndarray of shape \(60, 2\)"),
        (_wrong(y="geht"), DataError, "y is a str"),
        (_wrong(y=5), DataError, "y is a int"),
        (_wrong(y=["a", 1] * 30), DataError, "y has values of mixed types"),
        (_wrong(y=["same"] * 60), DataError, "all 60 rows have the same class, 'same'"),
        (_wrong(y=["a", "b", None] * 20), DataError, "20 rows have no label"),
        (_wrong(y=[None] * 60), DataError, "all labels are missing"),
        (_wrong(y=np.linspace(0, 1, 60)), DataError, "the target is a number with 60 values"),
        (_wrong(X=NUMBERS["a"]), SchemaError, "X is a Series and has 1 dimension"),
        (_wrong(X={"a": [1]}), SchemaError, "X is a dict and has 0 dimensions"),
        (_wrong(X=NUMBERS.assign(c=["x", 1] * 30)), SchemaError, "X has a column of mixed types"),
        (_wrong(X=NUMBERS.set_axis(["a", "a"], axis=1)), SchemaError, "column names of X occur twice: 'a'"),
        (_wrong(X=pa.table([range(60)] * 2, names=["a", "a"])), SchemaError, "column names of X occur twice: 'a'"),
        (_wrong(X=NUMBERS.iloc[:0], y=[]), DataError, "there are no rows"),
        (_wrong(X=NUMBERS[[]].assign(c=1)), DataError, "no column is left to learn from"),
        (_wrong(y=set(range(60))), DataError, "y is a set"),
        (_wrong(y=dict.fromkeys(range(60))), DataError, "y is a dict"),
        (_wrong(X=NUMBERS[[]]), DataError, "X has no columns"),
        (_wrong(X=NUMBERS.assign(c=1j)), SchemaError, "of none that can be learnt from"),
        (_wrong(model=["lgbm"]), UsageError, r"tune optimises one model, got \['lgbm'\]"),
        (_wrong(model="lgb"), ConfigError, "no model family is called 'lgb'"),
        (_wrong(model="ensemble"), UsageError, "tune optimises one model"),
        (_wrong(metric="aucc"), ConfigError, "no metric is called 'aucc'"),
        (_wrong(max_trials=0), ConfigError, "must be at least 1, got 0"),
        (_wrong(n_folds=1), ConfigError, "must be at least 2, got 1"),
        (_wrong(validation="loo"), ConfigError, "must be one of auto, kfold, holdout, got 'loo'"),
        (_wrong(params={"num_leafs": 3}), ConfigError, "lgbm has no parameter 'num_leafs'"),
        (_wrong(search_space={"num_leaves": {"int": [5, 3]}}), ConfigError, "low must be below high"),
        (_wrong(positive_class="nein"), DataError, "'nein' is not a class"),
        (_wrong(budget="soon"), UsageError, "'soon' is no duration"),
        (_wrong(budget=0), UsageError, "a budget of 0 is no time"),
        (_wrong(seed=-1), ConfigError, "must be at least 0"),
    ],
)
def test_what_cannot_be_is_refused(call: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        mltrain.tune(**call)


def test_labels_left_in_X_are_found() -> None:
    frame = _frame().assign(geht=_labels)

    with pytest.raises(DataError, match="X holds the labels, as 'geht'"):
        mltrain.tune(frame, frame["geht"], max_trials=1)


def test_labels_may_be_a_frame_of_one_column_of_any_name() -> None:
    frame = _frame()

    result = _tune(frame, _labels(frame).to_frame("name"), max_trials=1)

    assert result.model.schema.target.name == "name"


def test_labels_may_be_called_like_a_column() -> None:
    frame = _frame()

    result = _tune(frame, _labels(frame).rename("on"), max_trials=1)

    assert result.model.schema.target.name == "on_"


@pytest.mark.parametrize("n", [4, 6, 20])
def test_a_handful_of_rows_is_fitted_or_refused_in_words(n: int) -> None:
    X = pd.DataFrame({"a": np.arange(float(n)), "b": ["x", "y"] * (n // 2)})

    result = mltrain.tune(X, [0, 1] * (n // 2), max_trials=1, n_folds=2)

    assert result.model.predict_proba(X).shape == (n, 2)


def test_a_model_whose_library_is_missing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from mltrain import plugins

    def missing(group: str, name: str, **_: Any) -> Any:
        raise PluginError("model family 'lgbm' cannot be loaded")

    monkeypatch.setattr(plugins, "load", missing)

    with pytest.raises(PluginError):
        mltrain.tune(**_wrong())
