"""The one JSON document that ``--json`` puts on stdout, made from any result record or error."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from enum import Enum
from pathlib import PurePath
from typing import Any

from mltrain.errors import MltrainError
from mltrain.redaction import without_secrets

SCHEMA = 1


def document(command: str, outcome: object) -> str:
    """Return the document for a result record or an error, as indented JSON without a line end.

    Parameters
    ----------
    command : str
        What the user asked for, such as ``train`` or ``runs ls``.
    outcome : object
        A result record (a dataclass; its field names become the keys of ``data``) or an exception.

    Examples
    --------
    >>> import json
    >>> from mltrain.errors import DataError
    >>> json.loads(document("split", DataError("the table is empty")))["errors"][0]["code"]
    'data_error'
    """
    failed = isinstance(outcome, BaseException)
    envelope = {
        "schema": SCHEMA,
        "command": command,
        "status": status(outcome),
        "data": None if failed else _data(outcome),
        "errors": [_error(outcome)] if isinstance(outcome, BaseException) else [],
    }
    return json.dumps(envelope, indent=2, ensure_ascii=False, allow_nan=False)


def status(outcome: object) -> str:
    """Return ``ok``, ``refused`` (a verdict said no) or ``error``."""
    if isinstance(outcome, BaseException):
        return "error"
    return {0: "ok", 4: "refused"}.get(exit_code(outcome), "error")


def exit_code(result: object) -> int:
    """Return the exit code that a result record asks for; 0 where it does not say."""
    return int(getattr(result, "exit_code", 0))


def jsonable(value: object) -> Any:
    """Return a value as JSON types; numbers that JSON lacks (NaN, infinity) become null.

    Raises
    ------
    TypeError
        Nobody said how such a value looks in JSON.
    """
    if value is None or isinstance(value, bool | int | str):
        return value.value if isinstance(value, Enum) else value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: jsonable(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {_key(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, Iterable) and not hasattr(value, "dtype"):
        return [jsonable(item) for item in value]
    return _foreign(value)


def _data(result: object) -> Any:
    """Return the keys of ``data``; the exit code is told by ``status``."""
    plain = jsonable(result)
    return {key: value for key, value in plain.items() if key != "exit_code"} if isinstance(plain, dict) else plain


def _foreign(value: object) -> Any:
    """Return what is not of JSON's own kinds: enums, paths, moments, NumPy's scalars and arrays."""
    if isinstance(value, Enum):
        return jsonable(value.value)
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, date):  # datetime is one too
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if hasattr(value, "tolist"):  # NumPy, which printing a document must not import
        return jsonable(value.tolist())
    raise TypeError(f"no JSON form of a {type(value).__name__}")


def _key(key: object) -> str:
    """Return a mapping's key as text."""
    plain = jsonable(key)
    return plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False)


def _error(error: BaseException) -> dict[str, str | None]:
    """Return the entry of ``errors`` for an exception."""
    code = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(error).__name__).lower()
    if isinstance(error, MltrainError):
        told = {"message": error.message, "where": error.where, "hint": error.hint}
    else:
        code, told = "internal_error", {"message": f"{code}: {error}", "where": None, "hint": None}
    return {"code": code} | {key: text and without_secrets(text) for key, text in told.items()}
