"""Delta tables: the newest version, one by its number, or that of a moment; the extra ``delta``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.dataset as ds
from pydantic import Field, model_validator

from mltrain.data.locations import DELTA_LOG, FileOptions, SourceFile
from mltrain.data.options import WHERE, checked_options
from mltrain.data.remote import one_line, refusal, refuse_secrets, scheme_of
from mltrain.errors import DataError, PluginError
from mltrain.plugins import install_extra

if TYPE_CHECKING:
    from deltalake import DeltaTable

PREFIX = "delta:"


class DeltaOptions(FileOptions):
    """Which version of a table, and settings of the store behind a URL."""

    version: int | None = Field(default=None, ge=0)
    """The number of a version; by default the newest one."""
    timestamp: datetime | date | None = None
    """A moment, instead of `version`: the version that was the newest then; without a zone in UTC."""

    @model_validator(mode="after")
    def _one_of_the_two(self) -> DeltaOptions:
        if self.version is not None and self.timestamp is not None:
            raise ValueError("version and timestamp are both given: keep one")
        return self


class DeltaSource:
    """Reads Delta tables on a disk or behind a URL."""

    name = "delta"
    options = DeltaOptions

    def accepts(self, source: str) -> bool:
        """Say whether the source begins with ``delta:``, or is a folder with a Delta log."""
        return source.startswith(PREFIX) or (scheme_of(source) is None and _has_log(source))

    def describe(self, source: str, options: Mapping[str, Any]) -> tuple[SourceFile, ...]:
        """Return the table and the version that would be read."""
        table = _open(source, checked_options(self.options, options, source=self.name))
        version = f"version {table.version()} of table {table.metadata().id}"
        return (SourceFile(path=source, size_bytes=-1, modified_ns=0, sha256="", version=version),)

    def load(self, source: str, options: Mapping[str, Any]) -> ds.Dataset:
        """Return the rows of one version, files in the order of their paths.

        Raises
        ------
        mltrain.errors.DataError
            No such table or version, or a table that the reader does not understand.
        mltrain.errors.ConfigError
            An option is unknown or has a wrong value.
        mltrain.errors.EnvironmentRefusal
            The store behind a URL refuses.
        """
        table = _open(source, checked_options(self.options, options, source=self.name))
        with _faults(source):
            found = table.to_pyarrow_dataset()
            files = sorted(found.get_fragments(), key=lambda file: file.path)
        # The log names the newest first until it is compacted: by path, a version reads the same every time.
        return ds.FileSystemDataset(files, found.schema, found.format, found.filesystem)


def _has_log(source: str) -> bool:
    """Say whether a folder on the disk holds a Delta log."""
    return (Path(source).expanduser() / DELTA_LOG).is_dir()


def _open(source: str, settings: DeltaOptions) -> DeltaTable:
    """Return the table at the version that is asked for."""
    try:
        from deltalake import DeltaTable  # noqa: PLC0415 - an extra
        from deltalake.exceptions import TableNotFoundError  # noqa: PLC0415 - the same
    except ImportError as error:
        message = f"data source 'delta' cannot be loaded: {error}"
        raise PluginError(message, where=source, hint=install_extra("delta")) from error
    address = source.removeprefix(PREFIX)
    refuse_secrets(address, settings.storage)
    place = address if scheme_of(address) is not None else str(Path(address).expanduser())
    storage = {name: str(value) for name, value in settings.storage.items()}
    with _faults(source):
        try:
            table = DeltaTable(place, storage_options=storage or None)
        except TableNotFoundError:
            raise DataError(f"there is no Delta table at {address!r}", where=source, hint="check data.source") from None
        if settings.version is not None:
            _load_version(table, settings.version, source=source)
        if settings.timestamp is not None:
            _load_moment(table, settings.timestamp, source=source)
    return table


def _load_version(table: DeltaTable, version: int, *, source: str) -> None:
    """Go to a version; one that there is not is refused, for which older libraries take the newest."""
    from deltalake.exceptions import DeltaError  # noqa: PLC0415 - an extra

    newest, reason = table.version(), "there is none of this number"
    try:
        table.load_as_version(version)
    except DeltaError as error:
        reason = one_line(error)
    if table.version() != version:
        hint = f"versions go from 0 to {newest}; the log of old ones may have been cleaned up"
        raise DataError(f"version {version} cannot be read: {reason}", where=f"{source}, {WHERE}.version", hint=hint)


def _load_moment(table: DeltaTable, moment: date, *, source: str) -> None:
    """Go to the version that was the newest at a moment; the first one is not taken for an earlier moment."""
    wanted = moment if isinstance(moment, datetime) else datetime.combine(moment, time())
    wanted = wanted if wanted.tzinfo else wanted.replace(tzinfo=UTC)
    # Asked of the newest version: of an older one, 1.6 tells the same history under wrong numbers.
    commits = {commit["version"]: commit for commit in table.history()}
    table.load_as_version(wanted)
    written = datetime.fromtimestamp(commits[table.version()]["timestamp"] / 1000, tz=UTC)
    if written > wanted:
        hint = f"the oldest version that is left was written {written.isoformat(timespec='seconds')}"
        raise DataError(f"there was no table at {wanted.isoformat()}", where=f"{source}, {WHERE}.timestamp", hint=hint)


@contextmanager
def _faults(source: str) -> Iterator[None]:
    """Turn what the library raises inside the block into errors of ours."""
    from deltalake.exceptions import DeltaError  # noqa: PLC0415 - an extra

    try:
        yield
    except DeltaError as error:
        hint = "check data.source and data.options"
        raise DataError(f"the Delta table cannot be read: {one_line(error)}", where=source, hint=hint) from None
    except OSError as error:
        raise refusal(source.removeprefix(PREFIX), error) from None


SOURCE = DeltaSource()
