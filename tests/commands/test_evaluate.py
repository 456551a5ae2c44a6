"""`evaluate`: ranking, the sealed test split, the gate, the champion, and what is left behind."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import average_precision_score, confusion_matrix, log_loss, roc_auc_score

from mltrain import artifact, ledger
from mltrain.assessment import read_assessment
from mltrain.commands.evaluate import EvaluateResult, evaluate
from mltrain.commands.register import register
from mltrain.commands.split import split
from mltrain.commands.train import TrainRequest, train
from mltrain.console.render import render
from mltrain.errors import DataError, NoRunError
from mltrain.events import Event, StageFinished, StageStarted
from mltrain.tracking.session import open_local
from mltrain.workspace import Workspace


def _best_on_record(workspace: Workspace) -> str:
    records = [json.loads(path.read_text()) for path in workspace.runs.glob("*/run.json")]
    return str(max(records, key=lambda record: record["validation_score"])["run_id"])


def _test_truth(workspace: Workspace) -> np.ndarray:
    return np.array([label == "yes" for label in pq.read_table(workspace.split("test"))["churned"].to_pylist()])


@pytest.fixture(scope="module")
def judged_root(trained_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shutil.copytree(trained_root, tmp_path_factory.mktemp("judged") / "workspace")


@pytest.fixture(scope="module")
def result(judged_root: Path, churn: Any) -> EvaluateResult:
    return evaluate(churn(), Workspace(root=judged_root))


@pytest.fixture
def judged(judged_root: Path, result: EvaluateResult, tmp_path: Path) -> Workspace:
    """Copy the workspace in which the best run was evaluated, whichever it is."""
    return Workspace(root=shutil.copytree(judged_root, tmp_path / "judged"))


def test_the_run_with_the_best_validation_score_is_picked(result: EvaluateResult, judged_root: Path) -> None:
    scores = [run.validation_score for run in result.ranking]

    assert result.champion.run_id == _best_on_record(Workspace(root=judged_root))
    assert result.champion == result.ranking[0]
    assert scores == sorted(scores, reverse=True)
    assert {run.model for run in result.ranking} == {"logistic_regression", "lgbm", "ensemble"}


def test_metrics_are_those_of_scikit_learn_on_the_test_rows(result: EvaluateResult, judged_root: Path) -> None:
    workspace = Workspace(root=judged_root)
    model = artifact.load_model(workspace.run(result.champion.run_id) / "model")
    p = model.proba(pq.read_table(workspace.split("test")))[:, 1]
    y = _test_truth(workspace)

    assert result.metrics["roc_auc"].value == pytest.approx(roc_auc_score(y, p))
    assert result.metrics["log_loss"].value == pytest.approx(log_loss(y, p))
    assert result.metrics["average_precision"].value == pytest.approx(average_precision_score(y, p))
    np.testing.assert_array_equal(result.confusion, confusion_matrix(y, p >= (result.threshold or 0.5)))


def test_every_metric_has_an_interval_around_its_value(result: EvaluateResult) -> None:
    assert {"accuracy", "balanced_accuracy", "precision", "recall", "f1", "fbeta_score", "roc_auc"} < set(
        result.metrics
    )
    assert {"average_precision", "log_loss", "brier", "mcc", "calibration_error"} < set(result.metrics)
    assert all(one.low <= one.value <= one.high for one in result.metrics.values())
    assert all(one.low < one.high for one in result.metrics.values())


def test_without_a_threshold_the_gate_is_open_and_says_so(result: EvaluateResult) -> None:
    assert (result.gate.passed, result.gate.metric, result.gate.threshold) == (True, "roc_auc", None)
    assert result.gate.value == result.metrics["roc_auc"].value
    assert result.notes[0].endswith("; no deployment threshold is set")
    assert result.exit_code == 0
    assert result.register_command == f"mltrain register --run {result.champion.run_id}"


def test_an_unchanged_evaluation_does_not_open_the_test_split_again(trained: Workspace, churn: Any) -> None:
    first = evaluate(churn(), trained)

    again = evaluate(churn(), trained)

    assert again.reused
    assert again.openings == len(ledger.openings(trained.ledger)) == 1
    assert again.metrics == first.metrics


@pytest.mark.parametrize(("threshold", "exit_code"), [(0.5, 0), (0.99, 4)])
def test_the_gate_decides_the_exit_code(evaluated: Workspace, churn: Any, threshold: float, exit_code: int) -> None:
    linear = next(evaluated.runs.glob("logistic_regression-*")).name

    found = evaluate(churn(train={"deployment_score_thresh": threshold}), evaluated, run=linear)

    assert found.exit_code == exit_code
    assert found.gate.passed is (exit_code == 0)


def test_another_deployment_threshold_is_judged_without_opening_the_test_split(
    evaluated: Workspace, churn: Any
) -> None:
    linear = next(evaluated.runs.glob("logistic_regression-*")).name
    config = churn(train={"deployment_score_thresh": 0.99})
    folder = evaluated.evaluation(linear)

    found = evaluate(config, evaluated, run=linear)

    assert (found.reused, found.openings, found.exit_code) == (True, 1, 4)
    assert found.notes[0].endswith("does not meet the deployment threshold 0.99")
    stored = read_assessment(folder)
    assert stored is not None
    assert stored.gate == found.gate
    card = (folder / "model_card.md").read_text(encoding="utf-8")
    assert card.count("Deployment gate: ") == card.count("Deployment gate: **not passed**: test `roc_auc` is") == 1
    assert json.loads((folder / "model_card.json").read_text(encoding="utf-8"))["gate"]["threshold"] == 0.99
    assert open_local(config.train, evaluated).get_run(linear).tags["mltrain.gate"] == "refused"
    again = evaluate(churn(), evaluated, run=linear)
    assert (again.reused, again.openings, again.exit_code) == (True, 1, 0)
    assert "no deployment threshold is configured" in (folder / "model_card.md").read_text(encoding="utf-8")


def test_a_reused_evaluation_counts_the_openings_since(evaluated: Workspace, churn: Any) -> None:
    linear, lgbm = (next(evaluated.runs.glob(f"{family}-*")).name for family in ("logistic_regression", "lgbm"))
    evaluate(churn(), evaluated, run=lgbm)

    found = evaluate(churn(), evaluated, run=linear)

    assert (found.reused, found.openings) == (True, 2)


def test_openings_of_other_test_splits_of_the_source_are_told(
    evaluated: Workspace, churn: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    other = churn(split={"test_size": 0.3})
    split(other, evaluated)
    train(other, evaluated, request=TrainRequest(models=("logistic_regression",), max_trials=1))

    found = evaluate(other, evaluated)
    again = evaluate(other, evaluated)

    assert (found.openings, found.other_openings) == (again.openings, again.other_openings) == (1, 1)
    render(found)
    shown = " ".join(capsys.readouterr().out.split())
    assert "opened once so far; other test splits of this source were opened once, and rows of theirs may be" in shown
    card = (evaluated.evaluation(found.champion.run_id) / "model_card.md").read_text(encoding="utf-8")
    assert "Other test splits of this source have been opened once." in card
    assert "Rows of test splits that were opened earlier may be in this one" in card


def test_progress_says_what_is_being_done(trained: Workspace, churn: Any) -> None:
    heard: list[Event] = []

    evaluate(churn(evaluate={"figures": True}), trained, listener=heard.append)

    stages = [event.detail.split()[0] for event in heard if isinstance(event, StageStarted)]
    assert stages == ["fetching", "scoring", "intervals", "feature", "figures", "telling"]
    assert isinstance(heard[-1], StageFinished)


def test_decisions_of_no_use_at_an_untuned_threshold_are_told(
    tmp_path: Path, churn: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=1500)
    rare = rng.random(1500) < 0.03 / (1 + np.exp(-x))  # nobody reaches a probability of 0.5
    pq.write_table(pa.table({"x": x, "y": np.where(rare, "yes", "no")}), tmp_path / "rare.parquet")
    data = {"source": str(tmp_path / "rare.parquet"), "target": "y", "id_columns": []}
    request = TrainRequest(models=("logistic_regression",), max_trials=1)

    def cautions(metric: str) -> tuple[str, ...]:
        config = churn(data=data, train={"comparison_metric": metric})
        workspace = Workspace(root=tmp_path / metric)
        split(config, workspace)
        train(config, workspace, request=request)
        return evaluate(config, workspace).cautions

    (caution,) = cautions("roc_auc")
    assert caution.startswith("the model decides for yes on none of 300 test rows, though 4 are (recall 0): ")
    assert "set train.comparison_metric to f1" in caution
    assert not any("was not tuned" in one for one in cautions("f1"))
    render(register(churn(data=data, train={"comparison_metric": "roc_auc"}), Workspace(root=tmp_path / "roc_auc")))
    shown = " ".join(capsys.readouterr().out.split())
    assert shown.count("warning: the model decides for yes on none of 300 test rows") == 1


def test_what_it_leaves_is_complete(judged: Workspace, result: EvaluateResult) -> None:
    folder = judged.evaluation(result.champion.run_id)

    confusion = json.loads((folder / "confusion_matrix.json").read_text())
    predictions = pq.read_table(folder / "predictions.parquet")
    card = json.loads((folder / "model_card.json").read_text())
    assert confusion == {"labels": ["no", "yes"], "matrix": [list(r) for r in result.confusion], "rows": "test rows"}
    assert predictions.column_names == ["truth", "prediction", "proba_no", "proba_yes"]
    assert predictions.num_rows == np.sum(result.confusion)
    assert card["run_id"] == result.champion.run_id
    assert (folder / "model_card.md").read_text().startswith("# Model card")
    assert list(judged.runs.glob(".evaluate-*")) == []


def test_figures_are_drawn_and_logged_with_the_test_scores(trained: Workspace, churn: Any) -> None:
    config = churn(evaluate={"figures": True})

    found = evaluate(config, trained)

    names = {path.name for path in found.figures}
    assert {"roc.png", "precision_recall.png", "calibration.png", "confusion_matrix.png"} < names
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in found.figures)
    local = open_local(config.train, trained)
    info = local.get_run(found.champion.run_id)
    assert info.metrics["test_roc_auc"] == found.metrics["roc_auc"].value
    assert info.metrics["validation_score"] == found.champion.validation_score
    assert info.status == "finished"
    child = local.get_run(info.tags["mltrain.evaluation"])
    assert child.tags["mltrain.parent"] == found.champion.run_id
    assert child.metrics["test_roc_auc"] == found.metrics["roc_auc"].value
    fetched = local.fetch_file(child.id, "figures/roc.png", trained.root / "roc.png")
    assert fetched.read_bytes().startswith(b"\x89PNG")


def test_a_named_run_is_evaluated_even_when_it_is_not_the_best(trained: Workspace, churn: Any) -> None:
    lgbm = next(trained.runs.glob("lgbm-*")).name

    found = evaluate(churn(), trained, run=lgbm)

    assert [run.run_id for run in found.ranking] == [lgbm]


def test_one_run_is_told_of_as_one(evaluated: Workspace, churn: Any, result: EvaluateResult) -> None:
    told: list[Event] = []

    evaluate(churn(), evaluated, run=result.champion.run_id, listener=told.append)

    ranked = next(e.detail for e in told if isinstance(e, StageFinished) and e.stage == "rank")
    assert ranked.startswith("1 run compared, ")


def test_the_simplest_run_within_one_standard_error_of_the_best_is_chosen_where_asked(
    trained: Workspace, churn: Any
) -> None:
    best = evaluate(churn(), trained)
    info = open_local(churn().train, trained).get_run(best.champion.run_id)
    reach = info.metrics["validation_score_error"]

    found = evaluate(churn(evaluate={"near_tie": "one_standard_error"}), trained)

    scores = {run.model: run.validation_score or 0.0 for run in best.ranking}
    near = [
        name for name in ("logistic_regression", "lgbm", "ensemble") if max(scores.values()) - scores[name] <= reach
    ]
    assert 0 < reach < 0.1
    assert found.champion.model == near[0]


def test_a_session_ranks_its_own_runs(trained: Workspace, churn: Any, result: EvaluateResult) -> None:
    found = evaluate(churn(), trained, run=result.champion.session)

    assert {run.run_id for run in found.ranking} == {run.run_id for run in result.ranking}


@pytest.mark.parametrize(("run", "hint"), [(None, "mltrain train"), ("lgbm-20200101T000000000000", "mltrain runs ls")])
def test_no_runs_says_what_to_do(tmp_path: Path, churn: Any, run: str | None, hint: str) -> None:
    workspace = Workspace(root=tmp_path)
    split(churn(), workspace)

    with pytest.raises(NoRunError, match="none found") as caught:
        evaluate(churn(), workspace, run=run)

    assert caught.value.exit_code == 5
    assert caught.value.hint == hint


def test_runs_on_other_data_are_left_out_and_counted(trained: Workspace, churn: Any) -> None:
    other = churn(split={"test_size": 0.3})
    split(other, trained)

    with pytest.raises(NoRunError, match="3 trained on other data"):
        evaluate(other, trained)


def test_runs_compared_by_another_metric_are_left_out(trained: Workspace, churn: Any) -> None:
    with pytest.raises(NoRunError, match=r"3 compared by another metric \(roc_auc\)"):
        evaluate(churn(train={"comparison_metric": "log_loss"}), trained)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"n_folds": 4}, r"3 validated otherwise \(roc_auc kfold 5 42 instead of roc_auc kfold 4 42\)"),
        ({"validation": "holdout"}, r"3 validated otherwise \(roc_auc kfold 5 42 instead of roc_auc holdout\)"),
    ],
)
def test_runs_validated_otherwise_are_left_out_and_said(
    trained: Workspace, churn: Any, settings: dict[str, Any], said: str
) -> None:
    with pytest.raises(NoRunError, match=said):
        evaluate(churn(train=settings), trained)


def test_a_run_validated_otherwise_does_not_win(trained: Workspace, churn: Any) -> None:
    train(churn(train={"n_folds": 2}), trained, request=TrainRequest(models=("logistic_regression",), max_trials=1))

    found = evaluate(churn(), trained)

    assert len(found.ranking) == 3
    (left_out,) = found.left_out
    assert left_out.n_runs == 1
    assert "validated otherwise (roc_auc kfold 2 42 instead of roc_auc kfold 5 42)" in left_out.reason


def test_no_split_is_a_data_error(tmp_path: Path, churn: Any) -> None:
    with pytest.raises(DataError, match="there is no split yet"):
        evaluate(churn(), Workspace(root=tmp_path))


def test_a_model_that_was_tampered_with_never_sees_the_test_rows(
    trained: Workspace, churn: Any, result: EvaluateResult
) -> None:
    member = trained.run(result.champion.run_id) / "model" / "members" / "000.bin"
    member.write_bytes(member.read_bytes()[:-1] + b"!")

    spoilt = member.read_bytes()

    with pytest.raises(DataError, match="is not what training left"):
        evaluate(churn(), trained)

    assert member.read_bytes() == spoilt  # what failed the check replaces nothing
    assert list(trained.runs.glob(".evaluate-*")) == []
    assert ledger.openings(trained.ledger) == ()


def test_the_champion_is_scored_on_the_same_rows(judged: Workspace, churn: Any, result: EvaluateResult) -> None:
    register(churn(), judged)
    lgbm = next(judged.runs.glob("lgbm-*")).name

    found = evaluate(churn(), judged, run=lgbm)

    comparison = found.compared_with_champion
    assert comparison is not None
    assert comparison.champion == pytest.approx(result.metrics["roc_auc"].value)
    assert comparison.challenger == pytest.approx(found.metrics["roc_auc"].value)
    assert comparison.difference == pytest.approx(comparison.challenger - comparison.champion)
    assert found.champion_version == "1"


def test_the_champion_itself_is_compared_with_nobody(judged: Workspace, churn: Any) -> None:
    register(churn(), judged)

    found = evaluate(churn(), judged)

    assert found.reused
    assert found.compared_with_champion is None


def test_only_runs_with_the_tags_asked_for_compete(trained: Workspace, churn: Any) -> None:
    kept = evaluate(churn(evaluate={"tags": {"team": "retention"}}), trained)

    assert len(kept.ranking) == 3
    with pytest.raises(NoRunError, match="none found"):
        evaluate(churn(evaluate={"tags": {"team": "fraud"}}), trained)


def test_only_runs_of_the_time_asked_for_compete_unless_one_is_named(trained: Workspace, churn: Any) -> None:
    config = churn(evaluate={"max_age_days": 1e-6})

    with pytest.raises(NoRunError, match=r"left out: 3 too old \(evaluate.max_age_days\)"):
        evaluate(config, trained)
    assert evaluate(config, trained, run=_best_on_record(trained)).champion.run_id == _best_on_record(trained)


def test_when_no_more_runs_were_looked_at_the_error_says_how_to(trained: Workspace, churn: Any) -> None:
    config = churn(train={"comparison_metric": "log_loss"}, evaluate={"max_eval_experiments": 2})

    with pytest.raises(NoRunError) as caught:
        evaluate(config, trained)

    assert "2 compared by another metric (roc_auc)" in caught.value.message
    assert "evaluate.max_eval_experiments" in str(caught.value.hint)


def test_the_card_shows_the_audit_and_how_test_rows_differ_from_training(evaluated: Workspace) -> None:
    card = json.loads(next(evaluated.runs.glob("*/evaluation/model_card.json")).read_text(encoding="utf-8"))
    text = next(evaluated.runs.glob("*/evaluation/model_card.md")).read_text(encoding="utf-8")

    assert "classes" in [one["check"] for one in card["audit"]]
    assert {one["name"] for one in card["drift"]} == set(card["features"])
    assert {one["verdict"] for one in card["drift"] if one["name"] != "observed"} == {"stable"}
    assert "## Audit of the data" in text
    assert "## Test rows against training" in text
