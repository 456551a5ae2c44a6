"""A project that is sent to MLflow: rows of every kind of column, and the config."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from mltrain.config import Config

N = 240


def table_of_all_kinds() -> pa.Table:
    """Return rows of every kind of column, each with values missing."""
    rng = np.random.default_rng(5)
    x, town = rng.normal(size=N), rng.choice(["Łódź", "東京", "São Paulo"], size=N)
    days = np.datetime64("2024-01-01") + rng.integers(0, 300, size=N)
    signal = x + (town == "東京") + rng.normal(size=N) / 2
    gaps = [rng.random(N) < 0.1 for _ in range(5)]
    return pa.table(
        {
            "key": [f"k{i:04d}" for i in range(N)],
            "höhe": pa.array(x, mask=gaps[0]),
            "town": pa.array(town, mask=gaps[1]),
            "active": pa.array(rng.random(N) < 0.5, mask=gaps[2]),
            "since": pa.array(days.astype("datetime64[D]"), mask=gaps[3]),
            "count": pa.array(rng.integers(0, 9, size=N), mask=gaps[4]),
            "whole": pa.array(rng.integers(0, 99, size=N)),
            "left": np.where(signal > np.quantile(signal, 0.6), "ja", "nein"),
        }
    )


def config_for(root: Path, url: str, **train_section: Any) -> Config:
    return Config.model_validate(
        {
            "data": {"source": str(root / "rows.parquet"), "target": "left"},
            "train": {
                "supported_models": ["logistic_regression"],
                "project_name": "served",
                "experiment_tracker": "mlflow",
                "tracker_options": {"tracking_uri": url},
                **train_section,
            },
            "evaluate": {"n_bootstrap": 20, "figures": False},
        }
    )
