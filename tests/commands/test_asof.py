"""`data.asof` through the commands: split, its up-to-date check and audit, an existing test file, predict."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mltrain.commands.predict import predict
from mltrain.commands.split import SplitResult, split
from mltrain.commands.train import TrainRequest, train
from mltrain.config import Config
from mltrain.data.asof import join_asof
from mltrain.data.joining import feature_join, open_source
from mltrain.data.loading import load_table
from mltrain.errors import DataError, EnvironmentRefusal, SchemaError
from mltrain.workspace import Workspace

START = datetime(2024, 1, 1)


def labels(n: int = 200, *, first: int = 0) -> pa.Table:
    return pa.table(
        {
            "customer": list(range(first, first + n)),
            "seen": [START + timedelta(days=i % 50, hours=12) for i in range(n)],
            "y": ["j" if i % 3 == 0 else "n" for i in range(n)],
        }
    )


def usage(n: int = 400) -> pa.Table:
    rng = np.random.default_rng(0)
    return pa.table(
        {
            "client": np.repeat(np.arange(n // 2), 2),
            "since": [START + timedelta(days=30 * (i % 2)) for i in range(n)],
            "written": [START + timedelta(days=30 * (i % 2) + int(rng.integers(0, 3))) for i in range(n)],
            "visits": [100 * (i // 2 % 3 == 0) + int(rng.integers(0, 90)) for i in range(n)],
        }
    )


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    monkeypatch.chdir(tmp_path)
    pq.write_table(labels(), "labels.parquet")
    pq.write_table(usage(), "usage.parquet")
    return configured()


def configured(**data: Any) -> Config:
    table = {"source": "usage.parquet", "keys": {"customer": "client"}, "time_column": "since"}
    asof = {"time_column": "seen", "tables": [{**table, "created_column": "written", "prefix": "u_"}]}
    return Config.model_validate(
        {
            "data": {"source": "labels.parquet", "target": "y", "id_columns": ["customer"], "asof": asof, **data},
            "train": {"experiment_tracker": "local", "supported_models": ["logistic_regression"], "n_folds": 2},
        }
    )


def divided(config: Config, **options: Any) -> SplitResult:
    return split(config, Workspace(root=Path()), **options)


def test_split_joins_and_reports_what_was_written_late(config: Config) -> None:
    result = divided(config)

    joined = pa.concat_tables([pq.read_table(path) for path in Path("data").glob("*.parquet")])
    assert joined.column_names == ["customer", "seen", "y", "u_visits"]
    assert joined.num_rows == 200
    assert joined["u_visits"].null_count == 0
    (late,) = [finding for finding in result.findings if finding.check == "late_rows"]
    assert late.severity == "warning"
    assert late.message.startswith("usage.parquet: for ")
    with pytest.raises(DataError, match="was written later"):
        divided(config, strict=True)


def test_a_change_of_any_joined_table_is_noticed(config: Config) -> None:
    divided(config)
    assert divided(config).unchanged

    pq.write_table(usage().set_column(3, "visits", pa.array(range(400))), "usage.parquet")

    assert not divided(config).unchanged
    assert divided(config).unchanged
    assert not divided(configured(asof={**config.data.asof.model_dump(), "late_rows": "leave_out"})).unchanged  # type: ignore[union-attr]


def test_a_future_feature_among_the_joined_columns_is_severe(config: Config) -> None:
    later = [START + timedelta(days=100 + i % 7) for i in range(400)]
    pq.write_table(usage().append_column("closed", pa.array(later)), "usage.parquet")

    findings = divided(config).findings

    (future,) = [finding for finding in findings if finding.check == "future_feature"]
    assert (future.severity, future.columns, future.count) == ("severe", ("u_closed",), 160)
    assert not [f for f in divided(configured(known_ahead=["u_closed"])).findings if f.check == "future_feature"]


def test_a_test_source_gets_the_same_join_unless_it_has_the_columns(config: Config) -> None:
    del config
    pq.write_table(labels(60, first=100), "test.parquet")
    divided(configured(test_source="test.parquet"))
    joined = pq.read_table("data/test.parquet")
    assert (joined.num_rows, joined["u_visits"].null_count) == (60, 0)

    pq.write_table(labels(60).append_column("u_visits", pa.array([7] * 60)), "test.parquet")
    divided(configured(test_source="test.parquet"))
    assert pq.read_table("data/test.parquet")["u_visits"].to_pylist() == [7] * 60


def test_predict_joins_new_rows_or_takes_joined_ones(config: Config) -> None:
    workspace = Workspace(root=Path())
    divided(config)
    train(config, workspace, request=TrainRequest(max_trials=1))
    model = str(next(Path("runs").glob("logistic_regression-*/model")))
    pq.write_table(labels(50, first=150).drop_columns(["y"]), "new.parquet")
    joined = labels(50, first=150).drop_columns(["y"])
    known = {
        client: visits for client, since, _, visits in zip(*usage().to_pydict().values(), strict=True) if since == START
    }
    latest = dict(zip(*(usage().to_pydict()[name] for name in ("client", "visits")), strict=True))
    visits = [
        latest[who] if when >= START + timedelta(days=30) else known[who]
        for who, when in zip(joined["customer"].to_pylist(), joined["seen"].to_pylist(), strict=True)
    ]
    pq.write_table(joined.append_column("u_visits", pa.array(visits)), "joined.parquet")

    for name in ("new", "joined"):
        predict(config, workspace, source=f"{name}.parquet", destination=Path(f"{name}_scores.parquet"), model=model)

    scores = pq.read_table("new_scores.parquet")
    assert scores.num_rows == 50
    assert scores.equals(pq.read_table("joined_scores.parquet"))
    with pytest.raises(SchemaError, match="u_visits"):
        predict(None, workspace, source="new.parquet", destination=Path("x.parquet"), model=model)


def test_predict_joins_a_piece_at_a_time_and_names_the_row_of_the_source(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = Workspace(root=Path())
    divided(config)
    train(config, workspace, request=TrainRequest(max_trials=1))
    model = str(next(Path("runs").glob("logistic_regression-*/model")))
    new = labels(50, first=150).drop_columns(["y"])
    pq.write_table(new, "new.parquet")
    predict(config, workspace, source="new.parquet", destination=Path("whole.parquet"), model=model)
    pieces = []
    monkeypatch.setattr("mltrain.commands.predict.opening.JOIN_ROWS", 20)
    monkeypatch.setattr(
        "mltrain.data.joining.join_asof",
        lambda rows, *args, **kwargs: pieces.append(rows.num_rows) or join_asof(rows, *args, **kwargs),
    )

    predict(config, workspace, source="new.parquet", destination=Path("pieces.parquet"), model=model)

    assert pieces == [20, 20, 10]
    assert pq.read_table("pieces.parquet").equals(pq.read_table("whole.parquet"))
    times = new["seen"].to_pylist()
    times[44] = None
    at = new.column_names.index("seen")
    pq.write_table(new.set_column(at, "seen", pa.array(times, new["seen"].type)), "new.parquet")
    with pytest.raises(DataError, match="1 rows have no time") as caught:
        predict(config, workspace, source="new.parquet", destination=Path("none.parquet"), model=model)
    assert caught.value.where == "new.parquet, column 'seen', row 45"
    assert not Path("none.parquet").exists()


def test_new_rows_without_their_time_are_refused(config: Config) -> None:
    with pytest.raises(DataError, match="no column 'seen'") as caught:
        feature_join(config.data, origin="new.csv")(labels().drop_columns(["seen"]))

    assert caught.value.where == "new.csv"


@pytest.mark.parametrize(
    ("free", "told"),
    [
        (40_000, "200 rows with what is joined to them need about 0.0 GB of memory, and 0.0 GB are left for them"),
        (200_000, None),
    ],
)
def test_a_join_that_does_not_fit_is_refused_before_it_begins(
    config: Config, monkeypatch: pytest.MonkeyPatch, free: int, told: str | None
) -> None:
    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("the join began")

    monkeypatch.setattr("mltrain.memory.available_bytes", lambda: free)
    if told is None:
        assert open_source(config.data).rows.num_rows == 200
        return
    monkeypatch.setattr("mltrain.data.joining.join_asof", never)
    with pytest.raises(EnvironmentRefusal) as caught:
        open_source(config.data)

    assert caught.value.message == told


def test_tables_to_join_share_what_is_free(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    tables = [table.model_copy(update={"prefix": f"u{i}_"}) for i, table in enumerate(config.data.asof.tables * 8)]
    asof = config.data.asof.model_copy(update={"tables": tuple(tables)})
    held = pq.read_table("labels.parquet").nbytes + 8 * pq.read_table("usage.parquet").nbytes
    taken: list[int] = []

    def available() -> int:
        return held - sum(taken)

    def load(*words: Any, held_bytes: int = 0, **options: Any) -> pa.Table:
        table = load_table(*words, held_bytes=held_bytes, **options)
        taken.append(table.nbytes)
        return table

    monkeypatch.setattr("mltrain.memory.available_bytes", available)
    monkeypatch.setattr("mltrain.data.joining.load_table", load)
    with pytest.raises(EnvironmentRefusal, match="400 rows need about"):
        open_source(config.data.model_copy(update={"asof": asof}))

    assert sum(taken) <= 0.7 * held
