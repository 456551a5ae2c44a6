"""A test split without a row of one class: no score, no gate, no champion, and no crash when read back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mltrain import registry
from mltrain.commands.evaluate import evaluate
from mltrain.commands.register import register
from mltrain.commands.run import run
from mltrain.commands.split import split
from mltrain.commands.train import TrainRequest, train
from mltrain.config import Config
from mltrain.console.render import render
from mltrain.workspace import Workspace

QUICK = TrainRequest(models=("logistic_regression",), max_trials=1)


@pytest.fixture
def without_cases(churn: Any, tmp_path: Path) -> Any:
    """Return a function that makes configs of a table whose test file has no row of class yes."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=300)
    y = np.where(x + rng.normal(size=300) > 1.5, "yes", "no")
    pq.write_table(pa.table({"x": x, "y": y}), tmp_path / "rows.parquet")
    pq.write_table(pa.table({"x": x[:25], "y": ["no"] * 25}), tmp_path / "test.parquet")
    pq.write_table(pa.table({"x": x[:200], "y": y[:200]}), tmp_path / "whole.parquet")

    def make(test: str = "test", **settings: Any) -> Config:
        data = {"source": str(tmp_path / "rows.parquet"), "test_source": str(tmp_path / f"{test}.parquet")}
        made: Config = churn(data={**data, "target": "y", "id_columns": [], "positive_class": "yes"}, train=settings)
        return made

    return make


@pytest.mark.parametrize("metric", ["roc_auc", "average_precision", "f1", "recall", "mcc"])
def test_it_is_refused_in_plain_words_and_nothing_is_registered(
    tmp_path: Path, without_cases: Any, metric: str, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = Workspace(root=tmp_path / "workspace")
    config = without_cases(comparison_metric=metric)

    found = run(config, workspace, request=QUICK)

    assert (found.exit_code, found.register) == (4, None)
    assert found.evaluate.notes[0].endswith("the test split has no row of class 'yes'")
    assert found.evaluate.cautions == ()
    assert registry.read(workspace.registry, "churn").versions == ()
    render(found)
    assert f"test {metric} is undefined" in " ".join(capsys.readouterr().out.split())
    card = next(workspace.runs.glob("*/evaluation/model_card.md")).read_text(encoding="utf-8")
    assert f"**not passed**: test `{metric}` is undefined" in card


@pytest.mark.parametrize("metric", ["log_loss", "accuracy", "brier"])
def test_a_metric_that_needs_no_such_row_still_judges(tmp_path: Path, without_cases: Any, metric: str) -> None:
    found = run(without_cases(comparison_metric=metric), Workspace(root=tmp_path / "workspace"), request=QUICK)

    assert (found.exit_code, found.registered_version) == (0, "1")


@pytest.mark.parametrize("threshold", [None, 0.7])
def test_it_is_the_same_when_read_back(tmp_path: Path, without_cases: Any, threshold: float | None) -> None:
    workspace, config = Workspace(root=tmp_path / "workspace"), without_cases(deployment_score_thresh=threshold)
    split(config, workspace)
    train(config, workspace, request=QUICK)
    first = evaluate(config, workspace)

    again = evaluate(config, workspace)
    refused = register(config, workspace)

    assert again.reused
    assert (first.exit_code, again.exit_code, refused.exit_code) == (4, 4, 4)
    assert again.notes == first.notes
    assert refused.reason.endswith("the test split has no row of class 'yes'")


def test_it_replaces_no_champion(tmp_path: Path, without_cases: Any) -> None:
    workspace = Workspace(root=tmp_path / "workspace")
    first = run(without_cases(test="whole"), workspace, request=QUICK)

    second = run(without_cases(class_weight="balanced"), workspace, request=QUICK)

    assert (first.exit_code, second.exit_code) == (0, 4)
    champion = registry.read(workspace.registry, "churn").champion
    assert champion is not None
    assert champion.version == "1"
