from __future__ import annotations

from typing import Any

import pytest

from mltrain import plugins
from mltrain.config import Config, TrainSection
from mltrain.data import Column, ColumnKind, Schema, Target
from mltrain.errors import EnvironmentRefusal
from mltrain.events import Event, Notice
from mltrain.outlook import fit_into_memory
from mltrain.sizing import Load, needed_bytes

FAMILIES = {"xgboost": plugins.load("models", "xgboost")}


COLUMNS = tuple(Column(name=f"x{i}", kind=ColumnKind.NUMERIC, arrow_type="double") for i in range(50))
SCHEMA = Schema(columns=COLUMNS, target=Target(name="y", classes=(0, 1)))
SPLITS = {"n_train": 3_000_000, "n_validation": 1_000_000}


def needed_gb(*, search_rows: int) -> float:
    load = Load(
        schema=SCHEMA,
        n_rows=4_000_000,
        n_validation=1_000_000,
        most_rows=3_000_000,
        families=FAMILIES,
    )
    return needed_bytes(load, search_rows=search_rows) / 1e9


def config(**train: Any) -> Config:
    return Config(train=TrainSection(**train))


def test_what_is_needed_and_there_is_said_and_nothing_changes_where_it_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mltrain.outlook.available_bytes", lambda: 64 * 10**9)
    told: list[Event] = []

    found = fit_into_memory(config(), SCHEMA, FAMILIES, **SPLITS, listener=told.append)

    needed = needed_gb(search_rows=3_000_000)
    assert found == config()
    assert told == [Notice(message=f"memory: about {needed:.1f} GB needed, 64.0 GB available", level="info")]


def test_the_rows_that_fit_stay_in_the_config_that_runs_record() -> None:
    least, most = (needed_gb(search_rows=n) for n in (20_000, 3_000_000))
    told: list[Event] = []

    found = fit_into_memory(config(max_memory_gb=(least + most) / 2), SCHEMA, FAMILIES, **SPLITS, listener=told.append)

    assert found.train.search_rows is not None
    assert 20_000 < found.train.search_rows < 3_000_000
    (notice,) = told
    assert isinstance(notice, Notice)
    assert notice.level == "warning"
    assert f"trials learn from {found.train.search_rows:,} rows, the final fit from all" in notice.message


def test_a_number_of_rows_in_the_config_is_a_bound() -> None:
    middle = (needed_gb(search_rows=20_000) + needed_gb(search_rows=3_000_000)) / 2

    found = fit_into_memory(
        config(max_memory_gb=middle, search_rows=30_000), SCHEMA, FAMILIES, **SPLITS, listener=lambda event: None
    )

    assert found.train.search_rows == 30_000


def test_too_little_memory_is_refused_before_a_row_is_read() -> None:
    with pytest.raises(EnvironmentRefusal, match=r"needs about \d\.\d GB of memory, and 0\.6 GB are available"):
        fit_into_memory(config(max_memory_gb=0.6), SCHEMA, FAMILIES, **SPLITS, listener=lambda event: None)


def test_cross_validation_holds_models_of_all_folds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mltrain.outlook.available_bytes", lambda: 64 * 10**9)
    forests = {"random_forest": plugins.load("models", "random_forest")}
    told: list[Event] = []

    fit_into_memory(config(validation="kfold"), SCHEMA, forests, **SPLITS, listener=told.append)

    # All 4,000,000 rows: their view and what a fit keeps of each, predictions of 20 trials, five forests for each fold.
    needed = 0.45 + 1.15 * (4e-3 * (50 * 4 + 200 + 20 * 2 * 8) + 5 * 5 * 0.1)
    assert told == [Notice(message=f"memory: about {needed:.1f} GB needed, 64.0 GB available", level="info")]
