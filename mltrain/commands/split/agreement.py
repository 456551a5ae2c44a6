"""Whether the source stayed as it is while it was read: two passes over other rows would make a split that leaks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pyarrow as pa

from mltrain.commands.split.sources import describe_sources
from mltrain.config import Config
from mltrain.data.fingerprints import Fingerprint
from mltrain.data.locations import SourceFile, is_untouched, same_files
from mltrain.errors import DataError


class Seen:
    """What a pass over the rows saw of the columns that decide where they go.

    Parameters
    ----------
    schema : pyarrow.Schema
        These columns.
    """

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._fingerprint = Fingerprint(schema)

    def add(self, rows: pa.RecordBatch) -> None:
        """Add the rows that come next; other columns of theirs do not count."""
        self._fingerprint.add(pa.table(rows.select(self._schema.names)))

    def anew(self) -> Seen:
        """Return what another pass begins with."""
        return Seen(self._schema)

    def is_same(self, other: Seen) -> bool:
        """Say whether another pass saw the same rows in the same order."""
        return self._fingerprint.hexdigest() == other._fingerprint.hexdigest()


@contextmanager
def no_file_written_meanwhile(before: Sequence[SourceFile], config: Config) -> Iterator[None]:
    """Refuse what the block made of the sources if a file of theirs has other contents by its end.

    Files that came since do not matter, as they are not read; nor do newer versions of a table, as the version that is
    read stays as it is.

    Raises
    ------
    mltrain.errors.DataError
        A file has changed; also instead of the error that this led to.
    """
    try:
        yield
    except DataError as error:
        changed = _changed(before, config)
        if changed:
            raise source_changed(changed[0]) from error
        raise
    changed = _changed(before, config)
    if changed:
        raise source_changed(changed[0])


def source_changed(where: str) -> DataError:
    """Return the error for a source that another program writes to."""
    hint = "split again when nothing writes to it, or name a copy of it; nothing was written"
    return DataError("the source changed while it was read", where=where, hint=hint)


def _changed(before: Sequence[SourceFile], config: Config) -> list[str]:
    """Return the files that are not what they were."""
    files = [file for file in before if not is_untouched(file)]
    if not files:
        return []
    now = {file.path: file for file in describe_sources(config)}
    return [file.path for file in files if file.path not in now or not same_files([file], [now[file.path]])]
