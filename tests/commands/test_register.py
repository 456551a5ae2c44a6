"""`register`: who may become champion."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mltrain import ledger, registry
from mltrain.assessment import read_assessment, write_assessment
from mltrain.commands.evaluate import evaluate
from mltrain.commands.register import register
from mltrain.commands.registry import rollback
from mltrain.comparison import Comparison
from mltrain.errors import DataError, NoRunError
from mltrain.workspace import Workspace


def _run(workspace: Workspace, model: str) -> str:
    return next(workspace.runs.glob(f"{model}-*")).name


def _say_of_difference(workspace: Workspace, run_id: str, *, low: float, high: float) -> None:
    """Put another comparison into the record of an evaluation."""
    folder = workspace.evaluation(run_id)
    assessment = read_assessment(folder)
    assert assessment is not None
    middle = (low + high) / 2
    comparison = Comparison(
        metric="roc_auc", challenger=0.8 + middle, champion=0.8, difference=middle, low=low, high=high, n_bootstrap=100
    )
    write_assessment(folder, replace(assessment, compared_with_champion=comparison))


def test_the_first_model_becomes_champion(evaluated: Workspace, churn: Any) -> None:
    found = register(churn(), evaluated)

    assert (found.name, found.version, found.aliases) == ("churn", "1", ("champion",))
    assert (found.promoted, found.refused, found.exit_code) == (True, False, 0)
    assert found.previous is None
    folder = evaluated.registry / "churn" / "1"
    names = {p.name for p in folder.iterdir()}
    assert names == {"model", "evaluation.json", "model_card.md", "version.json"}
    assert json.loads((folder / "version.json").read_text())["run_id"] == found.run_id


def test_registering_does_not_open_the_test_split(evaluated: Workspace, churn: Any) -> None:
    evaluated.split("test").unlink()

    register(churn(), evaluated)

    assert len(ledger.openings(evaluated.ledger)) == 1


def test_the_same_run_again_makes_no_new_version(evaluated: Workspace, churn: Any) -> None:
    register(churn(), evaluated)

    again = register(churn(), evaluated)

    assert (again.version, again.promoted, again.exit_code) == ("1", False, 0)
    assert "registered already, as version 1" in again.reason
    assert len(registry.read(evaluated.registry, "churn").versions) == 1


def test_a_model_below_the_threshold_is_refused_and_not_registered(trained: Workspace, churn: Any) -> None:
    config = churn(train={"deployment_score_thresh": 0.99})
    evaluate(config, trained)

    found = register(config, trained)

    assert (found.refused, found.exit_code, found.version) == (True, 4, None)
    assert "does not meet the deployment threshold 0.99" in found.reason
    assert registry.read(trained.registry, "churn").versions == ()


def test_a_registered_model_that_misses_a_new_threshold_is_refused_by_the_same_code(
    evaluated: Workspace, churn: Any
) -> None:
    register(churn(), evaluated)

    found = register(churn(train={"deployment_score_thresh": 0.99}), evaluated)

    assert (found.refused, found.exit_code, found.version, found.promoted) == (True, 4, "1", False)
    assert "does not meet the deployment threshold 0.99" in found.reason
    assert found.aliases == ("champion",)


def test_a_threshold_that_the_evaluation_did_not_know_holds_all_the_same(evaluated: Workspace, churn: Any) -> None:
    found = register(churn(train={"deployment_score_thresh": 0.99}), evaluated)

    assert found.exit_code == 4
    assert registry.read(evaluated.registry, "churn").versions == ()


def test_nothing_evaluated_says_what_to_do(trained: Workspace, churn: Any) -> None:
    with pytest.raises(NoRunError, match="nothing has been evaluated yet") as caught:
        register(churn(), trained)

    assert caught.value.hint == "mltrain evaluate"


def test_a_run_that_was_not_evaluated_says_what_to_do(evaluated: Workspace, churn: Any) -> None:
    lgbm = _run(evaluated, "lgbm")

    with pytest.raises(NoRunError, match="has not been evaluated") as caught:
        register(churn(), evaluated, run=lgbm)

    assert caught.value.hint == f"mltrain evaluate --run {lgbm}"


@pytest.mark.parametrize(
    ("low", "high", "margin", "exit_code"),
    [(-0.2, -0.1, 0.0, 4), (-0.2, 0.1, 0.0, 0), (0.1, 0.2, 0.0, 0), (-0.2, -0.1, 0.15, 0)],
)
def test_a_challenger_that_is_clearly_worse_is_refused(
    evaluated: Workspace, churn: Any, low: float, high: float, margin: float, exit_code: int
) -> None:
    register(churn(), evaluated)
    lgbm = _run(evaluated, "lgbm")
    evaluate(churn(), evaluated, run=lgbm)
    _say_of_difference(evaluated, lgbm, low=low, high=high)

    found = register(churn(registry={"margin": margin}), evaluated, run=lgbm)

    assert found.exit_code == exit_code
    champion = registry.read(evaluated.registry, "churn").champion
    assert champion is not None
    assert champion.version == ("1" if exit_code else "2")
    assert found.previous == (None if exit_code else "1")


def test_an_evaluation_against_a_former_champion_does_not_count(evaluated: Workspace, churn: Any) -> None:
    lgbm, ensemble = _run(evaluated, "lgbm"), _run(evaluated, "ensemble")
    evaluate(churn(), evaluated, run=lgbm)
    evaluate(churn(), evaluated, run=ensemble)
    register(churn(), evaluated, run=ensemble)

    with pytest.raises(NoRunError, match="knows champion version none, now version 1 reigns") as caught:
        register(churn(), evaluated, run=lgbm)

    assert caught.value.hint == f"mltrain evaluate --run {lgbm}"


def test_a_rollback_is_undone_only_by_name(evaluated: Workspace, churn: Any) -> None:
    config = churn(registry={"margin": 1.0})
    register(config, evaluated)
    ensemble = _run(evaluated, "ensemble")
    evaluate(config, evaluated, run=ensemble)
    register(config, evaluated, run=ensemble)
    rolled_back = rollback(config, evaluated)

    assert rolled_back.undo == f"mltrain register --run {ensemble}"
    unnamed = register(config, evaluated)
    named = register(config, evaluated, run=ensemble)

    assert (unnamed.version, unnamed.promoted) == ("2", False)
    again = f"`mltrain register --run {ensemble}` makes it champion again"
    assert unnamed.reason.endswith(f"as version 2, and version 1 is champion; {again}")
    assert (named.version, named.promoted, named.aliases) == ("2", True, ("champion",))
    assert len(registry.read(evaluated.registry, "churn").versions) == 2


def test_a_model_changed_after_its_evaluation_is_refused(evaluated: Workspace, churn: Any) -> None:
    assessment = read_assessment(next(evaluated.runs.glob("*/evaluation")))
    assert assessment is not None
    schema = Path(evaluated.run(assessment.circumstances.run_id)) / "model" / "schema.json"
    schema.write_text(schema.read_text() + " ")

    with pytest.raises(DataError, match=r"artefact changed: schema\.json"):
        register(churn(), evaluated)


def test_a_version_left_by_a_crash_is_promoted_not_made_again(evaluated: Workspace, churn: Any) -> None:
    register(churn(), evaluated)
    (evaluated.registry / "churn" / "registry.json").unlink()

    found = register(churn(), evaluated)

    assert (found.version, found.promoted, found.aliases) == ("1", True, ("champion",))
