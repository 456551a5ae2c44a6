"""A made-up churn table: mixed types, missing values, dates, several rows a customer."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.random import Generator
from numpy.typing import NDArray

N_CUSTOMERS = 700
N_ROWS = 2000
SEED = 20240229
PLANS = ("basic", "standard", "premium")
REGIONS = ("Nord", "Süd", "Île-de-France", "Łódź", "東京")
CHANNELS = ("web", "shop", "phone", "partner")


def make_churn() -> pa.Table:
    """Return 2,000 monthly observations of 700 customers, target ``churned`` (yes about one time in four).

    Notes
    -----
    Each customer has a plan, a region and a date of signing up; each observation has its own usage. The odds
    of leaving are a fixed function of both with an interaction: a good model reaches a ROC AUC near 0.85.
    """
    rng = np.random.default_rng(SEED)
    customer = np.sort(np.concatenate([np.arange(N_CUSTOMERS), rng.integers(N_CUSTOMERS, size=N_ROWS - N_CUSTOMERS)]))
    plan = rng.choice(len(PLANS), size=N_CUSTOMERS, p=[0.5, 0.35, 0.15])[customer]
    region = rng.choice(len(REGIONS), size=N_CUSTOMERS, p=[0.3, 0.25, 0.2, 0.15, 0.1])[customer]
    signup = np.datetime64("2019-01-01") + rng.integers(1500, size=N_CUSTOMERS)[customer]
    observed = signup + 30 + rng.integers(600, size=N_ROWS)
    autopay = rng.random(N_ROWS) < 0.55
    charge = np.round(20 + 22 * plan + rng.gamma(4.0, 3.0, size=N_ROWS), 2)
    calls = rng.poisson(1.2 + 0.8 * (plan == 0))
    usage = np.round(rng.lognormal(2.6 + 0.3 * plan, 0.5), 1)
    tenure_days = (observed - signup).astype(np.int64)
    logit = (
        1.1
        + 0.95 * (calls - 1.5)
        + 0.055 * (charge - 45) * (plan < 2)
        - 0.007 * tenure_days
        - 1.5 * autopay
        - 0.06 * (usage - 15)
        + np.array([0.0, 0.4, -0.5, 0.9, -0.2])[region]
    )
    churned = rng.random(N_ROWS) < 1 / (1 + np.exp(-(1.15 * logit + 0.6)))
    return pa.table(
        {
            "row_id": pa.array([f"obs-{i:05d}" for i in range(N_ROWS)]),
            "customer": pa.array([f"C{i:04d}" for i in customer]),
            "observed": pa.array(observed.astype("datetime64[D]")),
            "signup_date": pa.array(signup.astype("datetime64[D]")),
            "plan": pa.array([PLANS[i] for i in plan]),
            "region": _with_missing([REGIONS[i] for i in region], rng, share=0.04),
            "channel": pa.array([CHANNELS[i] for i in rng.integers(len(CHANNELS), size=N_ROWS)]),
            "autopay": pa.array(autopay),
            "monthly_charge": pa.array(charge),
            "support_calls": pa.array(calls),
            "usage_gb": _with_missing(usage.tolist(), rng, share=0.08),
            "satisfaction": _satisfaction(logit, rng),
            "churned": pa.array(np.where(churned, "yes", "no").tolist()),
        }
    )


def _with_missing(values: list[str] | list[float], rng: Generator, *, share: float) -> pa.Array:
    """Return values with a share of them missing at random."""
    return pa.array(values, mask=rng.random(len(values)) < share)


def _satisfaction(logit: NDArray[np.float64], rng: Generator) -> pa.Array:
    """Return survey answers from 1 to 5, which the unhappy give more often and most people never give."""
    answer = np.clip(np.rint(3.2 - 0.45 * logit + rng.normal(0, 1.1, size=len(logit))), 1, 5).astype(np.int64)
    return pa.array(answer, mask=rng.random(len(logit)) < 0.35)
