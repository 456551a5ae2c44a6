"""Who reads the rows to score, and how."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from mltrain import artifact
from mltrain.commands.predict import opening, predict
from mltrain.commands.register import register
from mltrain.errors import ConfigError
from mltrain.workspace import Workspace


def test_a_name_that_says_nothing_is_read_in_the_format_of_the_config(
    evaluated: Workspace, churn: Any, tmp_path: Path
) -> None:
    register(churn(), evaluated)
    shutil.copy(evaluated.split("test"), tmp_path / "batch")
    source = str(tmp_path / "batch")

    predict(churn(data={"format": "parquet"}), evaluated, source=source, destination=tmp_path / "out.parquet")

    assert pq.read_table(tmp_path / "out.parquet").num_rows == pq.read_table(evaluated.split("test")).num_rows
    with pytest.raises(ConfigError, match="no data source reads"):
        predict(churn(), evaluated, source=source, destination=tmp_path / "none.parquet")


@pytest.mark.parametrize(("n_cores", "n_rows"), [(1, 100), (4, 50), (999, 1)])
def test_the_batches_scored_at_once_hold_so_many_cells_whatever_the_cores(
    evaluated: Workspace, monkeypatch: pytest.MonkeyPatch, n_cores: int, n_rows: int
) -> None:
    model = artifact.load_model(next(evaluated.runs.glob("logistic_regression-*/model")))
    monkeypatch.setattr(opening, "available_cores", lambda: n_cores)
    n_columns = len(model.schema.features) + len(model.schema.ids)
    monkeypatch.setattr(opening, "SCORED_CELLS", 250 * n_columns)
    monkeypatch.setattr(opening, "BATCH_ROWS", 100)

    stream = opening.open_source(None, str(evaluated.split("test")), model)

    assert max(table.num_rows for table in stream.tables) == n_rows
