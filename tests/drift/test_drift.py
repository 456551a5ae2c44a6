from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from mltrain.data import Schema
from mltrain.data.columns import infer_columns
from mltrain.data.conforming import conform
from mltrain.data.target import make_target
from mltrain.drift import ColumnDrift, Profile, Tally, column_drifts, fit_profile, profile_from_dict, profile_to_dict
from mltrain.drift.stability import stability_index

N = 4000


def columns(seed: int, n: int = N) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    income = rng.lognormal(10, 1, n).round(2)
    income[rng.random(n) < 0.1] = np.nan
    return {
        "income": income,
        "visits": rng.poisson(2, n),
        "plan": rng.choice(["a", "b", "c"], n, p=[0.6, 0.3, 0.1]),
        "active": rng.random(n) < 0.7,
        "since": [datetime(2020, 1, 1) + timedelta(hours=int(h)) for h in rng.integers(0, 9000, n)],
        "y": rng.choice(["no", "yes"], n),
    }


def schema_of(table: pa.Table) -> Schema:
    target = make_target(table["y"], "y")
    return Schema(columns=infer_columns(table, target="y", overrides={}), target=target)


@pytest.fixture(scope="module")
def schema() -> Schema:
    return schema_of(pa.table(columns(0)))


@pytest.fixture(scope="module")
def profile(schema: Schema) -> Profile:
    return fit_profile(conform(pa.table(columns(0)), schema, origin="here"), schema)


def drifts(profile: Profile, schema: Schema, *tables: pa.Table) -> dict[str, ColumnDrift]:
    tally = Tally(profile=profile)
    for table in tables:
        tally.add(conform(table, schema, origin="here"))
    return {one.name: one for one in column_drifts(tally)}


def test_rows_like_those_of_training_are_stable(profile: Profile, schema: Schema) -> None:
    found = drifts(profile, schema, pa.table(columns(1)))

    assert set(found) == {"income", "visits", "plan", "active", "since"}
    assert {one.verdict for one in found.values()} == {"stable"}
    assert max(one.psi for one in found.values()) < 0.02


def test_columns_that_moved_come_first_with_what_moved(profile: Profile, schema: Schema) -> None:
    rows = columns(1)
    rows["income"] = rows["income"] * 3
    rows["plan"] = np.where(rows["plan"] == "a", "d", rows["plan"])
    rows["visits"] = rows["visits"] + 1_000 * (np.arange(N) < 7)

    found = drifts(profile, schema, pa.table(rows))

    assert list(found)[:2] == ["plan", "income"]
    moved = {name: found[name].verdict for name in ("plan", "income", "visits", "active")}
    assert moved == {"plan": "much", "income": "much", "visits": "stable", "active": "stable"}
    assert (found["visits"].below, found["visits"].above) == (0, 7)
    assert found["income"].missing_before == pytest.approx(0.1, abs=0.02)


def test_values_that_went_missing_are_drift(profile: Profile, schema: Schema) -> None:
    rows = columns(1)
    rows["income"][: N // 2] = np.nan

    found = drifts(profile, schema, pa.table(rows))["income"]

    assert found.verdict == "much"
    assert found.missing_now == pytest.approx(0.55, abs=0.02)


def test_few_rows_drift_by_chance_alone(profile: Profile, schema: Schema) -> None:
    found = drifts(profile, schema, pa.table(columns(2, n=40)))

    assert max(one.psi for one in found.values()) > 0.1
    assert {one.verdict for one in found.values()} == {"stable"}


def test_batches_count_like_the_whole(profile: Profile, schema: Schema) -> None:
    table = pa.table(columns(3))

    whole = drifts(profile, schema, table)
    parts = drifts(profile, schema, table.slice(0, 1500), table.slice(1500, 0), table.slice(1500))

    assert parts == whole


def test_a_profile_survives_json(profile: Profile) -> None:
    assert profile_from_dict(json.loads(json.dumps(profile_to_dict(profile), allow_nan=False))) == profile


def test_another_document_is_no_profile() -> None:
    with pytest.raises(ValueError, match="not a profile"):
        profile_from_dict({"columns": {}})


def test_all_missing_columns_have_a_profile(schema: Schema) -> None:
    table = pa.table(columns(0)).set_column(0, "income", pa.nulls(N, pa.float64()))

    profile = fit_profile(conform(table, schema, origin="here"), schema)
    found = drifts(profile, schema, pa.table(columns(1)))["income"]

    assert np.isnan(profile.columns["income"].low)
    assert found.verdict == "much"
    assert json.dumps(profile_to_dict(profile), allow_nan=False)


def test_infinite_values_count_as_missing_and_leave_ends_and_bins_finite(schema: Schema) -> None:
    given = columns(0)
    income = given["income"].copy()
    income[:1200], income[1200:1600] = np.inf, -np.inf
    blank = np.where(np.isinf(income), np.nan, income)

    profiles = [
        fit_profile(conform(pa.table({**given, "income": v}), schema, origin="here"), schema) for v in (income, blank)
    ]
    found = drifts(profiles[0], schema, pa.table({**columns(1), "income": income}))["income"]

    assert profiles[0] == profiles[1]
    assert json.dumps(profile_to_dict(profiles[0]), allow_nan=False)
    assert (found.below, found.above) == (0, 0)
    assert found.missing_now == pytest.approx(np.isnan(blank).mean(), abs=0.02)


def test_index_is_the_sum_over_bins() -> None:
    expected, counts = [0.2, 0.3, 0.5], [300, 300, 400]
    actual = np.array(counts) / 1000

    wanted = sum((a - e) * np.log(a / e) for a, e in zip(actual, expected, strict=True))

    assert stability_index(expected, counts, n_expected=500) == pytest.approx(wanted)


def test_without_drift_the_index_exceeds_its_bound_once_in_a_thousand() -> None:
    rng = np.random.default_rng(0)
    shares, exceeded = [0.1] * 10, 0
    for _ in range(2000):
        before = rng.multinomial(2000, shares)
        psi = stability_index((before / 2000).tolist(), rng.multinomial(300, shares).tolist(), n_expected=2000)
        exceeded += psi > 27.877 * (1 / 2000 + 1 / 300)  # chi squared, 9 degrees of freedom, 0.999

    assert exceeded <= 10  # two expected; ten or more happen once in twenty thousand times
