"""A column of ratios with a few divisions by zero: split, trained and predicted like any other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mltrain.commands.predict import predict
from mltrain.commands.split import split
from mltrain.commands.train import TrainRequest, train
from mltrain.config import Config
from mltrain.workspace import Workspace

N = 600


def ratios(share: float) -> pa.Table:
    """Return rows whose ratio is infinite in about such a share of them, of either sign."""
    rng = np.random.default_rng(3)
    ratio, size = rng.normal(0, 1, N), rng.normal(0, 1, N)
    y = np.where(ratio + size + rng.normal(0, 0.5, N) > 0, "yes", "no")
    ratio[rng.random(N) < share] = np.inf
    ratio[rng.random(N) < share / 2] = -np.inf
    return pa.table({"ratio": ratio, "size": size, "y": y})


@pytest.mark.parametrize("share", [0.01, 0.3])
def test_infinite_numbers_are_learnt_and_predicted_as_missing_ones(tmp_path: Path, share: float) -> None:
    rows = ratios(share)
    pq.write_table(rows, tmp_path / "rows.parquet")
    blank = pa.array([value if np.isfinite(value) else None for value in rows["ratio"].to_pylist()], pa.float64())
    pq.write_table(rows.set_column(0, "ratio", blank), tmp_path / "blank.parquet")
    data = {"source": str(tmp_path / "rows.parquet"), "target": "y"}
    families = {"experiment_tracker": "local", "supported_models": ["logistic_regression", "lgbm"]}
    config, workspace = Config.model_validate({"data": data, "train": families}), Workspace(root=tmp_path / "work")

    found = split(config, workspace)
    trained = train(config, workspace, request=TrainRequest(max_trials=2))
    model = str(workspace.run(trained.candidates[0].run_id) / "model")
    predicted = [
        predict(
            None, workspace, source=str(tmp_path / f"{name}.parquet"), destination=tmp_path / f"{name}.csv", model=model
        )
        for name in ("rows", "blank")
    ]

    assert "infinite" in [finding.check for finding in found.findings]
    assert len(trained.candidates) == 3
    assert (tmp_path / "rows.csv").read_text() == (tmp_path / "blank.csv").read_text()
    assert predicted[0].drift == predicted[1].drift
