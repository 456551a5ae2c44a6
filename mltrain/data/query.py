"""What a source of queries can be told: a query with bound values, or the name of a table."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from datetime import date, datetime

from pydantic import Field, model_validator

from mltrain.data.nearest import listed
from mltrain.data.options import WHERE, SourceOptions
from mltrain.errors import ConfigError, DataError

logger = logging.getLogger(__name__)

_ORDERED = re.compile(r"\border\s+by\b", re.IGNORECASE)


class QueryOptions(SourceOptions):
    """Which rows of a database."""

    query: str | None = None
    """SQL that returns the rows; end it in `order by`, or they may come in another order each time."""
    table: str | None = None
    """A table or view to read whole, `name` or `schema.name`; by default the only one there is."""
    parameters: dict[str, bool | int | float | str | date | datetime | None] = Field(default_factory=dict)
    """Values for the places `:name` of the query (`$name` in DuckDB); the driver binds them."""

    @model_validator(mode="after")
    def _one_of_the_two(self) -> QueryOptions:
        if self.query is not None and self.table is not None:
            raise ValueError("query and table are both given: keep one")
        if self.parameters and self.query is None:
            raise ValueError("parameters are given without a query")
        return self

    @property
    def where(self) -> str:
        """The key that says which rows are read, for messages."""
        return f"{WHERE}.{'query' if self.query is not None else 'table'}"


def only_table(names: Sequence[str], *, source: str) -> str:
    """Return the only table of a database.

    Raises
    ------
    mltrain.errors.DataError
        There is none.
    mltrain.errors.ConfigError
        There are several.
    """
    if not names:
        raise DataError("the database holds no tables", where=source, hint="name another one in data.source")
    if len(names) > 1:
        message = f"the database holds {len(names)} tables: {listed(names)}"
        raise ConfigError(message, where=f"{WHERE}.table", hint="name one of them")
    return names[0]


def warn_of_chance_order(settings: QueryOptions) -> None:
    """Say once that a query leaves the order of its rows to chance."""
    if settings.query is not None and not _ORDERED.search(settings.query):
        logger.warning(
            "the query has no ORDER BY: its rows may come in another order each time, and the split with them; "
            "add one, or name split.key_column"
        )
