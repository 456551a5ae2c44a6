"""The only reader of the test rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from mltrain import files, ledger
from mltrain.data.splits import read_split_record
from mltrain.errors import DataError, EnvironmentRefusal
from mltrain.holdout import Holdout, open_test
from mltrain.workspace import Workspace

COLUMNS = ("usage_gb", "plan", "no_such_column")


def _open(workspace: Workspace) -> Holdout:
    record = read_split_record(workspace.split_record)
    return open_test(workspace, record, columns=COLUMNS, run_id="lgbm-1", config_hash="c")


def test_the_rows_come_with_codes_of_the_split_and_the_opening_is_counted(trained: Workspace) -> None:
    _open(trained)
    holdout = _open(trained)

    table = pq.read_table(trained.split("test"))
    assert holdout.table.num_rows == table.num_rows == len(holdout.y)
    churned = np.array([label == "yes" for label in table["churned"].to_pylist()])
    np.testing.assert_array_equal(holdout.y, churned.astype(np.int64))
    assert holdout.openings == 2
    assert ledger.openings(trained.ledger)[0].run_id == "lgbm-1"


def test_the_columns_asked_for_are_read_and_the_file_is_hashed_once(
    trained: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed = []
    sha256 = files.sha256
    monkeypatch.setattr(files, "sha256", lambda path: hashed.append(path) or sha256(path))

    holdout = _open(trained)

    assert holdout.table.column_names == ["usage_gb", "plan"]
    assert hashed == [trained.split("test")]


def test_a_changed_test_file_is_refused_and_not_counted(trained: Workspace) -> None:
    path = trained.split("test")
    pq.write_table(pq.read_table(path).slice(1), path)

    with pytest.raises(DataError, match="the test split is changed"):
        _open(trained)

    assert ledger.openings(trained.ledger) == ()


def test_a_missing_test_file_is_refused(trained: Workspace) -> None:
    trained.split("test").unlink()

    with pytest.raises(DataError, match="the test split is missing"):
        _open(trained)


def test_without_a_ledger_line_no_row_is_read(trained: Workspace) -> None:
    Path(trained.ledger).mkdir()

    with pytest.raises(EnvironmentRefusal, match=r"ledger\.jsonl"):
        _open(trained)
