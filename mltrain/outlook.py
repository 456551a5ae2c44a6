"""What a training session is about to need of memory, said before a row is encoded."""

from __future__ import annotations

from collections.abc import Mapping

from mltrain.config import Config
from mltrain.data import Schema
from mltrain.development import validation_kind
from mltrain.events import Listener, Notice
from mltrain.jobs import is_large
from mltrain.memory import available_bytes
from mltrain.models import ModelFamily
from mltrain.sizing import Load, look_ahead


def fit_into_memory(
    config: Config,
    schema: Schema,
    families: Mapping[str, ModelFamily],
    *,
    n_train: int,
    n_validation: int,
    listener: Listener,
) -> Config:
    """Say what training needs and what there is, and return the config with as many rows in the search as fit.

    The number stays in the config that runs record, so that `reproduce` fits the same rows where there is more memory.

    Parameters
    ----------
    n_train, n_validation : int
        Rows of each split.

    Raises
    ------
    mltrain.errors.EnvironmentRefusal
        There is too little for the final fit on all rows.
    """
    available = available_bytes()
    if config.train.max_memory_gb is not None:
        available = min(available, int(config.train.max_memory_gb * 1e9))
    is_holdout = validation_kind(config.train, n_train=n_train) == "holdout"
    load = Load(
        schema=schema,
        n_rows=n_train + n_validation,
        n_validation=n_validation if is_holdout else n_train + n_validation,
        most_rows=min(config.train.search_rows or n_train, n_train),
        families=families,
        n_folds=1 if is_holdout else config.train.n_folds,
        one_at_a_time=is_large(schema, n_train + n_validation),
    )
    outlook = look_ahead(load, available_bytes=available)
    if outlook.search_rows is None:
        listener(Notice(message=str(outlook), level="info"))
        return config
    listener(Notice(message=str(outlook)))
    return config.model_copy(update={"train": config.train.model_copy(update={"search_rows": outlook.search_rows})})
