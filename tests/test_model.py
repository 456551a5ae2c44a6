"""Trained models as scikit-learn classifiers: single families and ensembles, on labels and columns of every kind."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.base import clone, is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.metrics import accuracy_score, get_scorer, log_loss, roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils import estimator_checks
from sklearn.utils.validation import check_is_fitted

from mltrain.artifact import load_model
from mltrain.commands.split import split
from mltrain.commands.train import TrainRequest, train
from mltrain.config import Config
from mltrain.errors import SchemaError
from mltrain.model import Model
from mltrain.workspace import Workspace

pytestmark = pytest.mark.filterwarnings("ignore:Signature.*longdouble:UserWarning")

MODELS = ("lgbm", "ensemble")  # one family, and the vote of two


@dataclass(frozen=True, kw_only=True)
class Case:
    """Models trained on one table, and the table."""

    X: pd.DataFrame
    y: np.ndarray
    models: dict[str, Model]
    pickles: dict[str, Path]
    positive: Any = None


def _mixed(n: int = 240) -> pd.DataFrame:
    """Numbers with gaps, text, truth values and dates, under names that are not ASCII."""
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "größe": random.normal(size=n),
            "Tarif €": random.choice(["a", "b", "ü"], n),
            "on": random.random(n) < 0.5,
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(random.integers(0, 300, n), unit="D"),
        }
    )
    frame.loc[::9, "größe"] = np.nan
    return frame


def _signal(frame: pd.DataFrame) -> np.ndarray:
    noise = np.random.default_rng(1).normal(size=len(frame))
    return (frame["größe"].fillna(0) + (frame["Tarif €"] == "a") + 0.5 * noise).to_numpy()


def _words() -> tuple[pd.DataFrame, np.ndarray, Any]:
    frame = _mixed()
    return frame, np.where(_signal(frame) > 0.4, "ja", "Ärger"), "ja"


def _flags() -> tuple[pd.DataFrame, np.ndarray, Any]:
    frame = _mixed()
    return frame, _signal(frame) > 0.4, False


def _numbers() -> tuple[pd.DataFrame, np.ndarray, Any]:
    """Three classes, integers that are not 0, 1, 2, and as many columns as scikit-learn's checks make."""
    X = np.random.default_rng(2).normal(size=(240, 3))
    return pd.DataFrame(X, columns=["a", "b", "c"]), np.array([-5, 7, 30])[np.digitize(X[:, 0], [-0.5, 0.5])], None


def _train(case: tuple[pd.DataFrame, np.ndarray, Any], root: Path) -> Case:
    X, y, positive = case
    X.assign(label=y).to_parquet(root / "rows.parquet")
    config = Config.model_validate(
        {
            "data": {"source": str(root / "rows.parquet"), "target": "label", "positive_class": positive},
            "train": {
                "experiment_tracker": "local",
                "supported_models": ["lgbm", "logistic_regression"],
                "comparison_metric": "f1",
                "calibration": "sigmoid",
                "n_folds": 2,
            },
            "models": {"lgbm": {"params": {"n_estimators": 12, "learning_rate": 0.3}}},
            "evaluate": {"figures": False},
        }
    )
    split(config, Workspace(root=root))
    result = train(config, Workspace(root=root), request=TrainRequest(max_trials=1))
    runs = {c.model: root / "runs" / c.run_id for c in result.candidates}
    return Case(
        X=X,
        y=y,
        models={name: load_model(run / "model") for name, run in runs.items()},
        pickles={name: run / "model.pkl" for name, run in runs.items()},
        positive=positive,
    )


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Case]:
    made = {"words": _words(), "flags": _flags(), "numbers": _numbers()}
    return {name: _train(case, tmp_path_factory.mktemp(name)) for name, case in made.items()}


@pytest.fixture(params=["words", "flags", "numbers"])
def case(request: pytest.FixtureRequest, cases: dict[str, Case]) -> Case:
    return cases[request.param]


