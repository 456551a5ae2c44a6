"""What each column means: inferred from its type, its values and its name, unless the config says."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from mltrain.data import Column, ColumnKind, Trait
from mltrain.data.moments import holds_moments
from mltrain.data.nearest import suggest
from mltrain.data.text import NUMBER, decoded, holds_numbers, is_missing, is_text, matches
from mltrain.data.writings import DECIMAL_COMMA, DECORATED, OTHER_DATE
from mltrain.errors import ConfigError, DataError

ID_NAME = re.compile(
    r"^(row|index|idx|id|uuid|guid|key|rowid)$"
    r"|[_ .-](id|uuid|guid|key|index|idx)$|^(id|uuid|row|index)[_ .-]|[a-z](Id|ID|Uuid|UUID)$"
    r"|^row_?(number|num|no|nr)$",
)
UNNAMED = re.compile(r"^$|^unnamed: ?\d+$|^__index_level_\d+__$", re.IGNORECASE)  # as pandas saves its index
FROM_CONFIG = "from the config"
MANY_NUMBERS = 20
FEW_ROWS = 20
ALMOST_ALL = 0.95
ENOUGH_FOR_ALMOST = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Roles:
    """What the config says of columns.

    Attributes
    ----------
    overrides : mapping of str to str
        Kinds of single columns.
    """

    target: str
    overrides: Mapping[str, str]
    ids: Sequence[str] = ()
    drop: Sequence[str] = ()
    group: str | None = None
    time: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Inference:
    """How a column is used, and why."""

    kind: ColumnKind
    reason: str
    trait: Trait | None = None


def infer_columns(
    table: pa.Table,
    *,
    target: str,
    overrides: Mapping[str, str],
    ids: Sequence[str] = (),
    drop: Sequence[str] = (),
    group: str | None = None,
    time: str | None = None,
) -> tuple[Column, ...]:
    """Return the role of every column but the target, in source order.

    Parameters
    ----------
    table : pyarrow.Table
        The rows that training may see.
    overrides : mapping of str to str
        Kinds of single columns, from the config.
    ids, drop : sequence of str
        Columns the config calls ids, or wants left out.
    group, time : str, optional
        Columns the split respects; a group is an id, a time stays a feature.

    Raises
    ------
    mltrain.errors.DataError
        The config names a column that does not exist.
    mltrain.errors.ConfigError
        The config gives the target another role.
    """
    roles = Roles(target=target, overrides=overrides, ids=ids, drop=drop, group=group, time=time)
    _check_names(table.column_names, roles)
    columns = []
    for name in table.column_names:
        if name != target:
            found = _configured(name, roles) or _inferred(name, table.column(name))
            kind = str(table.schema.field(name).type)
            columns.append(Column(name=name, kind=found.kind, arrow_type=kind, reason=found.reason, trait=found.trait))
    return tuple(columns)


def _check_names(names: Sequence[str], roles: Roles) -> None:
    """Refuse roles of columns that do not exist, or of the target."""
    named = [
        *((f"data.columns.{name}", name) for name in roles.overrides),
        *(("data.id_columns", name) for name in roles.ids),
        *(("data.drop", name) for name in roles.drop),
        *(("split.group_column", name) for name in (roles.group,) if name is not None),
        *(("split.time_column", name) for name in (roles.time,) if name is not None),
    ]
    for key, name in named:
        if name == roles.target:
            raise ConfigError(f"column {name!r} is the target and can have no other role", where=key)
        if name not in names:
            raise DataError(f"there is no column {name!r}", where=key, hint=suggest(name, names))


def _configured(name: str, roles: Roles) -> Inference | None:
    """Return the kind that the config gives a column, or None."""
    if name in roles.drop:
        return Inference(kind=ColumnKind.DROPPED, reason=FROM_CONFIG)
    if name in roles.ids:
        return Inference(kind=ColumnKind.ID, reason=FROM_CONFIG)
    if name in roles.overrides:
        return Inference(kind=ColumnKind(roles.overrides[name]), reason=FROM_CONFIG)
    if name == roles.group:
        return Inference(kind=ColumnKind.ID, reason="the group column")
    return None


def _inferred(name: str, column: pa.ChunkedArray) -> Inference:
    """Return the kind that a column's type, values and name suggest."""
    values = decoded(column)
    kind = values.type
    is_feature = _is_number(kind) or _is_moment(kind) or is_text(kind) or pa.types.is_boolean(kind)
    if not is_feature and not pa.types.is_null(kind):
        reason = f"values of type {kind} cannot be learnt from"
        return Inference(kind=ColumnKind.DROPPED, reason=reason, trait=Trait.UNUSABLE)
    filled = values.filter(pa.array(~is_missing(values)))
    if len(filled) == 0:
        return _without_information("all values are missing")
    if len(filled) == len(values) > 1 and _is_constant(values):
        return _without_information("all values are the same")
    is_countable = is_text(kind) or pa.types.is_integer(kind)
    is_unnamed = UNNAMED.search(name) is not None
    said = _differing(filled, n_rows=len(values)) if is_countable and (is_unnamed or ID_NAME.search(name)) else None
    if said is not None:
        reason = "unnamed column, looks like a saved index" if is_unnamed else "named like an id"
        return Inference(kind=ColumnKind.ID, reason=f"{reason}, and {said}", trait=Trait.NAMED_ID)
    return _inferred_text(filled) if is_text(kind) else kind_of_type(kind)


