"""Feast: rows from any other source, joined point in time to the features of a feature store (extra `feast`).

Feast itself runs in a process of its own, so that it may live in an environment with another pandas.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from mltrain.data.feast.options import FeastOptions
from mltrain.data.feast.process import Request
from mltrain.data.feast.retrieval import retrieve
from mltrain.data.joined import Joined
from mltrain.data.loading import load_table
from mltrain.data.options import checked_options
from mltrain.errors import DataError

PREFIX = "feast:"
CONFIG = "feature_store.yaml"


class FeastSource:
    """Reads ``feast:FOLDER``, a feature repository, for the rows that ``data.options.entities`` names."""

    name = "feast"
    options = FeastOptions

    def accepts(self, source: str) -> bool:
        """Say whether the source begins with ``feast:``."""
        return source.startswith(PREFIX)

    def load(self, source: str, options: Mapping[str, Any]) -> pa.Table:
        """Return the entities with the features asked for.

        Raises
        ------
        mltrain.errors.ConfigError
            An option is unknown or missing, or there is no such feature service, view or feature.
        mltrain.errors.DataError
            There is no such repository, or as `join`.
        """
        return self.load_joined(source, options).table

    def load_joined(self, source: str, options: Mapping[str, Any]) -> Joined:
        """Return what `load` returns, and what is known of the join."""
        settings = checked_options(FeastOptions, options, source=self.name)
        _repository(source)
        entities = settings.entity_source
        rows = load_table(entities.source, entities.format, entities.options)
        return self.join(rows, source, options, origin=entities.source)

    def time_column(self, options: Mapping[str, Any]) -> str:
        """Return the column of the time as of which features are looked up."""
        return checked_options(FeastOptions, options, source=self.name).timestamp_column

    def join(self, rows: pa.Table, source: str, options: Mapping[str, Any], *, origin: str) -> Joined:
        """Return rows with the features asked for, as they stood at each row's time.

        Raises
        ------
        mltrain.errors.MltrainError
            As `mltrain.data.feast.retrieval.retrieve`.
        """
        settings = checked_options(FeastOptions, options, source=self.name)
        request = Request(
            repo=str(_repository(source)),
            features=settings.features,
            time=settings.timestamp_column,
            full_names=settings.full_feature_names,
            leave_out_late=settings.late_rows == "leave_out",
            timeout_s=settings.timeout_s,
        )
        return retrieve(rows, request, origin=origin)


def _repository(source: str) -> Path:
    """Return the folder of a feature repository, whole, as another process starts elsewhere."""
    folder = Path(source.removeprefix(PREFIX)).expanduser().absolute()
    if not (folder / CONFIG).is_file():
        raise DataError(
            f"there is no feature repository {source!r}", where=str(folder / CONFIG), hint="name its folder"
        )
    return folder


SOURCE = FeastSource()
