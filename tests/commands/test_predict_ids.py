"""`predict` over files that differ in their ids: carried through, whatever their types."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mltrain.commands.predict import predict
from mltrain.errors import DataError
from mltrain.workspace import Workspace

BIG = 2**60 + 1


@pytest.fixture
def score(evaluated: Workspace, tmp_path: Path) -> Any:
    """Return a function that scores two files with these values as the id ``customer``, None for no such column."""
    rows = pq.read_table(evaluated.split("test")).slice(0, 4).drop_columns(["customer"])
    model = str(next(evaluated.runs.glob("logistic_regression-*")) / "model")

    def run(*ids: pa.Array | None) -> Any:
        (tmp_path / "in").mkdir()
        for number, values in enumerate(ids):
            part = rows.slice(2 * number, 2)
            part = part if values is None else part.append_column("customer", values)
            pq.write_table(part, tmp_path / "in" / f"{number}.parquet")
        out = tmp_path / "out.parquet"
        found = predict(None, evaluated, source=str(tmp_path / "in"), destination=out, model=model)
        return pq.read_table(out), found.notes

    return run


@pytest.mark.parametrize(
    ("first", "second", "carried"),
    [
        (pa.array([1, 2], pa.int32()), pa.array([3, BIG], pa.int64()), [1, 2, 3, BIG]),
        (pa.array([1, BIG]), pa.array(["a", "007"]), ["1", str(BIG), "a", "007"]),
        (pa.nulls(2), pa.array([3, 4]), [None, None, 3, 4]),
        (pa.array([BIG, 2]), pa.array([3.0, None]), [str(BIG), "2", "3", None]),
        (pa.array([1, 2], pa.int16()), pa.array([3.0, None]), [1.0, 2.0, 3.0, None]),
        (pa.array([1, 2]), pa.array([3, 2**64 - 1], pa.uint64()), ["1", "2", "3", str(2**64 - 1)]),
        (pa.array(["a", "b"]), pa.array(["c", None]).dictionary_encode(), ["a", "b", "c", None]),
        (pa.array(["a", "b"]), pa.array(["c", "d"], pa.large_string()), ["a", "b", "c", "d"]),
        (pa.array([1, 2]), None, [1, 2, None, None]),
        (None, pa.array(["a", "b"]), [None, None, "a", "b"]),
    ],
)
def test_ids_that_differ_from_file_to_file_are_carried_through(
    score: Any, first: pa.Array | None, second: pa.Array | None, carried: list[Any]
) -> None:
    scored, notes = score(first, second)

    assert scored["customer"].to_pylist() == carried
    assert np.isfinite(scored["proba_yes"].to_numpy()).all()
    told = ("id columns are not in all files of the source: customer",)
    assert notes == (told if first is None or second is None else ())


def test_an_id_that_no_file_has_is_told(score: Any) -> None:
    scored, notes = score(None, None)

    assert "customer" not in scored.column_names
    assert notes == ("id columns are not in the source: customer",)


def test_ids_that_no_type_holds_name_the_file(score: Any) -> None:
    with pytest.raises(DataError, match="ids of type list") as caught:
        score(pa.array([1, 2]), pa.array([[1], [2]]))

    assert "1.parquet, column 'customer'" in str(caught.value.where)
