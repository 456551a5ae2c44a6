"""Files behind a path, a folder, a glob or a URL, and what they looked like when they were read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyarrow import fs
from pydantic import Field

from mltrain import files as disk
from mltrain.data.data_file import DataFile
from mltrain.data.options import SourceOptions
from mltrain.data.remote import MAGIC, list_files, scheme_of
from mltrain.errors import DataError, EnvironmentRefusal

DELTA_LOG = "_delta_log"
NO_ROWS_HINT = "write it again, or name another source"
NO_STORAGE: Mapping[str, Any] = {}


class FileOptions(SourceOptions):
    """What all sources that read files can be told."""

    storage: dict[str, Any] = Field(default_factory=dict)
    """Settings of the store behind a URL, such as `endpoint_url` or `anon` for `s3://`; no secrets."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceFile:
    """What rows came from, as it was then: a file, or a table that counts its versions.

    Attributes
    ----------
    path : str
        Path, URL, or what else names it.
    size_bytes : int
        -1 of a table.
    sha256 : str
        Of a local file; empty where ``version`` tells the contents apart.
    version : str
        What the store says: an ETag, a generation, the version of a table.
    """

    path: str
    size_bytes: int
    modified_ns: int
    sha256: str
    version: str = ""


def has_suffix(source: str, suffixes: Sequence[str]) -> bool:
    """Say whether a path, a glob or a URL ends like one of ``suffixes``, whatever its case."""
    path = source.partition("?")[0] if scheme_of(source) in ("http", "https") else source
    return path.casefold().endswith(tuple(suffixes))


def leads_to(source: str, suffixes: Sequence[str]) -> bool:
    """Say whether a source is a folder or glob on the disk that leads to files with one of ``suffixes``."""
    return scheme_of(source) is None and not Path(source).is_file() and bool(find_files(source, suffixes))


def begins_with(source: str, magic: bytes, *, at: int = 0) -> bool:
    """Say whether a source is a file on the disk that holds these bytes at its beginning, whatever its name."""
    try:
        path = Path(source).expanduser()
        if not path.is_file():  # a pipe would lose what is read of it
            return False
        with path.open("rb") as opened:
            return opened.read(at + len(magic))[at:] == magic
    except (OSError, ValueError, RuntimeError):  # the last for the home of an account that is not there
        return False


def find_files(
    source: str, suffixes: Sequence[str] = ("",), *, storage: Mapping[str, Any] = NO_STORAGE
) -> tuple[DataFile, ...]:
    """Return the files behind a source in the order of their paths; empty when there are none.

    A folder stands for all its files with one of ``suffixes``, at any depth; names that begin with ``.`` or
    ``_`` are left out, as other tools keep their records there.

    Raises
    ------
    mltrain.errors.MltrainError
        The store behind a URL refuses; see `mltrain.data.remote.list_files`.
    """
    if scheme_of(source) is not None:
        return list_files(source, suffixes, storage=storage)
    path = Path(source).expanduser()
    if path.is_file():
        return (_local(path, path.parent),)
    if path.is_dir():
        return _below(path, "**/*", suffixes)
    if MAGIC.search(source):
        folder = _fixed_folder(path)
        return _below(folder, str(path.relative_to(folder)), suffixes)
    return ()


def require_files(
    source: str, suffixes: Sequence[str], *, storage: Mapping[str, Any] = NO_STORAGE
) -> tuple[DataFile, ...]:
    """Return the files behind a source.

    Raises
    ------
    mltrain.errors.DataError
        There are none, or all are empty.
    mltrain.errors.EnvironmentRefusal
        The disk, or the store behind a URL, refuses.
    """
    if scheme_of(source) is None and (Path(source).expanduser() / DELTA_LOG).is_dir():
        hint = f"write delta:{source}: its folder holds rows of older versions too"
        raise DataError(f"{source!r} is a Delta table", where=source, hint=hint)
    try:
        files = find_files(source, suffixes, storage=storage)
    except OSError as error:
        raise EnvironmentRefusal(f"cannot read {source!r}: {error.strerror}", where=source) from error
    if not files:
        raise _nothing_there(source, suffixes)
    if all(file.size_bytes == 0 for file in files):
        raise DataError(f"{source!r} is empty", where=files[0].name, hint=NO_ROWS_HINT)
    return files


def describe_files(source: str, *, storage: Mapping[str, Any] = NO_STORAGE) -> tuple[SourceFile, ...]:
    """Return the files behind a source as they are now; empty when the source is no file, or nothing can be told."""
    found = find_files(source, storage=storage)
    if scheme_of(source) is not None and not all(file.version for file in found):
        return ()
    return tuple(
        SourceFile(
            path=file.name,
            size_bytes=file.size_bytes,
            modified_ns=file.modified_ns,
            sha256="" if file.version else disk.sha256(Path(file.path)),
            version=file.version,
        )
        for file in found
    )


def same_files(before: Sequence[SourceFile], now: Sequence[SourceFile]) -> bool:
    """Say whether paths and contents are the same; when they were written does not matter."""
    return [_contents(file) for file in before] == [_contents(file) for file in now]


def is_untouched(file: SourceFile) -> bool:
    """Say whether a file cannot have changed since it was described, as far as can be told without reading it.

    A version of a table stays as it is; of a file behind a URL, only asking the store again tells.
    """
    if file.size_bytes < 0:
        return True
    try:
        state = Path(file.path).stat()
    except OSError:
        return False
    return not file.version and (state.st_size, state.st_mtime_ns) == (file.size_bytes, file.modified_ns)


def _contents(file: SourceFile) -> tuple[str, str, str]:
    """Return what must be equal for two files to be the same."""
    return file.path, file.sha256, file.version


def _nothing_there(source: str, suffixes: Sequence[str]) -> DataError:
    """Return the error for a source without files."""
    if scheme_of(source) is not None:
        hint = "check the names of bucket and file in data.source, and their case"
        return DataError(f"there is no {' or '.join(suffixes)} file at {source!r}", where=source, hint=hint)
    found = Path(source).expanduser().exists()
    what = f"folder {source!r} holds no {' or '.join(suffixes)} file" if found else f"there is no file {source!r}"
    hint = "check the name, as it was typed or as data.source has it; paths start at the current directory"
    return DataError(what, where=str(Path(source).expanduser().absolute()), hint=hint)


def _fixed_folder(path: Path) -> Path:
    """Return the folder that precedes the first wildcard of a glob."""
    first = next((i for i, part in enumerate(path.parts) if MAGIC.search(part)), len(path.parts) - 1)
    return Path(*path.parts[:first])


def _below(folder: Path, pattern: str, suffixes: Sequence[str]) -> tuple[DataFile, ...]:
    """Return the files below a folder that match, sorted, without hidden ones."""
    found = (_local(path, folder) for path in sorted(folder.glob(pattern)) if path.is_file())
    return tuple(file for file in found if file.has_suffix(suffixes) and not file.is_hidden)


def _local(path: Path, folder: Path) -> DataFile:
    """Return a file on the disk."""
    state = path.stat()
    return DataFile(
        name=str(path),
        path=str(path),
        folders=path.parent.relative_to(folder).parts,
        size_bytes=state.st_size,
        modified_ns=state.st_mtime_ns,
        version="",
        filesystem=fs.LocalFileSystem(),
    )
