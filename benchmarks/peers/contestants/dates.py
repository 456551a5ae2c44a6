"""Dates as numbers, for libraries that refuse them: year, month, day, weekday, hour, and days since 1970."""

from __future__ import annotations

import pandas as pd


def with_date_parts(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with each date column replaced by its parts."""
    for name in rows.select_dtypes("datetime").columns:
        moment = rows[name]
        parts = {part: getattr(moment.dt, part) for part in ("year", "month", "day", "weekday", "hour")}
        parts["days"] = (moment - pd.Timestamp(0)) / pd.Timedelta(days=1)
        rows = rows.drop(columns=name).assign(**{f"{name}_{part}": values for part, values in parts.items()})
    return rows
