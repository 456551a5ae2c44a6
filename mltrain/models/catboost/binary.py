"""A CatBoost model as bytes: the library's own format, without what differs from fit to fit."""

from __future__ import annotations

import json
from dataclasses import dataclass

from catboost import CatBoost, CatBoostError

_KEY = "mltrain"
# Time stamps, random ids, learning curves and the number of threads: the same model would have other bytes.
_VOLATILE = ("train_finish_time", "model_guid", "training", "params", "output_options")


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassCodes:
    """The class code of each output of a model, and how many classes there are in all."""

    seen: tuple[int, ...]
    n_classes: int


def seal(model: CatBoost, *, n_rounds: int, classes: tuple[int, ...], n_classes: int) -> CatBoost:
    """Return a copy of the first rounds that knows its classes; the copy holds nothing of the training data."""
    if n_rounds < model.tree_count_:
        model.shrink(n_rounds)
    metadata = model.get_metadata()
    for name in _VOLATILE:
        if name in metadata.keys():  # noqa: SIM118 - the library's proxy cannot be asked with `in`
            del metadata[name]
    metadata[_KEY] = json.dumps({"seen": classes, "n_classes": n_classes})
    return booster_of(bytes_of(model))


def class_codes(model: CatBoost) -> ClassCodes:
    """Return what `seal` wrote down."""
    said = json.loads(model.get_metadata()[_KEY])
    return ClassCodes(seen=tuple(said["seen"]), n_classes=said["n_classes"])


def bytes_of(model: CatBoost) -> bytes:
    """Return the library's binary format."""
    # The public `save_model` only writes files; `load_model` reads these bytes.
    return bytes(model._serialize_model())


def booster_of(data: bytes) -> CatBoost:
    """Rebuild a model.

    Raises
    ------
    ValueError
        The bytes are no CatBoost model, or one of somebody else's.
    """
    model = CatBoost()
    try:
        model.load_model(blob=data)
    except CatBoostError as error:
        raise ValueError(f"not a catboost model: {error}") from error
    if _KEY not in model.get_metadata().keys():  # noqa: SIM118 - as above
        raise ValueError("not a catboost model of mltrain: it does not say how many classes it has")
    return model
