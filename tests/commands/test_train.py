"""`train`, from splits on disk to runs on disk."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from mltrain import artifact
from mltrain.commands.split import split
from mltrain.commands.train import TrainRequest, TrainResult, train
from mltrain.config import Config
from mltrain.errors import ConfigError, DataError, NoRunError, PluginError, UsageError
from mltrain.events import Event, FamilyLeftOut
from mltrain.final_fit import Final, fit_finally
from mltrain.search import Study
from mltrain.workspace import Workspace

pytestmark = pytest.mark.filterwarnings("ignore:Signature.*longdouble:UserWarning")


# What trials find does not matter here, so they may end soon.
FEW_ROUNDS = {"lgbm": {"params": {"num_iterations": 40}}}


def _config(
    source: str = "example:churn",
    target: str = "churned",
    models: dict[str, Any] = FEW_ROUNDS,
    **train_settings: Any,
) -> Config:
    return Config.model_validate(
        {
            "data": {"source": source, "target": target},
            "train": {"experiment_tracker": "local", "supported_models": ["lgbm", "logistic_regression"]}
            | train_settings,
            "models": models,
            "evaluate": {"figures": False},
        }
    )


def _train(config: Config, root: Path, **request: Any) -> TrainResult:
    workspace = Workspace(root=root)
    split(config, workspace)
    return train(config, workspace, request=TrainRequest(**request))


def _trials(root: Path, result: TrainResult, model: str) -> list[dict[str, Any]]:
    run_id = next(c.run_id for c in result.candidates if c.model == model)
    return pq.read_table(root / "runs" / run_id / "trials.parquet").to_pylist()


def test_each_family_and_the_ensemble_leave_a_complete_run(tmp_path: Path) -> None:
    result = _train(_config(), tmp_path, max_trials=3)

    assert {c.model for c in result.candidates} == {"lgbm", "logistic_regression", "ensemble"}
    scores = [c.validation_score for c in result.candidates]
    assert scores == sorted(scores, reverse=True)
    assert min(scores) > 0.7
    for candidate in result.candidates:
        directory = tmp_path / "runs" / candidate.run_id
        record = json.loads((directory / "run.json").read_text())
        assert record["validation_score"] == candidate.validation_score
        assert record["session"] == result.session
        assert set(record["artefacts"]) >= {"model/manifest.json", "model.pkl", "confusion_matrix.json"}
        assert np.sum(json.loads((directory / "confusion_matrix.json").read_text())["matrix"]) == result.n_rows
    with (tmp_path / "runs" / "experiment_keys.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {r["run_id"] for r in rows} == {c.run_id for c in result.candidates}


def test_the_same_command_twice_gives_identical_trials_and_predictions(tmp_path: Path) -> None:
    results, predictions = [], []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        result = _train(_config(), tmp_path / name, max_trials=4)
        rows = pq.read_table(tmp_path / name / "data" / "test.parquet")
        models = {
            c.model: artifact.load_model(tmp_path / name / "runs" / c.run_id / "model") for c in result.candidates
        }
        predictions.append({name: model.proba(rows) for name, model in models.items()})
        results.append(
            {
                model: [
                    (t["number"], t["params"], t["score"], t["fold_scores"], t["n_rounds"], t["state"])
                    for t in _trials(tmp_path / name, result, model)
                ]
                for model in ("lgbm", "logistic_regression")
            }
        )

    assert results[0] == results[1]
    for model, proba in predictions[0].items():
        np.testing.assert_array_equal(proba, predictions[1][model])


def test_a_trial_that_the_clock_cut_is_kept_with_a_word_about_it(tmp_path: Path) -> None:
    config = _config(supported_models=["lgbm"], models={})
    split(config, Workspace(root=tmp_path))

    result = train(config, Workspace(root=tmp_path), request=TrainRequest(budget_s=0.5))

    (line,) = result.candidates
    assert line.n_trials == 0
    assert line.n_cut >= 1  # as many as there were slots: one trial on a busy machine, one for each core on an idle one
    assert "the clock cut its best trial short" in result.warnings[-1]
    record = json.loads((tmp_path / "runs" / line.run_id / "run.json").read_text())
    assert record["notes"] == list(line.notes)


def test_a_budget_ends_in_time_with_a_model_of_every_family(tmp_path: Path) -> None:
    started = time.monotonic()

    result = _train(_config(models={}), tmp_path, budget_s=8.0)

    assert len(result.candidates) == 3
    assert time.monotonic() - started < 8.0 + 2.0 + 3.0  # 2 s promised, and what the split took


def test_a_killed_session_goes_on_where_it_stopped(tmp_path: Path) -> None:
    config = _config(supported_models=["lgbm"])
    (tmp_path / "mltrain.yaml").write_text(json.dumps(config.model_dump(mode="json", exclude_defaults=True)))
    split(config, Workspace(root=tmp_path))
    command = [sys.executable, "-m", "mltrain", "train", "--max-trials", "10", "-q"]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COMET_")}
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL)
    journal = _wait_for_trials(tmp_path, at_least=5)
    process.send_signal(signal.SIGKILL)
    process.wait()
    n_before = sum('"number"' in line for line in journal.read_text().splitlines())

    result = train(config, Workspace(root=tmp_path), request=TrainRequest(max_trials=10))

    (line,) = result.candidates
    assert n_before >= 5
    assert line.n_resumed == n_before
    assert line.n_trials == 10
    (tmp_path / "fresh").mkdir()
    straight = _train(config, tmp_path / "fresh", max_trials=10)
    assert straight.candidates[0].validation_score == line.validation_score


def _wait_for_trials(root: Path, *, at_least: int) -> Path:
    for _ in range(600):
        for journal in (root / "runs" / "studies").glob("*/journal.jsonl"):
            if sum('"number"' in line for line in journal.read_text().splitlines()) >= at_least:
                return journal
        time.sleep(0.1)
    raise AssertionError("no trial ended within a minute")


def test_the_ensemble_alone_votes_with_the_trials_of_earlier_sessions(tmp_path: Path) -> None:
    config = _config()
    first = _train(config, tmp_path, max_trials=3)

    alone = train(config, Workspace(root=tmp_path), request=TrainRequest(models=("ensemble",)))

    (line,) = alone.candidates
    assert line.model == "ensemble"
    assert line.validation_score == next(c.validation_score for c in first.candidates if c.model == "ensemble")


def test_the_ensemble_alone_ends_in_time_and_without_a_family_that_breaks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = _config(supported_models=["lgbm", "logistic_regression", "random_forest"])
    _train(config, tmp_path, max_trials=2)
    deadlines = []

    def fit(study: Study, *args: Any, deadline: float | None, **options: Any) -> Final:
        if study.name == "lgbm":
            raise RuntimeError("no more of it")
        deadlines.append(deadline)
        return fit_finally(study, *args, deadline=deadline, **options)

    monkeypatch.setattr("mltrain.keeping.fit_finally", fit)
    started_at = time.monotonic()
    alone = TrainRequest(models=("ensemble",), budget_s=60.0, started_at=started_at)

    result = train(config, Workspace(root=tmp_path), request=alone)

    assert [(left.model, left.reason) for left in result.left_out] == [("lgbm", "RuntimeError: no more of it")]
    assert [line.model for line in result.candidates] == ["ensemble"]
    assert len(deadlines) >= 2
    assert all(deadline is not None and deadline < started_at + 60 for deadline in deadlines)


def test_the_ensemble_alone_needs_trials_to_vote_with(tmp_path: Path) -> None:
    config = _config()
    split(config, Workspace(root=tmp_path))

    with pytest.raises(NoRunError, match="fewer than two model families have trials"):
        train(config, Workspace(root=tmp_path), request=TrainRequest(models=("ensemble",)))


def test_one_model_alone_by_its_class_name(tmp_path: Path) -> None:
    result = _train(_config(), tmp_path, models=("LogisticRegression",), max_trials=1)

    assert [c.model for c in result.candidates] == ["logistic_regression"]


def test_three_classes(tmp_path: Path) -> None:
    result = _train(_config("example:wine", "cultivar"), tmp_path, max_trials=2)

    assert result.metric == "log_loss"
    assert result.positive_class is None
    assert result.candidates[0].validation_score < 0.3


def test_a_holdout_is_refitted_on_all_rows(tmp_path: Path) -> None:
    config = _config(validation="holdout", supported_models=["lgbm"])

    result = _train(config, tmp_path, max_trials=2)

    assert result.validation == "holdout"
    assert result.candidates[0].final_fit == "refit"
    record = json.loads((tmp_path / "runs" / result.candidates[0].run_id / "run.json").read_text())
    assert record["validation"]["n_rows"] < result.n_rows


def test_features_selected_inside_each_fold_and_a_calibration_split(tmp_path: Path) -> None:
    config = Config.model_validate(
        _config(calibration="sigmoid").model_dump(exclude_defaults=True)
        | {"preprocessing": {"select_features": 0.5}, "split": {"calibration_size": 0.2}}
    )

    result = _train(config, tmp_path, max_trials=2)

    assert {c.calibration for c in result.candidates} == {"sigmoid"}
    model = artifact.load_model(tmp_path / "runs" / result.candidates[0].run_id / "model")
    assert all(member.features is not None for member in model.members)


def test_a_refit_learns_from_selected_features_too(tmp_path: Path) -> None:
    settings = _config(validation="holdout", supported_models=["logistic_regression"]).model_dump(exclude_defaults=True)
    config = Config.model_validate(settings | {"preprocessing": {"select_features": 0.3}})

    result = _train(config, tmp_path, max_trials=1)

    model = artifact.load_model(tmp_path / "runs" / result.candidates[0].run_id / "model")
    (member,) = model.members
    n_features = len(next(iter(model.encoders.values())).feature_names)
    assert member.features is not None
    assert len(member.features) == pytest.approx(0.3 * n_features, abs=1)


def test_a_family_that_fails_is_left_out_and_said_so(tmp_path: Path) -> None:
    settings = _config().model_dump(exclude_defaults=True)
    config = Config.model_validate(settings | {"models": {"lgbm": {"params": {"num_leaves": -3}}}})
    split(config, Workspace(root=tmp_path))
    told: list[Event] = []

    result = train(config, Workspace(root=tmp_path), request=TrainRequest(max_trials=2), listener=told.append)

    assert [c.model for c in result.candidates] == ["logistic_regression"]
    (left,) = result.left_out
    assert [event for event in told if isinstance(event, FamilyLeftOut)] == [
        FamilyLeftOut(model="lgbm", reason=left.reason)
    ]
    assert left.model == "lgbm"
    assert "num_leaves" in left.reason


def test_when_every_family_fails_their_reasons_are_the_error(tmp_path: Path) -> None:
    settings = _config(supported_models=["lgbm"]).model_dump(exclude_defaults=True)
    config = Config.model_validate(settings | {"models": {"lgbm": {"params": {"num_leaves": -3}}}})

    with pytest.raises(DataError, match="num_leaves"):
        _train(config, tmp_path, max_trials=2)


def test_an_unknown_parameter_is_refused_with_its_key_and_the_nearest_name(tmp_path: Path) -> None:
    settings = _config().model_dump(exclude_defaults=True)
    config = Config.model_validate(settings | {"models": {"lgbm": {"params": {"num_leafs": 3}}}})

    with pytest.raises(ConfigError) as caught:
        _train(config, tmp_path, max_trials=2)

    assert caught.value.where == "models.lgbm.params.num_leafs"
    assert "num_leaves" in str(caught.value.hint)


def test_scores_that_cannot_be_compared_are_told_apart(tmp_path: Path) -> None:
    tags = []
    for settings in ({"validation": "kfold"}, {"validation": "kfold", "n_folds": 3}, {"validation": "holdout"}):
        result = _train(_config(supported_models=["lgbm"], **settings), tmp_path, max_trials=1)
        lines = (tmp_path / "runs" / result.candidates[0].run_id / "tracking.jsonl").read_text().splitlines()
        tags.append(json.loads(lines[0])["values"]["mltrain.validation"])

    assert len(set(tags)) == 3


def test_a_metric_of_decisions_gets_a_threshold(tmp_path: Path) -> None:
    result = _train(_config(comparison_metric="fbeta_score", fbeta_score_beta_val=0.5), tmp_path, max_trials=2)

    assert all(c.threshold is not None and 0 < c.threshold < 1 for c in result.candidates)


@pytest.mark.parametrize(
    ("settings", "request_", "error", "said"),
    [
        ({}, {"models": ("lgmb",)}, PluginError, "lgmb"),
        ({"experiment_tracker": "comet-mll"}, {}, PluginError, "comet-mll"),
        ({"supported_models": ["lgbm"]}, {"models": ("ensemble",)}, UsageError, "two model families"),
        ({"comparison_metric": "no_such_metric"}, {}, UsageError, "no_such_metric"),
    ],
)
def test_wrong_names_are_refused_before_anything_is_trained(
    tmp_path: Path, settings: dict[str, Any], request_: dict[str, Any], error: type[Exception], said: str
) -> None:
    config = _config(**settings)
    split(_config(), Workspace(root=tmp_path))

    with pytest.raises(error, match=said):
        train(config, Workspace(root=tmp_path), request=TrainRequest(**request_))
    assert not list((tmp_path / "runs").glob("*/model"))


def test_without_a_split_it_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        train(_config(), Workspace(root=tmp_path))

    assert "mltrain split" in str(caught.value.hint)


def test_large_data_is_trained_one_family_at_a_time(
    trained: Workspace, churn: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = ("logistic_regression", "lgbm")
    request = TrainRequest(models=models, max_trials=2, fresh=True)
    together = train(churn(), trained, request=request)
    monkeypatch.setattr("mltrain.jobs._LARGE_CELLS", 1)

    apart = train(churn(), trained, request=request)

    scores = [{line.model: line.validation_score for line in result.candidates} for result in (together, apart)]
    assert {name: scores[0][name] for name in models} == {name: scores[1][name] for name in models}
    assert "ensemble" in scores[1]


def test_large_data_leaves_out_families_that_the_clock_has_left_no_time_for(
    trained: Workspace, churn: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mltrain.jobs._LARGE_CELLS", 1)
    request = TrainRequest(models=("logistic_regression", "lgbm"), budget_s=0.01, fresh=True)

    told: list[Event] = []

    result = train(churn(), trained, request=request, listener=told.append)

    assert len(result.candidates) == 1  # a model there is, whatever the clock says
    (left_out,) = result.left_out
    assert left_out.reason == "no time was left for it"
    assert FamilyLeftOut(model=left_out.model, reason=left_out.reason) in told
    assert {result.candidates[0].model, left_out.model} == {"logistic_regression", "lgbm"}
