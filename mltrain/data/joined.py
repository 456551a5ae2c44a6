"""Rows with features joined to them, and what is known of the join."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import pyarrow as pa

from mltrain.data import DataSource


@dataclass(frozen=True, kw_only=True, slots=True)
class JoinReport:
    """What became of the rows when one dated table was joined to them.

    Attributes
    ----------
    origin : str
        What the user calls the table: its source, or the name of a feature view.
    n_rows : int
        Rows that features were looked for.
    n_matched : int
        Rows that found some.
    n_too_old : int
        Rows for which there was something earlier, but nothing young enough.
    n_undated : int
        Rows of the table without a time: nobody can say since when they hold, so they are never used.
    n_late : int, optional
        Rows that found something written after their own time (without ``late_rows: leave_out``: and use it);
        None where nothing says when rows were written.
    first_late : int, optional
        Position of the first of them.
    uses_late : bool
        Whether they use it.
    n_tied : int
        Rows that found several of one key and one time.
    tie_rule : str
        Which of them is used, in words.
    """

    origin: str
    columns: tuple[str, ...]
    n_rows: int
    n_matched: int
    n_too_old: int = 0
    n_undated: int = 0
    n_late: int | None = None
    first_late: int | None = None
    uses_late: bool = True
    n_tied: int = 0
    tie_rule: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Joined:
    """Rows of a source with the features that the config joins to them.

    Attributes
    ----------
    reports : tuple of JoinReport
        One for each table joined; empty where nothing was.
    """

    table: pa.Table
    reports: tuple[JoinReport, ...] = ()


@runtime_checkable
class JoiningSource(DataSource, Protocol):
    """A source that can join its features to rows that come from elsewhere: a feature store."""

    def load_joined(self, source: str, options: Mapping[str, Any]) -> Joined:
        """Return the rows that the options name, with features; what `load` returns, and what is known of it."""
        ...

    def time_column(self, options: Mapping[str, Any]) -> str:
        """Return the column of the time as of which features are looked for."""
        ...

    def join(self, rows: pa.Table, source: str, options: Mapping[str, Any], *, origin: str) -> Joined:
        """Return rows with the features that the options name, as they stood at each row's time.

        Parameters
        ----------
        origin : str
            What the user calls the rows, for messages.

        Raises
        ------
        mltrain.errors.DataError
            A row was lost, or lacks what features are looked for by.
        """
        ...
