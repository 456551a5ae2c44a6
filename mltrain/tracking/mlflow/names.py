"""Names in the signs that MLflow allows; a tag of the run notes what each changed one was, so that it comes back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TypeVar

_PREFIX = "mltrain.name."
_OF_MLFLOW = "mlflow."

_Value = TypeVar("_Value")


def key_of(name: str) -> str:
    """Return a name with the signs that MLflow allows in one."""
    return re.sub(r"[^/\w.\- :]", "_", name)


def notes_on(names: Iterable[str]) -> dict[str, str]:
    """Return the tags that say what the names were, of those that are changed."""
    return {_PREFIX + key_of(name): name for name in names if key_of(name) != name}


def as_logged(values: Mapping[str, _Value], tags: Mapping[str, str]) -> dict[str, _Value]:
    """Return values under the names they were logged with."""
    return {tags.get(_PREFIX + key, key): value for key, value in values.items()}


def own_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Return the tags that were set, without MLflow's and without notes on names."""
    return {name: value for name, value in tags.items() if not name.startswith((_OF_MLFLOW, _PREFIX))}
