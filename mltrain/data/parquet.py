"""Parquet: a file, a folder (hive partitions become columns) or a glob, on a disk or behind a URL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from mltrain.data.data_file import DataFile
from mltrain.data.file_dataset import named_files, open_dataset, readable
from mltrain.data.locations import FileOptions, SourceFile, describe_files, has_suffix, leads_to
from mltrain.data.options import checked_options
from mltrain.data.remote import is_nameless_store

SUFFIXES = (".parquet", ".parq", ".pq")


class ParquetSource:
    """Reads Parquet files."""

    name = "parquet"
    options = FileOptions

    def accepts(self, source: str) -> bool:
        """Say whether the source is named like Parquet, leads to it, or is a URL whose name says nothing."""
        return has_suffix(source, SUFFIXES) or leads_to(source, SUFFIXES) or is_nameless_store(source)

    def describe(self, source: str, options: Mapping[str, Any]) -> tuple[SourceFile, ...]:
        """Return the files as they are now; empty where a store says too little of them."""
        return describe_files(source, storage=checked_options(self.options, options, source=self.name).storage)

    def load(self, source: str, options: Mapping[str, Any]) -> ds.Dataset:
        """Return all files in the order of their paths; types are widened where files differ.

        Raises
        ------
        mltrain.errors.DataError
            No file, an unreadable one, or columns that differ; names the file.
        mltrain.errors.ConfigError
            An option is unknown or has a wrong value.
        mltrain.errors.EnvironmentRefusal
            The disk, or the store behind a URL, refuses.
        """
        files = named_files(source, options, plugin=self.name, suffixes=SUFFIXES)
        return open_dataset(files, format=ds.ParquetFileFormat(), read_schema=stored_schema)


def stored_schema(file: DataFile) -> pa.Schema:
    """Return the columns that are stored in one file.

    Raises
    ------
    mltrain.errors.MltrainError
        See `mltrain.data.file_dataset.readable`.
    """
    with readable(file, kind="Parquet"), file.open() as opened:
        return pq.read_schema(opened)


SOURCE = ParquetSource()
