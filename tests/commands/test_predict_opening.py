"""Who reads the rows to score, and how."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from mltrain.commands.predict import predict
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