@pytest.fixture(params=MODELS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def model(case: Case, name: str) -> Model:
    return case.models[name]


@pytest.fixture
def numbers(cases: dict[str, Case]) -> Case:
    return cases["numbers"]


def test_columns_of_probabilities_follow_the_sorted_classes(case: Case, model: Model) -> None:
    np.testing.assert_array_equal(model.classes_, np.unique(case.y))

    proba = model.predict_proba(case.X)

    assert proba.shape == (len(case.X), len(model.classes_))
    assert proba.min() >= 0
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    for column, label in enumerate(model.classes_):
        assert roc_auc_score(case.y == label, proba[:, column]) > 0.8  # a swapped column would be near 0


def test_a_positive_class_that_sorts_first_keeps_its_code(cases: dict[str, Case], name: str) -> None:
    model = cases["flags"].models[name]
    table = pa.Table.from_pandas(cases["flags"].X)

    assert model.schema.target.classes == (True, False)
    np.testing.assert_array_equal(model.classes_, [False, True])
    np.testing.assert_array_equal(model.proba(table), model.predict_proba(table)[:, ::-1])


@pytest.mark.parametrize("table", ["words", "flags"])
def test_the_threshold_of_the_positive_class_decides(cases: dict[str, Case], table: str, name: str) -> None:
    case = cases[table]
    model = clone(case.models[name])
    assert model.threshold is not None  # f1 is a metric of decisions
    column = list(model.classes_).index(case.positive)

    for threshold in (model.threshold, 0.0, 0.2, 0.9, 1.0):
        model.set_params(threshold=threshold)
        is_positive = model.predict_proba(case.X)[:, column] >= threshold
        np.testing.assert_array_equal(model.predict(case.X) == case.positive, is_positive)
    model.set_params(threshold=None)
    np.testing.assert_array_equal(model.predict(case.X) == case.positive, model.predict_proba(case.X)[:, column] >= 0.5)


def test_the_most_probable_of_three_classes_wins(numbers: Case, name: str) -> None:
    model = numbers.models[name]

    assert model.threshold is None
    likely = model.classes_[model.predict_proba(numbers.X).argmax(axis=1)]
    np.testing.assert_array_equal(model.predict(numbers.X), likely)
    assert accuracy_score(numbers.y, likely) > 0.8


def test_labels_have_the_type_they_were_trained_on(case: Case, model: Model) -> None:
    assert model.predict(case.X).dtype.kind == case.y.dtype.kind == model.classes_.dtype.kind


def test_a_clone_is_as_fitted_as_the_model(case: Case, model: Model) -> None:
    copied = clone(model)

    assert copied is not model
    assert copied.members[0] is not model.members[0]
    check_is_fitted(copied)
    np.testing.assert_array_equal(copied.predict_proba(case.X), model.predict_proba(case.X))


def test_parameters_make_the_same_model_again(case: Case, model: Model) -> None:
    params = model.get_params(deep=False)

    assert set(params) == {"schema", "encoders", "members", "calibrator", "threshold", "name"}
    np.testing.assert_array_equal(Model(**params).predict_proba(case.X), model.predict_proba(case.X))


def test_fit_changes_nothing(case: Case, model: Model) -> None:
    before = model.predict_proba(case.X)

    assert model.fit(case.X.iloc[:5], case.y[:5]) is model
    np.testing.assert_array_equal(model.predict_proba(case.X), before)


def test_it_says_what_it_is(case: Case, model: Model) -> None:
    assert is_classifier(model)
    assert list(model.feature_names_in_) == list(case.X.columns)
    assert model.n_features_in_ == case.X.shape[1]
    assert repr(model).startswith("Model(")
    assert len(repr(model)) < 5000  # megabytes of trees would flood a notebook
    assert "Model" in model._repr_html_()


def test_the_pickle_and_the_safe_artefact_predict_the_same(case: Case, model: Model, name: str) -> None:
    unpickled = pickle.loads(case.pickles[name].read_bytes())

    np.testing.assert_array_equal(unpickled.predict_proba(case.X), model.predict_proba(case.X))
    np.testing.assert_array_equal(unpickled.predict(case.X), model.predict(case.X))
    assert unpickled.threshold == model.threshold


def test_a_pickle_predicts_without_the_search_or_the_trackers(cases: dict[str, Case]) -> None:
    path = cases["numbers"].pickles["ensemble"]
    program = f"""
import json, pickle, sys
import numpy as np
with open({str(path)!r}, "rb") as file:
    model = pickle.load(file)
labels = model.predict(np.zeros((2, 3)))
print(json.dumps([labels.tolist(), sorted(sys.modules)]))
"""
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)

    labels, modules = json.loads(done.stdout)
    assert labels == [7, 7]
    ours = {m.split(".")[1] for m in modules if m.startswith("mltrain.")}
    assert not ours & {"search", "tracking", "commands", "cli", "console", "candidate", "figures"}
    # matplotlib is no matter of ours: LightGBM before 4.6 imports it by itself.
    assert not {m.partition(".")[0] for m in modules} & {"optuna", "comet_ml", "mlflow", "xgboost"}


def test_frames_and_tables_with_columns_in_any_order_and_more_of_them(case: Case, model: Model) -> None:
    wanted = model.predict_proba(case.X)
    shuffled = case.X[list(case.X.columns[::-1])].assign(label=case.y, more=1.5)

    for X in (
        pa.Table.from_pandas(case.X),
        shuffled,
        pa.Table.from_pandas(shuffled),
        shuffled.set_index(np.arange(len(shuffled)) * 3),
    ):
        np.testing.assert_array_equal(model.predict_proba(X), wanted)


def test_one_row_and_no_row(case: Case, model: Model) -> None:
    np.testing.assert_allclose(model.predict_proba(case.X.iloc[[7]])[0], model.predict_proba(case.X)[7], rtol=1e-6)
    assert model.predict_proba(case.X.iloc[:0]).shape == (0, len(model.classes_))
    assert model.predict(case.X.iloc[:0]).shape == (0,)


def test_a_missing_column_is_named(case: Case, model: Model) -> None:
    with pytest.raises(SchemaError, match=case.X.columns[1]):
        model.predict(case.X.drop(columns=case.X.columns[1]))


