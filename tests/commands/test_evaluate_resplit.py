"""A champion that was developed on rows of today's test split: found, left out of the comparison, or refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mltrain import artifact, files, registry
from mltrain.commands.evaluate import EvaluateResult, evaluate
from mltrain.commands.register import register
from mltrain.commands.split import split
from mltrain.commands.train import TrainRequest, train
from mltrain.config import Config
from mltrain.console.render import render
from mltrain.workspace import Workspace

QUICK = TrainRequest(models=("logistic_regression",), max_trials=1)
Configured = Callable[..., Config]


def _table(n_rows: int, *, first: int = 0, seed: int = 0, is_coarse: bool = False) -> pa.Table:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n_rows, 2))
    y = np.where(rng.random(n_rows) < 1 / (1 + np.exp(-x.sum(axis=1))), "yes", "no")
    a, b = np.round(x.T) if is_coarse else x.T
    return pa.table({"id": np.arange(first, first + n_rows), "a": a, "b": b, "y": y})


@pytest.fixture
def configured(churn: Any, tmp_path: Path) -> Configured:
    """Return a function that makes configs of a table of one's own."""

    def make(seed: int = 42, **sections: Any) -> Config:
        data = {"source": str(tmp_path / "rows.parquet"), "target": "y", "id_columns": ["id"]}
        made: Config = churn(**{**sections, "data": {**data, **sections.get("data", {})}})
        return made.model_copy(update={"seed": seed})

    return make


def _champion(config: Config, workspace: Workspace) -> str:
    """Split, train, evaluate and register."""
    split(config, workspace)
    train(config, workspace, request=QUICK)
    found = evaluate(config, workspace)
    register(config, workspace)
    return found.champion.run_id


def _challenger(config: Config, workspace: Workspace) -> EvaluateResult:
    split(config, workspace)
    train(config, workspace, request=QUICK)
    return evaluate(config, workspace)


def _seen_by(run_id: str, workspace: Workspace, table: pa.Table) -> pa.Table:
    """Return the rows of a table that a run was not developed on, by what `split` wrote for it then."""
    folder = workspace.root / f"data-{run_id}"
    known = pa.concat_tables([pq.read_table(folder / f"{name}.parquet") for name in ("train", "validation")])
    return table.filter(pa.compute.invert(pa.compute.is_in(table["id"], value_set=known["id"].combine_chunks())))


@pytest.mark.parametrize("key", [None, "id"])
def test_after_a_split_with_another_seed_the_rows_that_neither_knows_are_compared(
    tmp_path: Path, configured: Configured, capsys: pytest.CaptureFixture[str], key: str | None
) -> None:
    pq.write_table(_table(3000), tmp_path / "rows.parquet")
    workspace = Workspace(root=tmp_path / "workspace")
    keyed = {"key_column": key}
    first = _champion(configured(split=keyed), workspace)
    shutil.copytree(workspace.data, workspace.root / f"data-{first}")
    other = configured(split=keyed, seed=7)

    found = _challenger(other, workspace)

    unknown = _seen_by(first, workspace, pq.read_table(workspace.split("test")))
    assert 100 < unknown.num_rows < 150
    assert found.compared_with_champion is not None
    assert found.compared_with_champion.n_rows == unknown.num_rows
    (caution,) = found.cautions
    seen = 600 - unknown.num_rows
    assert f"champion version 1 comes from another split and was developed on {seen} of the 600 test rows" in caution
    assert f"compared on the {unknown.num_rows} rows that neither was developed on" in caution
    render(register(other, workspace))
    assert f"on {unknown.num_rows} rows" in " ".join(capsys.readouterr().out.split())
    card = next(workspace.evaluation(found.champion.run_id).glob("model_card.md")).read_text(encoding="utf-8")
    assert f"On the same {unknown.num_rows} test rows" in card


def test_with_too_few_such_rows_the_challenger_is_refused_until_a_person_says_otherwise(
    tmp_path: Path, configured: Configured, capsys: pytest.CaptureFixture[str]
) -> None:
    pq.write_table(_table(600), tmp_path / "rows.parquet")
    workspace = Workspace(root=tmp_path / "workspace")
    _champion(configured(), workspace)
    other = configured(seed=7)

    found = _challenger(other, workspace)
    refused = register(other, workspace)

    assert found.compared_with_champion is None
    assert (refused.refused, refused.exit_code, refused.promoted) == (True, 4, False)
    assert refused.reason.startswith("not compared: champion version 1 comes from another split and was developed on")
    assert refused.cautions == ()
    assert "a comparison wants 100 rows, 10 each of two classes" in refused.reason
    assert "data.test_source" in refused.reason
    assert "--set registry.require_comparison=false" in refused.reason
    render(found)
    assert "warning: not compared: champion version 1" in " ".join(capsys.readouterr().out.split())
    allowed = register(configured(seed=7, registry={"require_comparison": False}), workspace)
    assert (allowed.exit_code, allowed.version) == (0, "2")
    assert "registry.require_comparison is false" in allowed.reason


