"""Tables with named roles: what is loaded, what each column means, what is predicted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

import pyarrow as pa

if TYPE_CHECKING:
    from pyarrow.dataset import Dataset  # costs 0.3 s to import, which only those who read rows should pay

    from mltrain.data.locations import SourceFile

Label: TypeAlias = str | int | float | bool
Rows: TypeAlias = "pa.Table | Dataset"
"""Rows of a source: in memory, or on a disk and read some at a time; see `mltrain.data.rows`."""


class ColumnKind(StrEnum):
    """How a column is used."""

    NUMERIC = "numeric"
    BOOLEAN = "boolean"
    CATEGORY = "category"
    DATE = "date"
    ID = "id"
    DROPPED = "dropped"


class Trait(StrEnum):
    """What the values of a column gave away, on which other things than its kind depend."""

    CONSTANT = "constant"
    """One value, or none."""
    UNUSABLE = "unusable"
    """Of a type that cannot be learnt from."""
    NAMED_ID = "named_id"
    """All differ, or almost all, and its name is an id's."""
    DISTINCT = "distinct"
    """All differ, or almost all."""
    WRITTEN_OTHERWISE = "written_otherwise"
    """The same, and each is a number or a date in a form that is not read."""
    NUMBERS_AS_TEXT = "numbers_as_text"
    MOMENTS_AS_TEXT = "moments_as_text"


FEATURE_KINDS = (ColumnKind.NUMERIC, ColumnKind.BOOLEAN, ColumnKind.CATEGORY, ColumnKind.DATE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """One column that is not the target.

    Attributes
    ----------
    arrow_type : str
        Text of the Arrow type it had in the source.
    reason : str
        Why it has this kind, in a few words for people ("all values differ", "from the config").
    trait : Trait, optional
        What its values gave away, where that is why; records of older versions do not say.
    """

    name: str
    kind: ColumnKind
    arrow_type: str
    reason: str = ""
    trait: Trait | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """What is predicted.

    Attributes
    ----------
    classes : tuple of labels
        In the order of the class codes. Two classes: (negative, positive), so code 1 is the positive one.
        More: sorted.
    """

    name: str
    classes: tuple[Label, ...]

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.classes)

    @property
    def positive(self) -> Label | None:
        """The positive class of two, else None."""
        return self.classes[1] if self.n_classes == 2 else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Schema:
    """The columns and the target that a split was made with and a model was trained on."""

    columns: tuple[Column, ...]
    target: Target
    group: str | None = None
    time: str | None = None

    @property
    def features(self) -> tuple[Column, ...]:
        """The columns a model learns from, in source order."""
        return tuple(c for c in self.columns if c.kind in FEATURE_KINDS)

    @property
    def ids(self) -> tuple[str, ...]:
        """Names of the id columns, which `predict` carries along."""
        return tuple(c.name for c in self.columns if c.kind is ColumnKind.ID)


@runtime_checkable
class DataSource(Protocol):
    """Where tables come from. One file per source, registered under ``mltrain.sources``."""

    name: str

    def accepts(self, source: str) -> bool:
        """Say whether a plain string in ``data.source`` (a path, a glob, a URL) is for this source."""
        ...

    def load(self, source: str, options: Mapping[str, Any]) -> Rows:
        """Return all rows: a table, or a ``pyarrow.dataset.Dataset`` where they can stay on the disk until read.

        Batches of a dataset come in the same order whenever it is scanned, and it can be scanned more than once.

        Raises
        ------
        mltrain.errors.DataError
            Missing, empty or unreadable; names the file.
        mltrain.errors.ConfigError
            An option is unknown.
        """
        ...


@runtime_checkable
class StreamingSource(Protocol):
    """A source whose rows are in no dataset and need not all be in memory: `predict` reads them as they come."""

    def stream(self, source: str, options: Mapping[str, Any]) -> pa.RecordBatchReader:
        """Return the rows of `load` in the same order, some at a time; raises as `load`, also while they are read."""
        ...


@runtime_checkable
class DescribingSource(Protocol):
    """A source that can tell cheaply whether its rows are still the same; others are read again and compared."""

    def describe(self, source: str, options: Mapping[str, Any]) -> tuple[SourceFile, ...]:
        """Return what the rows come from as it is now, without reading them; empty where nothing can be told."""
        ...
