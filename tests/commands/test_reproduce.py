"""`reproduce`: the same model from the record, and what it says when that is not to be had."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mltrain.commands.evaluate import evaluate
from mltrain.commands.register import register
from mltrain.commands.reproduce import ReproduceResult, reproduce
from mltrain.commands.split import split
from mltrain.commands.train import TrainRequest, train
from mltrain.config import Config
from mltrain.errors import ConfigError, DataError, NoRunError, PluginError, UsageError
from mltrain.workspace import Workspace

pytestmark = pytest.mark.filterwarnings("ignore:Signature.*longdouble:UserWarning")
FAMILIES = ["logistic_regression", "random_forest", "lgbm", "xgboost"]
Change = Callable[[dict[str, Any]], object]


def _run(workspace: Workspace, model: str) -> str:
    return next(workspace.runs.glob(f"{model}-*")).name


def _reproduce(workspace: Workspace, model: str, **options: Any) -> ReproduceResult:
    return reproduce(None, workspace, run=_run(workspace, model), **options)


def _tamper(workspace: Workspace, model: str, change: Change) -> None:
    """Change the record of a run."""
    path = workspace.run(_run(workspace, model)) / "run.json"
    record = json.loads(path.read_text())
    change(record)
    path.write_text(json.dumps(record))


def _params(record: dict[str, Any], part: int = 0) -> dict[str, Any]:
    params: dict[str, Any] = record["parts"][part]["trial"]["params"]
    return params


def _train(root: Path, source: str = "example:churn", target: str = "churned", **sections: Any) -> Workspace:
    """Split and train as ``sections`` say; those of ``request`` are the command line's."""
    request = sections.pop("request")
    settings = {"experiment_tracker": "local", **sections.pop("train", {})}
    data = {"source": source, "target": target}
    config = Config.model_validate({"data": data, "train": settings, "evaluate": {"figures": False}, **sections})
    workspace = Workspace(root=root)
    split(config, workspace)
    train(config, workspace, request=TrainRequest(**request))
    return workspace


def _agrees_bit_for_bit(result: ReproduceResult) -> None:
    # The shares of fold models in a vote are multiplied in another order, which may change their last bit.
    assert result.differences.largest <= (1e-14 if result.model == "ensemble" else 0)
    assert (result.agrees, result.exit_code, result.warnings) == (True, 0, ())


@pytest.mark.parametrize("model", ["lgbm", "logistic_regression", "ensemble"])
def test_every_model_of_a_session_is_made_again(trained: Workspace, model: str) -> None:
    record = json.loads((trained.run(_run(trained, model)) / "run.json").read_text())

    result = _reproduce(trained, model)

    _agrees_bit_for_bit(result)
    assert (result.run_id, result.model, result.metric) == (_run(trained, model), model, "roc_auc")
    assert result.differences.rows == result.differences.n_rows == record["validation"]["n_rows"]
    assert {p.trial: p.weight for p in result.parts} == (record["weights"] or {result.parts[0].trial: 1.0})
    for part in result.parts:
        assert part.score == part.recorded_score
        assert (part.final_fit, part.fold_difference, len(part.n_rounds)) == ("bag", 0.0, 5)
    # Of a vote on few rows, models on all rows are made again too.
    assert all(part["n_refits"] > 0 for part in record["parts"]) == (model == "ensemble")


