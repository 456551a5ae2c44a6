"""Values that are fine alone and wrong together; each refusal names the key to change."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import NoReturn

from pydantic_core import PydanticCustomError

from mltrain.redaction import carries_secret

_WHERE_SECRETS_GO = (
    "leave it out and set what the driver reads (PGPASSWORD, ~/.pgpass, AWS_PROFILE, ...), or put the whole address of "
    "a database into a variable and write env:NAME"
)
KEEP_SECRETS_OUT = f"secrets stay out of the config: {_WHERE_SECRETS_GO}"
KEEP_SECRETS_UNTYPED = f"a command line is kept and shown in many places: {_WHERE_SECRETS_GO}"
_MODEL_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*")
_TAG_NAME = re.compile(r"[A-Za-z0-9_./-]{1,100}")
_MAX_TAG = 900


def refuse(message: str, *, key: str, hint: str) -> NoReturn:
    """Raise what pydantic collects as a problem of ``key``, a dotted path below the checked section."""
    raise PydanticCustomError("config", "{message}", {"message": message, "key": key, "hint": hint})


def check_roles(target: str | None, columns: Mapping[str, str], *, ids: tuple[str, ...], drop: tuple[str, ...]) -> None:
    """Refuse a column that is given two roles."""
    for key, names, kind in (("id_columns", ids, "id"), ("drop", drop, "dropped")):
        for name in names:
            if name == target:
                refuse(f"'{name}' is the target and stands in data.{key}", key=key, hint="remove it there")
            if columns.get(name, kind) != kind:
                message = f"'{name}' stands in data.{key} and is {columns[name]} in data.columns"
                refuse(message, key=key, hint="keep one of the two")
    both = [name for name in ids if name in drop]
    if both:
        refuse(f"'{both[0]}' stands in data.id_columns and in data.drop", key="drop", hint="keep one of the two")
    if target is not None and target in columns:
        refuse(f"'{target}' is the target and has no kind", key="columns", hint="remove it there")


def check_weights(weight: str | None, target: str | None, columns: Mapping[str, str]) -> None:
    """Refuse a column of weights that has another role."""
    if weight is not None and weight == target:
        refuse(
            f"'{weight}' is the target and stands in data.weight_column", key="weight_column", hint="remove it there"
        )
    if weight is not None and columns.get(weight, "dropped") != "dropped":
        message = f"'{weight}' stands in data.weight_column and is {columns[weight]} in data.columns"
        refuse(message, key="weight_column", hint="keep one of the two")


def check_addresses(**addresses: str | None) -> None:
    """Refuse an address that holds a secret; it is not shown."""
    for key, address in addresses.items():
        if address is not None and carries_secret(address):
            refuse(f"data.{key} holds a password or token", key=key, hint=KEEP_SECRETS_OUT)


def check_test_source(source: str | None, test_source: str | None) -> None:
    """Refuse to test on the very rows that are learnt from."""
    if source is not None and test_source is not None and posixpath.normpath(source) == posixpath.normpath(test_source):
        hint = "leave it out, and rows of data.source are held out; or name a file with other rows"
        refuse(
            "data.test_source is data.source: models would be tested on what they learn", key="test_source", hint=hint
        )


def check_split_columns(kind: str, *, group: str | None, time: str | None, key: str | None) -> None:
    """Refuse a split by groups, time or hash that does not say which column holds them."""
    if kind in ("group", "group_time") and group is None:
        refuse(f"split.kind {kind} needs split.group_column", key="kind", hint="name the column of the groups")
    if kind in ("time", "group_time") and time is None:
        refuse(
            f"split.kind {kind} needs split.time_column",
            key="kind",
            hint="name the column that orders the rows",
        )
    if kind == "hash" and group is None and key is None:
        hint = "name a column that identifies a row, or whom rows belong to"
        refuse("split.kind hash needs split.key_column or split.group_column", key="kind", hint=hint)


def check_cut_offs(kind: str, *, validation_from: date | datetime | None, test_from: date | datetime | None) -> None:
    """Refuse cut-offs that nothing reads or that are in the wrong order."""
    for key, moment in (("test_from", test_from), ("validation_from", validation_from)):
        if moment is not None and kind not in ("time", "group_time"):
            hint = "set split.kind to time and split.time_column"
            refuse(f"split.{key} needs a split by time, and split.kind is {kind}", key=key, hint=hint)
    if validation_from and test_from and _moment(validation_from) >= _moment(test_from):
        message = f"validation starts at {validation_from}, not before test at {test_from}"
        refuse(message, key="validation_from", hint="choose an earlier date")


def check_sizes(test: float, validation: float, *, calibration: float) -> None:
    """Refuse shares that leave no rows for training."""
    held_out = test + validation + calibration
    if held_out >= 1:
        message = f"test, validation and calibration take {held_out:.4g} of the rows, none are left for training"
        refuse(message, key="split.test_size", hint="choose smaller shares")


def check_model_name(name: str | None) -> None:
    """Refuse a name that cannot be a folder of the registry."""
    if name is not None and _MODEL_NAME.fullmatch(name) is None:
        refuse(f"registry.name '{name}' cannot name a folder", key="name", hint="use letters, digits, _, . and -")


def checked_tags(tags: dict[str, str]) -> dict[str, str]:
    """Return tags as they are, and refuse names and values that some tracker does not take."""
    for name, value in tags.items():
        if _TAG_NAME.fullmatch(name) is None or name.startswith("mltrain."):
            hint = "use letters, digits, _, -, . and /; names that begin with mltrain. are taken"
            refuse(f"{name!r} cannot name a tag", key=name, hint=hint)
        if not 0 < len(value) <= _MAX_TAG:
            refuse(f"tag '{name}' has {len(value)} characters", key=name, hint=f"use 1 to {_MAX_TAG}")
    return tags


def _moment(value: date | datetime) -> datetime:
    """Return a moment that compares with any other; a date is its midnight, no zone is UTC."""
    moment = value if isinstance(value, datetime) else datetime.combine(value, time())
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
