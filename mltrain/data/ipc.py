"""Arrow IPC (Feather): a file, a folder (hive partitions become columns) or a glob, on a disk or behind a URL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds

from mltrain.data import Rows
from mltrain.data.data_file import DataFile
from mltrain.data.file_dataset import named_files, open_dataset, readable
from mltrain.data.locations import FileOptions, SourceFile, describe_files, has_suffix, leads_to
from mltrain.data.options import checked_options
from mltrain.data.stacking import stack_tables

SUFFIXES = (".arrow", ".feather", ".ipc", ".arrows")
MAGIC = b"ARROW1"


class IpcSource:
    """Reads Arrow IPC files, and the streaming form of the format."""

    name = "ipc"
    options = FileOptions

    def accepts(self, source: str) -> bool:
        """Say whether the source is named like Arrow IPC, or is a folder or glob that leads to it."""
        return has_suffix(source, SUFFIXES) or leads_to(source, SUFFIXES)

    def describe(self, source: str, options: Mapping[str, Any]) -> tuple[SourceFile, ...]:
        """Return the files as they are now; empty where a store says too little of them."""
        return describe_files(source, storage=checked_options(self.options, options, source=self.name).storage)

    def load(self, source: str, options: Mapping[str, Any]) -> Rows:
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
        if all(_is_file_format(file) for file in files):
            return open_dataset(files, format=ds.IpcFileFormat(), read_schema=_stored_schema)
        # A stream can be read from its beginning alone, and by no dataset.
        return stack_tables([_read(file) for file in files], origins=[file.name for file in files])


def _is_file_format(file: DataFile) -> bool:
    """Say whether a file can be read anywhere in it, not as a stream alone."""
    with readable(file, kind="Arrow IPC"), file.open() as opened:
        return bool(opened.read(len(MAGIC)) == MAGIC)


def _stored_schema(file: DataFile) -> pa.Schema:
    """Return the columns that are stored in one file."""
    with readable(file, kind="Arrow IPC"), file.open() as opened, pa.ipc.open_file(opened) as reader:
        return reader.schema


def _read(file: DataFile) -> pa.Table:
    """Return the rows of one file of either form."""
    open_reader = pa.ipc.open_file if _is_file_format(file) else pa.ipc.open_stream
    with readable(file, kind="Arrow IPC"), file.open() as opened, open_reader(opened) as reader:
        return reader.read_all().replace_schema_metadata(None)


SOURCE = IpcSource()
