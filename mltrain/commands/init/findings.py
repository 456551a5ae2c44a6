"""What a table suggests beyond the kinds of its columns: groups, times, a test file, a name for the project."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from mltrain.data import ColumnKind, Schema
from mltrain.data.text import decoded

_GROUP_NAME = re.compile(
    r"(?i:(^|[_ .-])(customer|client|user|patient|subject|person|household|account|member|group|session|device)s?"
    r"([_ .-]?(id|key|no|nr|number|uuid))?$|[_ .-](id|uuid|guid|key)$)|[a-z](Id|ID)$"
)
_FEWEST_GROUPS = 20
_FEWEST_ROWS_EACH = 1.2
_PARTS = {"train", "training", "data", "dataset", "rows", "table", "input"}


def find_groups(table: pa.Table, schema: Schema) -> tuple[str, ...]:
    """Return columns that are named like the key of something and whose values come back."""
    found = []
    for column in schema.columns:
        if column.kind in (ColumnKind.DROPPED, ColumnKind.DATE) or not _GROUP_NAME.search(column.name):
            continue
        values = decoded(table.column(column.name))
        if pa.types.is_floating(values.type):
            continue
        n_distinct = int(pc.count_distinct(values, mode="only_valid").as_py())
        if n_distinct >= _FEWEST_GROUPS and len(values) >= _FEWEST_ROWS_EACH * n_distinct:
            found.append(column.name)
    return tuple(found)


def find_times(schema: Schema) -> tuple[str, ...]:
    """Return columns of dates or times."""
    return tuple(column.name for column in schema.columns if column.kind is ColumnKind.DATE)


def find_test_file(source: str) -> str | None:
    """Return the file beside ``train.parquet`` that is called ``test.parquet``."""
    path = Path(source)
    stem = re.sub(r"train(ing)?", "test", path.stem, flags=re.IGNORECASE)
    beside = path.with_name(stem + path.suffix) if path.stem else path
    return beside.as_posix() if stem != path.stem and path.is_file() and beside.is_file() else None


def name_project(source: str) -> str:
    """Return a name for the project that trackers and folders accept, from the name of the source.

    Examples
    --------
    >>> name_project("data/adult/train.parquet"), name_project("example:churn"), name_project("Kunden 2024.csv")
    ('adult', 'churn', 'kunden-2024')
    """
    parts = [Path(part).stem for part in re.split(r"[/\\:]", source) if "*" not in part]
    slugs = [re.sub(r"[^a-z0-9_.-]+", "-", part.lower()).strip("-.") for part in reversed(parts)]
    return next((slug for slug in slugs if slug and slug not in _PARTS), "mltrain")