@pytest.fixture(scope="module")
def hurried(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give each family half a second, which cuts its first trial; then let what they left vote."""
    root = tmp_path_factory.mktemp("hurried")
    for family in FAMILIES:
        _train(root, request={"models": (family,), "budget_s": 0.5})
    return _train(root, request={"models": ("ensemble",)}).root


@pytest.mark.parametrize("model", [*FAMILIES, "ensemble"])
def test_what_a_clock_cut_short_is_made_again(hurried: Path, model: str) -> None:
    result = _reproduce(Workspace(root=hurried), model)

    _agrees_bit_for_bit(result)
    record = json.loads((hurried / "runs" / result.run_id / "run.json").read_text())
    assert result.notes == tuple(record["notes"])
    assert [p.state for p in result.parts] == [p["trial"]["state"] for p in record["parts"]]
    assert model in ("logistic_regression", "ensemble") or [p.state for p in result.parts] == ["cut"]


@pytest.fixture(scope="module")
def refitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train all families with one holdout and a refit, in one thread."""
    root = tmp_path_factory.mktemp("refitted")
    return _train(root, train={"validation": "holdout", "n_jobs": 1}, request={"max_trials": 2}).root


@pytest.mark.parametrize("model", [*FAMILIES, "ensemble"])
def test_refits_on_all_rows_are_made_again(refitted: Path, model: str) -> None:
    result = _reproduce(Workspace(root=refitted), model)

    _agrees_bit_for_bit(result)
    assert {p.final_fit for p in result.parts} <= {"refit", "fold"}
    assert model == "ensemble" or result.parts[0].final_fit == "refit"


@pytest.mark.parametrize("n_jobs", [1, 2, 4])
def test_threads_change_nothing(trained: Workspace, n_jobs: int) -> None:
    _tamper(trained, "ensemble", lambda record: record["config"]["train"].update(n_jobs=n_jobs))

    _agrees_bit_for_bit(_reproduce(trained, "ensemble"))


def test_everything_that_a_config_may_ask_for_is_done_again(tmp_path: Path) -> None:
    workspace = _train(
        tmp_path,
        request={"max_trials": 2},
        split={"calibration_size": 0.2},
        preprocessing={"select_features": 0.6},
        models={"lgbm": {"params": {"learning_rate": 0.07}, "search_space": {"num_leaves": {"int": [4, 20]}}}},
        train={
            "supported_models": ["lgbm", "logistic_regression"],
            "class_weight": "balanced",
            "comparison_metric": "fbeta_score",
            "fbeta_score_beta_val": 0.5,
            "calibration": "sigmoid",
            "n_folds": 3,
        },
        seed=7,
    )

    for model in ("lgbm", "logistic_regression", "ensemble"):
        _agrees_bit_for_bit(_reproduce(workspace, model))


def test_more_than_two_classes(tmp_path: Path) -> None:
    settings = {"supported_models": ["random_forest", "logistic_regression"]}
    workspace = _train(tmp_path, "example:wine", "cultivar", request={"max_trials": 1}, train=settings)

    for model in ("random_forest", "ensemble"):
        result = _reproduce(workspace, model)
        _agrees_bit_for_bit(result)
        assert result.metric == "log_loss"


def test_a_calibrator_is_made_again_but_an_ensembles_is_taken_over(tmp_path: Path) -> None:
    settings = {"supported_models": ["lgbm", "logistic_regression"], "calibration": "sigmoid"}
    workspace = _train(tmp_path, request={"max_trials": 1}, train=settings)

    def bend(record: dict[str, Any]) -> None:
        record["calibrator"]["offset"] = [record["calibrator"]["offset"][0] + 0.5]

    for model in ("lgbm", "ensemble"):
        _tamper(workspace, model, bend)
    single, ensemble = _reproduce(workspace, "lgbm"), _reproduce(workspace, "ensemble")

    assert (single.calibration, ensemble.calibration) == ("rebuilt", "recorded")
    _agrees_bit_for_bit(single)
    assert not ensemble.agrees
    assert ensemble.differences.raw <= 1e-14
    assert ensemble.differences.calibrated > 0.05


@pytest.mark.parametrize(
    ("model", "change", "differing"),
    [
        ("logistic_regression", lambda r: _params(r).update(C=0.5 * _params(r)["C"]), "raw"),
        ("lgbm", lambda r: _params(r).update(num_leaves=_params(r)["num_leaves"] + 3), "raw"),
        ("lgbm", lambda r: r["parts"][0]["trial"].update(number=7), "raw"),
        ("lgbm", lambda r: r["config"].update(seed=3), None),
        ("ensemble", lambda r: r["parts"][0].update(weight=r["parts"][0]["weight"] - 0.1), "raw"),
        ("lgbm", lambda r: r["parts"][0]["trial"].update(score=r["parts"][0]["trial"]["score"] + 1e-4), "score"),
        ("lgbm", lambda r: r["parts"][0]["trial"].update(fold_scores=[None] * 5), "score"),
    ],
    ids=["C", "leaves", "number", "seed", "weight", "score", "fold scores"],
)
def test_a_record_that_was_changed_is_not_confirmed(
    trained: Workspace, model: str, change: Change, differing: str | None
) -> None:
    _tamper(trained, model, change)

    result = _reproduce(trained, model)

    assert (result.agrees, result.exit_code) == (False, 4)
    assert result.differences.largest > 1e-5
    assert differing is None or getattr(result.differences, differing) > 1e-5


def test_the_tolerance_decides(trained: Workspace) -> None:
    _tamper(trained, "logistic_regression", lambda r: _params(r).update(C=1.01 * _params(r)["C"]))
    apart = _reproduce(trained, "logistic_regression").differences.largest

    assert 1e-6 < apart < 0.1
    assert _reproduce(trained, "logistic_regression", tolerance=2 * apart).agrees
    assert not _reproduce(trained, "logistic_regression", tolerance=0.5 * apart).agrees
    assert _reproduce(trained, "lgbm", tolerance=0).agrees


@pytest.mark.parametrize("tolerance", [-1.0, math.nan])
def test_a_tolerance_below_zero_is_none(trained: Workspace, tolerance: float) -> None:
    with pytest.raises(UsageError, match="the tolerance is"):
        _reproduce(trained, "lgbm", tolerance=tolerance)


@pytest.mark.parametrize("run", ["lgbm-20200101T000000000000", "champion", "1"])
def test_a_run_that_nobody_knows(trained: Workspace, run: str) -> None:
    with pytest.raises(NoRunError, match=f"no run '{run}'"):
        reproduce(None, trained, run=run)


def test_a_run_whose_model_is_gone(trained: Workspace) -> None:
    (trained.run(_run(trained, "lgbm")) / "model" / "manifest.json").unlink()

    with pytest.raises(NoRunError, match="no model in"):
        _reproduce(trained, "lgbm")


def test_a_model_that_is_not_the_one_recorded(trained: Workspace) -> None:
    _tamper(trained, "lgbm", lambda record: record["artefacts"].update({"model/manifest.json": "0" * 64}))

    with pytest.raises(DataError, match=r"artefact changed: manifest\.json"):
        _reproduce(trained, "lgbm")


def test_the_champion_by_alias_and_by_version(evaluated: Workspace, churn: Any) -> None:
    registered = register(churn(), evaluated)

    for word in ("champion", "1"):
        assert reproduce(churn(), evaluated, run=word).run_id == registered.run_id
    assert reproduce(None, evaluated, run="champion").run_id == registered.run_id


def test_other_rows_are_refused_and_what_differs_is_named(trained: Workspace, churn: Any) -> None:
    changed = {**churn().model_dump(), "seed": 1}
    split(Config.model_validate(changed), trained)

    with pytest.raises(DataError, match=r"the train rows, the validation rows differ .*another seed\)"):
        _reproduce(trained, "lgbm")


def test_other_columns_are_refused(trained: Workspace, churn: Any) -> None:
    column = split(churn(), trained).columns[2].name
    split(churn(data={"columns": {column: "dropped"}}), trained)

    with pytest.raises(DataError, match=rf"column {column} differ .*another data\.columns\)"):
        _reproduce(trained, "lgbm")


def test_the_test_rows_do_not_matter(trained: Workspace) -> None:
    record = json.loads(trained.split_record.read_text())
    record["splits"]["test"]["fingerprint"] = "other"
    trained.split_record.write_text(json.dumps(record))
    trained.split("test").unlink()

    _agrees_bit_for_bit(_reproduce(trained, "logistic_regression"))


def test_a_split_that_is_gone_or_changed(trained: Workspace) -> None:
    with trained.split("train").open("ab") as file:
        file.write(b"x")
    with pytest.raises(DataError, match="a split file was changed"):
        _reproduce(trained, "lgbm")

    trained.split_record.unlink()
    with pytest.raises(DataError, match="there is no split yet"):
        _reproduce(trained, "lgbm")


def test_the_config_of_today_does_not_matter(trained: Workspace, churn: Any) -> None:
    today = churn(train={"n_folds": 3, "comparison_metric": "log_loss", "final_fit": "refit"})

    _agrees_bit_for_bit(reproduce(today, trained, run=_run(trained, "lgbm")))


def test_other_versions_are_named(trained: Workspace) -> None:
    _tamper(trained, "lgbm", lambda record: record["provenance"]["versions"].update(lightgbm="1.0", gone="2.0"))

    result = _reproduce(trained, "lgbm")

    assert result.agrees
    assert len(result.warnings) == 2
    assert result.warnings[0].startswith("lightgbm 1.0 then, ")
    assert result.warnings[1] == "gone 2.0 then, none now"


def test_a_seed_that_is_not_derived_from_the_configs_is_named(trained: Workspace) -> None:
    _tamper(trained, "lgbm", lambda record: record["parts"][0]["trial"].update(seed=1))

    (warning,) = _reproduce(trained, "lgbm").warnings

    assert "had the seed 1" in warning


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda r: _params(r).update(num_leaves=-5), DataError, "the recorded parameters of lgbm#. are refused"),
        (lambda r: r["parts"][0].update(family="novel"), PluginError, "novel"),
        (lambda r: r["config"]["train"].update(novel=1), ConfigError, "not one of this version"),
    ],
    ids=["parameter", "family", "config"],
)
def test_a_record_that_cannot_be_followed(
    trained: Workspace, change: Change, error: type[Exception], message: str
) -> None:
    _tamper(trained, "lgbm", change)

    with pytest.raises(error, match=message):
        _reproduce(trained, "lgbm")


def test_an_evaluation_leaves_a_run_reproducible(evaluated: Workspace, churn: Any) -> None:
    found = evaluate(churn(), evaluated)

    _agrees_bit_for_bit(reproduce(churn(), evaluated, run=found.champion.run_id))
