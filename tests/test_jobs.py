"""What a session's searches are asked to do: what the config and the splits say, and never the test rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from mltrain import development, jobs, plugins
from mltrain.commands.split import split
from mltrain.config import Config
from mltrain.data.splits import read_split_record
from mltrain.errors import DataError
from mltrain.events import ignore
from mltrain.jobs import Material, read_material, study_data_key
from mltrain.models import ModelFamily, Shape
from mltrain.search.narrowing import make_plan
from mltrain.space import Choice, Float, Int
from mltrain.workspace import Workspace


def _material(workspace: Workspace, config: Config) -> Material:
    return read_material(config, workspace, read_split_record(workspace.split_record), listener=ignore)


def _family(name: str) -> ModelFamily:
    return cast("ModelFamily", plugins.load("models", name))


def test_a_job_is_what_the_config_says(trained: Workspace, churn: Any) -> None:
    ranges = {"num_leaves": {"int": [4, 20]}, "max_bin": {"int": [15, 255]}}
    models = {"lgbm": {"params": {"learning_rate": 0.07}, "search_space": ranges}}
    config = churn(models=models, train={"n_folds": 3, "trial_lag": 2, "comparison_metric": "log_loss"})
    material = _material(trained, config)

    job = material.job("lgbm", _family("lgbm"), max_trials=5)

    assert (job.name, job.max_trials, job.lag, job.seed) == ("lgbm", 5, 2, config.seed)
    assert job.objective.seed == config.seed
    assert job.fixed == {"learning_rate": 0.07}
    assert job.space["num_leaves"] == Int(low=4, high=20)
    assert job.space["max_bin"] == Choice(options=(255, 127, 63, 31, 15))
    assert job.metric.name == "log_loss"
    assert (len(job.folds), job.weights, job.final_features) == (3, None, None)
    np.testing.assert_array_equal(np.sort(job.valid_rows), np.arange(len(job.y)))


def test_what_a_synonym_fixes_or_ranges_is_not_searched_by_the_familys_own_name_besides(
    trained: Workspace, churn: Any
) -> None:
    ranges = {"reg_lambda": {"float": [0.1, 1.0]}}
    config = churn(models={"lgbm": {"params": {"eta": 0.07}, "search_space": ranges}})

    job = _material(trained, config).job("lgbm", _family("lgbm"), max_trials=5)

    assert job.fixed == {"learning_rate": 0.07}
    assert job.space["lambda_l2"] == Float(low=0.1, high=1.0)
    searched = make_plan(job.space, tuple(job.first_trials), fixed=job.fixed).space
    assert searched.keys().isdisjoint({"eta", "learning_rate", "reg_lambda"})


def test_first_trials_are_told_how_rare_the_rarest_class_is(
    trained: Workspace, churn: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    material = _material(trained, churn())
    family = _family("lgbm")
    shapes: list[Shape] = []
    monkeypatch.setattr(type(family), "first_trials", lambda _, shape: shapes.append(shape) or ())

    material.job("lgbm", family, max_trials=1)

    assert shapes[0].rarest == min(np.mean(material.rows.y), 1 - np.mean(material.rows.y))


@pytest.mark.parametrize(("search_rows", "final_fit"), [(100, "refit"), (100_000, "bag"), (None, "bag")])
def test_models_of_folds_that_learnt_from_a_sample_are_not_what_is_kept(
    trained: Workspace, churn: Any, search_rows: int | None, final_fit: str
) -> None:
    material = _material(trained, churn(train={"validation": "kfold", "search_rows": search_rows}))

    assert material.recipe.final_fit == final_fit


def test_test_rows_are_not_needed(trained: Workspace, churn: Any) -> None:
    trained.split("test").unlink()
    parts = read_split_record(trained.split_record).splits

    material = _material(trained, churn())

    assert len(material.rows.y) == parts["train"].rows + parts["validation"].rows


def test_features_are_selected_for_each_fold_and_for_the_fit_on_all_rows(trained: Workspace, churn: Any) -> None:
    material = _material(trained, churn(preprocessing={"select_features": 0.5}))

    job = material.job("lgbm", _family("lgbm"), max_trials=None)

    n_features = job.view.n_features
    chosen = [job.final_features, *(fold.features for fold in job.folds)]
    assert all(features is not None and 0 < len(features) <= -(-n_features // 2) for features in chosen)


def test_features_are_selected_once_for_families_that_share_a_view(
    trained: Workspace, churn: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    n_rows: list[int] = []
    select = development.select_features

    def counted(*args: Any, **settings: Any) -> Any:
        n_rows.append(len(settings["rows"]))
        return select(*args, **settings)

    monkeypatch.setattr(development, "select_features", counted)
    material = _material(trained, churn(preprocessing={"select_features": 0.5}, train={"n_folds": 3}))

    one, other = (material.job(name, _family(name), max_trials=None) for name in ("lgbm", "xgboost"))

    assert n_rows == [*(len(fold.train) for fold in one.folds), len(one.y)]
    assert one.folds == other.folds
    assert one.final_features is other.final_features
    material.free_views([_family("logistic_regression")])
    assert not material.chosen


def test_a_view_is_made_once_and_let_go(trained: Workspace, churn: Any) -> None:
    material = _material(trained, churn())
    native = material.view("native")
    material.view("one_hot")

    assert material.view("native") is native
    material.free_views([_family("logistic_regression")])
    assert set(material.views) == {"one_hot"}


@pytest.mark.parametrize(
    ("settings", "final_fit", "refits_voters"),
    [
        ({}, "bag", True),
        ({"validation": "holdout"}, "refit", False),
        ({"final_fit": "refit"}, "refit", False),
        ({"final_fit": "bag"}, "bag", False),
    ],
    ids=["folds", "holdout", "refit asked for", "bag asked for"],
)
def test_how_the_best_trial_is_fitted_finally(
    trained: Workspace, churn: Any, settings: dict[str, str], final_fit: str, refits_voters: bool
) -> None:
    recipe = _material(trained, churn(train=settings)).recipe

    assert (recipe.final_fit, recipe.refits_voters) == (final_fit, refits_voters)


def test_voters_are_refitted_where_rows_are_few(
    trained: Workspace, churn: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    n_rows = len(_material(trained, churn()).rows.y)

    monkeypatch.setattr(jobs, "_FEW_ROWS", n_rows - 1)
    monkeypatch.setattr(jobs, "_FEW_OF_A_CLASS", 0)

    assert not _material(trained, churn()).recipe.refits_voters


def test_voters_are_refitted_where_one_of_two_classes_is_rare(
    trained: Workspace, churn: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    n_rarer = np.bincount(_material(trained, churn()).rows.y).min()
    monkeypatch.setattr(jobs, "_FEW_ROWS", 0)

    monkeypatch.setattr(jobs, "_FEW_OF_A_CLASS", n_rarer - 1)
    assert not _material(trained, churn()).recipe.refits_voters

    monkeypatch.setattr(jobs, "_FEW_OF_A_CLASS", n_rarer)
    assert _material(trained, churn()).recipe.refits_voters

    monkeypatch.setattr(jobs, "_LARGE_CELLS", 1)
    assert not _material(trained, churn()).recipe.refits_voters


def test_a_changed_split_file_is_refused(trained: Workspace, churn: Any) -> None:
    with trained.split("validation").open("ab") as file:
        file.write(b"x")

    with pytest.raises(DataError, match="a split file was changed"):
        _material(trained, churn())


@pytest.mark.parametrize(
    ("sections", "same"),
    [
        ({"preprocessing": {"max_categories": 7}}, False),
        ({"train": {"class_weight": "balanced"}}, False),
        ({"train": {"n_jobs": 1}}, True),
        ({"evaluate": {"n_bootstrap": 50}}, True),
    ],
    ids=["encoding", "weights", "threads", "evaluation"],
)
def test_a_study_is_another_when_its_scores_would_be(churn: Any, sections: dict[str, Any], same: bool) -> None:
    assert (study_data_key("rows", churn(**sections)) == study_data_key("rows", churn())) is same


def test_families_are_searched_together_unless_the_data_is_large(
    trained: Workspace, churn: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    material = _material(trained, churn())
    families = {name: _family(name) for name in ("lgbm", "logistic_regression", "xgboost", "random_forest")}

    together = material.groups(families)
    monkeypatch.setattr("mltrain.jobs._LARGE_CELLS", 1)
    apart = material.groups(families)

    assert [list(group) for group in together] == [list(families)]
    assert [list(group) for group in apart] == [["logistic_regression"], ["random_forest"], ["lgbm"], ["xgboost"]]


def test_the_table_of_large_data_is_read_again_for_each_view(
    trained: Workspace, churn: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = _material(trained, churn())
    monkeypatch.setattr("mltrain.jobs._LARGE_CELLS", 1)
    monkeypatch.setattr("mltrain.jobs._ROWS_AT_HAND", 10)

    split = read_split_record(trained.split_record)
    lean = read_material(churn(), trained, split, listener=ignore, is_lean=True)

    assert lean.is_large
    assert lean.rows.table.num_rows == 10
    np.testing.assert_array_equal(lean.rows.y, whole.rows.y)
    for kind in ("native", "ordinal"):
        np.testing.assert_array_equal(lean.view(kind).view.X, whole.view(kind).view.X)


def test_of_many_calibration_rows_a_sample_is_enough(
    tmp_path: Path, churn: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = Workspace(root=tmp_path)
    config = churn(split={"calibration_size": 0.1})
    split(config, workspace)
    every = _material(workspace, config).recipe.calibration_split
    monkeypatch.setattr(jobs, "_MOST_CALIBRATION_ROWS", 40)

    some = _material(workspace, config).recipe.calibration_split
    again = _material(workspace, config).recipe.calibration_split

    assert every is not None
    assert some is not None
    assert again is not None
    assert (len(some.y), some.table.num_rows) == (40, 40)
    assert len(every.y) > 40
    assert some.table == again.table
    rows = list(map(str, every.table.to_pylist()))
    assert all(str(row) in rows for row in some.table.to_pylist())
