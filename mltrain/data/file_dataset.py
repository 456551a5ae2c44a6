"""Files of one format as one dataset: the columns of the first, types widened where files differ, rows on the disk."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds

from mltrain.data.data_file import DataFile
from mltrain.data.folders import expression, folder_values, with_folders
from mltrain.data.locations import FileOptions, require_files
from mltrain.data.options import checked_options
from mltrain.data.read_faults import read_faults
from mltrain.data.stacking import unified_schema
from mltrain.errors import DataError


def open_dataset(
    files: Sequence[DataFile],
    *,
    format: ds.FileFormat,  # noqa: A002
    read_schema: Callable[[DataFile], pa.Schema],
) -> ds.Dataset:
    """Return files in their order, with the columns that their folders name.

    Parameters
    ----------
    files : sequence of DataFile, at least one, of one file system
    read_schema : callable
        Returns the columns stored in a file.

    Raises
    ------
    mltrain.errors.DataError
        Columns differ; names the file.
    """
    stored = [read_schema(file) for file in files]
    folders = folder_values(files, stored)
    schema = unified_schema(
        [with_folders(*pair) for pair in zip(stored, folders, strict=True)],
        origins=[file.name for file in files],
    )
    return ds.FileSystemDataset.from_paths(
        [file.path for file in files],
        schema=schema,
        format=format,
        filesystem=files[0].filesystem,
        partitions=[expression(values, schema) for values in folders],
    )


def named_files(
    source: str, options: Mapping[str, Any], *, plugin: str, suffixes: Sequence[str]
) -> tuple[DataFile, ...]:
    """Return the files behind a source whose plug-in has the options of files alone.

    Parameters
    ----------
    plugin : str
        Its name.

    Raises
    ------
    mltrain.errors.DataError
        There are none, or all are empty.
    mltrain.errors.ConfigError
        An option is unknown or has a wrong value.
    mltrain.errors.EnvironmentRefusal
        The disk, or the store behind a URL, refuses.
    """
    settings = checked_options(FileOptions, options, source=plugin)
    return require_files(source, suffixes, storage=settings.storage)


def readable(file: DataFile, *, kind: str) -> AbstractContextManager[None]:
    """Return what turns errors while a file is read into ones that name it; see `mltrain.data.read_faults`.

    Parameters
    ----------
    kind : str
        What the file should be, for the message.
    """
    return read_faults(file.name, is_remote=file.is_remote, unreadable=partial(_unreadable, file, kind=kind))


def _unreadable(file: DataFile, error: Exception, *, kind: str) -> DataError:
    """Return the error for a file that Arrow cannot read."""
    reason = str(error).rstrip(".")
    hint = f"it may be cut off or something else than {kind}: write it again"
    return DataError(f"not a readable {kind} file: {reason}", where=file.name, hint=hint)