def test_on_the_same_split_all_rows_are_compared(tmp_path: Path, configured: Configured) -> None:
    pq.write_table(_table(600), tmp_path / "rows.parquet")
    workspace = Workspace(root=tmp_path / "workspace")
    _champion(configured(), workspace)
    config = configured(train={"class_weight": "balanced"})

    found = _challenger(config, workspace)

    assert found.compared_with_champion is not None
    assert found.compared_with_champion.n_rows == 120
    assert found.cautions == ()


def test_rows_that_are_alike_by_chance_are_no_reason(tmp_path: Path, configured: Configured) -> None:
    """Nearly every row of a coarse table is like one that any model of it knows."""
    pq.write_table(_table(2000, is_coarse=True), tmp_path / "rows.parquet")
    workspace = Workspace(root=tmp_path / "workspace")
    _champion(configured(), workspace)

    found = _challenger(configured(train={"class_weight": "balanced"}), workspace)

    assert found.compared_with_champion is not None
    assert found.compared_with_champion.n_rows == 400
    assert found.cautions == ()


def test_of_a_table_that_has_grown_the_new_rows_are_compared(tmp_path: Path, configured: Configured) -> None:
    pq.write_table(_table(600), tmp_path / "rows.parquet")
    workspace = Workspace(root=tmp_path / "workspace")
    first = _champion(configured(), workspace)
    shutil.copytree(workspace.data, workspace.root / f"data-{first}")
    pq.write_table(pa.concat_tables([_table(600), _table(600, first=600, seed=1)]), tmp_path / "rows.parquet")

    found = _challenger(configured(), workspace)

    unknown = _seen_by(first, workspace, pq.read_table(workspace.split("test")))
    assert found.compared_with_champion is not None
    assert 100 < found.compared_with_champion.n_rows == unknown.num_rows < 240


def test_a_test_file_that_nobody_knows_is_compared_whole(tmp_path: Path, configured: Configured) -> None:
    pq.write_table(_table(600), tmp_path / "rows.parquet")
    pq.write_table(_table(300, first=9000, seed=1), tmp_path / "later.parquet")
    workspace = Workspace(root=tmp_path / "workspace")
    _champion(configured(), workspace)

    found = _challenger(configured(seed=7, data={"test_source": str(tmp_path / "later.parquet")}), workspace)

    assert found.compared_with_champion is not None
    assert found.compared_with_champion.n_rows == 300
    assert found.cautions == ()


def test_of_a_champion_that_does_not_tell_its_rows_is_said_so(tmp_path: Path, configured: Configured) -> None:
    pq.write_table(_table(600), tmp_path / "rows.parquet")
    workspace = Workspace(root=tmp_path / "workspace")
    _champion(configured(), workspace)
    _forget_rows(workspace)

    same = _challenger(configured(train={"class_weight": "balanced"}), workspace)
    other = _challenger(configured(seed=7), workspace)

    assert same.cautions == ()
    assert other.compared_with_champion is not None
    assert other.compared_with_champion.n_rows == 120
    (caution,) = other.cautions
    assert "its artefact does not tell which rows it was developed on" in caution


def _forget_rows(workspace: Workspace) -> None:
    """Make the registered champion one that an older mltrain wrote."""
    folder = workspace.registry / "churn" / "1"
    (folder / "model" / "seen_rows.json").unlink()
    manifest = folder / "model" / "manifest.json"
    document = json.loads(manifest.read_text())
    del document["files"]["seen_rows.json"]
    manifest.chmod(0o644)
    manifest.write_text(json.dumps(document))
    version = folder / "version.json"
    record = json.loads(version.read_text())
    version.chmod(0o644)
    version.write_text(json.dumps(record | {"manifest": files.sha256(manifest)}))
    champion = registry.read(workspace.registry, "churn").champion
    assert champion is not None
    artifact.verify(folder / "model", expected_manifest_sha256=champion.manifest)
