"""Labels and dated tables with everything that makes a join hard, and a repository over them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

DAY = pd.Timedelta(days=1)
START = pd.Timestamp("2024-01-01")


def make_tables(folder: Path, *, has_ties: bool = False, n_labels: int = 600, seed: int = 5) -> None:
    """Write ``labels.parquet``, ``usage.parquet`` and ``plans.parquet``.

    There are rows written late, ages of exactly the maximum and
    just above it, customers without rows or with later ones only, and labels that share customer and time; with
    ``has_ties`` also rows of one time that only the time of writing tells apart.
    """
    rng = np.random.default_rng(seed)
    customers = np.arange(80)
    usage = pd.DataFrame({"customer": rng.choice(customers[:60], 900), "day": rng.integers(0, 160, 900)})
    usage = usage.drop_duplicates().reset_index(drop=True)
    again = usage.sample(150, random_state=seed)  # the same time, written anew
    again = again.assign(delay=rng.integers(4, 30, 150)) if has_ties else again.iloc[:0].assign(delay=0)
    usage = pd.concat([usage.assign(delay=rng.integers(0, 3, len(usage))), again])
    usage = usage.sample(frac=1, random_state=seed).drop_duplicates(["customer", "day", "delay"])
    n = len(usage)
    visits = pd.Series(rng.integers(0, 2**40, n), dtype="Int64").mask(rng.random(n) < 0.1)
    pq.write_table(
        pa.table(
            {
                "customer": pa.array(usage["customer"], pa.int64()),
                "since": _moments(START + usage["day"] * DAY),
                "written": _moments(START + (usage["day"] + usage["delay"]) * DAY + pd.Timedelta(hours=1)),
                "visits": pa.array(visits, pa.int64()),
                "spend": pa.array(rng.gamma(2, 30, n), pa.float32(), mask=rng.random(n) < 0.1),
            }
        ),
        folder / "usage.parquet",
    )
    has_plan = customers[20:]
    pq.write_table(
        pa.table(
            {
                "customer": pa.array(np.tile(has_plan, 2), pa.int64()),
                "event_timestamp": _moments(
                    pd.Series([START + 20 * DAY] * len(has_plan) + [START + 90 * DAY] * len(has_plan))
                ),
                "tariff": pa.array(rng.choice(["flat", "basic", "pro"], 2 * len(has_plan))),
                "is_business": pa.array(rng.random(2 * len(has_plan)) < 0.3),
            }
        ),
        folder / "plans.parquet",
    )
    pq.write_table(_labels(rng, usage, n_labels), folder / "labels.parquet")


def _labels(rng: np.random.Generator, usage: pd.DataFrame, n_labels: int) -> pa.Table:
    sampled = usage.sample(n_labels, replace=True, random_state=7)
    # Exactly at a row's time, at its maximal age, a microsecond later, and anywhere.
    day = 86_400_000_000
    shift = rng.choice([0, 30 * day, 30 * day + 1, 7 * day // 2, -9 * day // 4], n_labels)
    when = np.datetime64(START, "us") + (sampled["day"].to_numpy() * day + shift).astype("timedelta64[us]")
    customer = np.where(rng.random(n_labels) < 0.15, rng.integers(0, 100, n_labels), sampled["customer"].to_numpy())
    rate = 0.2 + 0.5 * (customer % 3 == 0)
    labels = pa.table(
        {
            "case": pa.array([f"c{i:04d}" for i in range(n_labels)]),
            "customer": pa.array(customer, pa.int64()),
            "event_timestamp": _moments(pd.Series(when)),
            "age": pa.array(rng.integers(18, 80, n_labels), pa.int32()),
            "churned": pa.array(np.where(rng.random(n_labels) < rate, "yes", "no")),
        }
    )
    twins = labels.slice(0, 10)  # the same customer and time, another case
    twins = twins.set_column(0, "case", pa.array([f"t{i:04d}" for i in range(10)]))
    return pa.concat_tables([labels, twins])


def _moments(values: pd.Series) -> pa.Array:
    """Return moments in UTC."""
    return pa.array(pd.Series(values).to_numpy().astype("datetime64[us]")).cast(pa.timestamp("us", "UTC"))


def apply(folder: Path, python: str, store: str = "file") -> None:
    """Make a repository over the tables of a folder."""
    script = Path(__file__).with_name("make_repository.py")
    environment = {**os.environ, "FEAST_USAGE": "False", "PYTHONWARNINGS": "ignore"}
    ended = subprocess.run(
        [python, str(script), str(folder), store],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-3000:]


ASOF: dict[str, Any] = {
    "time_column": "event_timestamp",
    "tables": [
        {
            "source": "usage.parquet",
            "keys": ["customer"],
            "time_column": "since",
            "created_column": "written",
            "max_age": "30d",
        },
        {"source": "plans.parquet", "keys": {"customer": "customer"}, "time_column": "event_timestamp"},
    ],
}
FEAST: dict[str, Any] = {"entities": "labels.parquet", "features": "churn_v1"}