def _differing(values: pa.ChunkedArray, *, n_rows: int) -> str | None:
    """Say that all values differ, or almost all of many: rows that came twice make an id no feature."""
    n_distinct = _n_distinct(values)
    if n_distinct == n_rows > 1:
        return "all values differ"
    return "almost all values differ" if n_distinct > ALMOST_ALL * n_rows and n_rows >= ENOUGH_FOR_ALMOST else None


def _without_information(reason: str) -> Inference:
    """Return a column of one value or none."""
    return Inference(kind=ColumnKind.DROPPED, reason=reason, trait=Trait.CONSTANT)


def _is_constant(values: pa.ChunkedArray) -> bool:
    """Say whether all values are the same; the first few mostly tell."""
    return _n_distinct(values.slice(0, FEW_ROWS)) == 1 and _n_distinct(values) == 1


def _n_distinct(values: pa.ChunkedArray) -> int:
    """Return the number of different values."""
    return int(pc.count_distinct(values).as_py())


def kind_of_type(kind: pa.DataType) -> Inference:
    """Return the kind of a column that is no text."""
    if pa.types.is_boolean(kind):
        return Inference(kind=ColumnKind.BOOLEAN, reason="true or false")
    if _is_moment(kind):
        return Inference(kind=ColumnKind.DATE, reason="dates or times")
    return Inference(kind=ColumnKind.NUMERIC, reason="numbers")


def _inferred_text(values: pa.ChunkedArray) -> Inference:
    """Return the kind of a column of text, of which there is some."""
    n_distinct = _n_distinct(values)
    if n_distinct > MANY_NUMBERS and holds_numbers(values):
        return Inference(kind=ColumnKind.NUMERIC, reason="numbers stored as text", trait=Trait.NUMBERS_AS_TEXT)
    if holds_moments(values):
        return Inference(kind=ColumnKind.DATE, reason="dates stored as text", trait=Trait.MOMENTS_AS_TEXT)
    said = _differing(values, n_rows=len(values)) if len(values) >= FEW_ROWS else None
    if said is not None:
        writing = _writing(values)
        trait = Trait.WRITTEN_OTHERWISE if writing else Trait.DISTINCT
        return Inference(kind=ColumnKind.ID, reason=f"{writing}{said}", trait=trait)
    if not pc.any(pc.not_equal(pc.utf8_trim_whitespace(values), "")).as_py():
        return _without_information("all values are blank")
    return Inference(kind=ColumnKind.CATEGORY, reason=f"text with {n_distinct} values")


def _writing(values: pa.ChunkedArray) -> str:
    """Say how numbers or dates are written that are read as text; nothing where the text is none."""
    if matches(values, rf"{NUMBER}|{DECORATED}|{DECIMAL_COMMA}"):
        return "numbers written with units, commas or separators: "
    return "dates that are not ISO 8601: " if matches(values, OTHER_DATE) else ""


def _is_number(kind: pa.DataType) -> bool:
    """Say whether a type becomes a number; times of day and durations do."""
    types = pa.types
    return bool(
        types.is_integer(kind)
        or types.is_floating(kind)
        or types.is_decimal(kind)
        or types.is_time(kind)
        or types.is_duration(kind)
    )


def _is_moment(kind: pa.DataType) -> bool:
    """Say whether a type holds dates or timestamps."""
    return bool(pa.types.is_date(kind) or pa.types.is_timestamp(kind))
