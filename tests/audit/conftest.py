"""A table with nothing wrong, and its audit once something was done to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from mltrain.audit import Finding, Totals, audit_split
from mltrain.data import Schema
from mltrain.data.columns import infer_columns
from mltrain.data.target import make_target

N = 1500
ENDS = {"train": (0, 900), "validation": (900, 1200), "test": (1200, N)}


def clean_columns() -> dict[str, Any]:
    """Return 1,500 made-up customers: independent columns, a label that depends on two of them."""
    rng = np.random.default_rng(5)
    age, income = rng.normal(45, 12, N).round(1), rng.lognormal(10, 0.6, N).round(2)
    score = (age - 45) / 12 + np.log(income) - 10 + rng.normal(0, 1, N)
    return {
        "age": age,
        "income": income,
        "balance": rng.normal(0, 900, N).round(2),
        "visits": rng.poisson(6, N),
        "plan": rng.choice(["basic", "plus", "premium"], N, p=[0.5, 0.3, 0.2]),
        "region": rng.choice(["north", "south", "east", "west"], N),
        "y": np.where(score > 0.5, "yes", "no"),
    }


@pytest.fixture
def columns() -> dict[str, Any]:
    return clean_columns()


@pytest.fixture
def audit() -> Callable[..., dict[str, Finding]]:
    """Return a function that audits columns and returns the worst finding of each check."""

    def run(
        columns: Mapping[str, Any],
        *,
        group: str | None = None,
        time: str | None = None,
        kind: str = "stratified",
        totals: Totals | None = None,
    ) -> dict[str, Finding]:
        table = pa.table(dict(columns))
        target = make_target(table["y"], "y")
        seen = table.slice(0, ENDS["validation"][1])
        roles = infer_columns(seen, target="y", overrides={}, group=group, time=time)
        schema = Schema(columns=roles, target=target, group=group, time=time)
        tables = {name: table.slice(start, end - start) for name, (start, end) in ENDS.items()}
        found = audit_split(tables, schema, kind=kind, totals=totals)
        return {finding.check: finding for finding in reversed(found)}

    return run
