"""The section `data.asof`: dated tables joined to the labels as they stood at each label's time."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from mltrain.config.consistency import KEEP_SECRETS_OUT, refuse
from mltrain.config.section import Section
from mltrain.redaction import carries_secret

_AGE = re.compile(r"(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?:in)?)?(?:(\d+)s)?")


def parse_age(text: str) -> timedelta:
    """Return an age such as ``30d``, ``12h``, ``90m`` or ``1d12h``.

    Raises
    ------
    ValueError
        It is no age, or not above zero.

    Examples
    --------
    >>> parse_age("1d12h")
    datetime.timedelta(days=1, seconds=43200)
    """
    match = _AGE.fullmatch(text.lower().replace(" ", ""))
    if match is None or not any(match.groups()):
        raise ValueError(f"'{text}' is no age")
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    try:
        age = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    except OverflowError as error:
        raise ValueError(f"'{text}' is too long") from error
    if not age:
        raise ValueError(f"'{text}' is not above zero")
    return age


def _checked_age(text: str) -> str:
    """Return an age as it was written."""
    try:
        parse_age(text)
    except ValueError as error:
        refuse(str(error), key="", hint="write 30d, 12h, 90m or 1d12h")
    return text


class DatedTable(Section):
    """One table of `data.asof.tables`: its rows say what was known of a key from a time on."""

    source: str
    """Where the rows are: whatever `data.source` may be. Required."""
    format: str | None = None
    """Name of the data source plug-in; by default the one that accepts `source`."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Settings of the data source."""
    keys: Annotated[tuple[str, ...], Field(min_length=1)] | dict[str, str]
    """Columns by which rows belong to labels: names that both tables have, or `label column: table column`."""
    time_column: str
    """From when on a row holds; without a zone it is UTC. Required."""
    created_column: str | None = None
    """When a row was written: of rows with one key and time the last written counts, and late ones are found."""
    max_age: Annotated[str, AfterValidator(_checked_age)] | None = None
    """Age up to which a row counts, the bound included, such as `30d` or `12h`; null: any age."""
    columns: tuple[str, ...] = ()
    """Columns to take; by default all but keys and times."""
    prefix: str = ""
    """Put before the names of the columns taken."""

    @model_validator(mode="after")
    def _some_key_and_no_secret(self) -> Self:
        if carries_secret(self.source):
            refuse("the source holds a password or token", key="source", hint=KEEP_SECRETS_OUT)
        if not self.keys:
            refuse("a join needs a key", key="keys", hint="name the columns that both tables have")
        return self


def _some_tables(tables: tuple[DatedTable, ...]) -> tuple[DatedTable, ...]:
    """Refuse a join of nothing."""
    if not tables:
        refuse("data.asof joins no table", key="", hint="leave data.asof out, or name a table")
    return tables


class AsofSection(Section):
    """Dated tables, joined to the rows of `data.source` as they stood at each row's time: no feature store needed."""

    time_column: str
    """Column of `data.source`: the time as of which each row is looked at; without a zone it is UTC. Required."""
    late_rows: Literal["use", "leave_out"] = "use"
    """What becomes of rows written (`created_column`) after the label's time: used and reported, or not seen."""
    tables: Annotated[tuple[DatedTable, ...], AfterValidator(_some_tables)]
    """The tables to join, in the order in which their columns are added. Required."""