def test_an_array_needs_as_many_columns_as_were_trained_on(numbers: Case, name: str) -> None:
    model = numbers.models[name]

    np.testing.assert_array_equal(model.predict_proba(numbers.X.to_numpy()), model.predict_proba(numbers.X))
    for X in (numbers.X.to_numpy()[:, :2], np.zeros(3), np.zeros((2, 3, 1))):
        with pytest.raises(SchemaError, match="trained on 3 columns"):
            model.predict(X)


def test_a_column_of_mixed_types_is_refused(numbers: Case) -> None:
    with pytest.raises(SchemaError):
        numbers.models["lgbm"].predict(numbers.X.assign(a=[1.0, "x"] * 120))


def test_scikit_learn_scores_and_validates_it(case: Case, model: Model) -> None:
    folds = StratifiedKFold(3)

    by_fold = cross_val_score(model, case.X, case.y, cv=folds, scoring="neg_log_loss")

    proba = model.predict_proba(case.X)
    wanted = [-log_loss(case.y[t], proba[t], labels=model.classes_) for _, t in folds.split(case.X, case.y)]
    np.testing.assert_allclose(by_fold, wanted)
    assert model.score(case.X, case.y) == pytest.approx(np.mean(model.predict(case.X) == case.y))
    np.testing.assert_array_equal(cross_val_predict(model, case.X, case.y, cv=folds, method="predict_proba"), proba)
    assert get_scorer("roc_auc_ovr")(model, case.X, case.y) == pytest.approx(
        roc_auc_score(case.y, proba[:, 1] if proba.shape[1] == 2 else proba, multi_class="ovr")
    )


def test_scikit_learn_calibrates_it_frozen(case: Case, model: Model) -> None:
    calibrated = CalibratedClassifierCV(FrozenEstimator(model)).fit(case.X, case.y)

    np.testing.assert_array_equal(calibrated.classes_, model.classes_)
    assert accuracy_score(case.y, calibrated.predict(case.X)) > 0.8


def test_scikit_learn_permutes_its_columns(case: Case, model: Model) -> None:
    found = permutation_importance(model, case.X, case.y, n_repeats=2, random_state=0, scoring="neg_log_loss")

    assert found.importances_mean.argmax() == 0  # the column that makes the labels


def test_it_ends_a_pipeline_and_has_partial_dependences(numbers: Case) -> None:
    model = numbers.models["lgbm"]

    piped = make_pipeline("passthrough", model).fit(numbers.X, numbers.y)

    np.testing.assert_array_equal(piped.predict(numbers.X), model.predict(numbers.X))
    first = partial_dependence(model, numbers.X, ["a"], grid_resolution=5)["average"][0]
    assert first[0] > first[-1]  # the class of the smallest values of a


# Checks of scikit-learn that ask something of a fitted, frozen classifier. The others do not apply:
# - those that fit it on data of their own and look for what it learnt (classes, accuracy, n_features_in_, feature
#   names, idempotence), or that `fit` refuses X, y or sample_weight, or that unfitted use is refused: `fit` is a
#   no-op, as that of sklearn.frozen.FrozenEstimator, which scikit-learn does not run them on either;
# - those of data that it was not trained on: sparse, complex, pairwise, multi-output, array API;
# - check_parameters_default_constructible and check_param_validation: a model is made by training, not from defaults;
# - check_fit2d_predict1d and check_n_features_in_after_fitting: the error is a SchemaError, not a ValueError;
# - those of transformers, clusterers, regressors and outlier detectors.
PROTOCOL_CHECKS = (
    "check_estimator_cloneable",
    "check_estimator_repr",
    "check_estimator_tags_renamed",
    "check_valid_tag_types",
    "check_mixin_order",
    "check_get_params_invariance",
    "check_set_params",
    "check_do_not_raise_errors_in_init_or_set_params",
    "check_dont_overwrite_parameters",
    "check_no_attributes_set_in_init",
    "check_estimators_overwrite_params",
    "check_estimators_fit_returns_self",
    "check_requires_y_none",
    "check_decision_proba_consistency",
    "check_readonly_memmap_input",
)
DATA_CHECKS = (  # these make three columns of numbers, which the model of three columns takes
    "check_dict_unchanged",
    "check_estimators_pickle",
    "check_fit_score_takes_y",
    "check_methods_sample_order_invariance",
    "check_methods_subset_invariance",
    "check_pipeline_consistency",
    "check_f_contiguous_array_estimator",
)


@pytest.mark.parametrize("check", PROTOCOL_CHECKS)
def test_scikit_learn_check_of_the_protocol(cases: dict[str, Case], name: str, check: str) -> None:
    getattr(estimator_checks, check)("Model", cases["words"].models[name])


@pytest.mark.parametrize("check", DATA_CHECKS)
def test_scikit_learn_check_of_predictions(numbers: Case, name: str, check: str) -> None:
    getattr(estimator_checks, check)("Model", numbers.models[name])
