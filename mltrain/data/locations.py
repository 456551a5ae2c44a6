"""Files behind a path, a folder or a glob, and what they looked like when they were read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mltrain import files as disk
from mltrain.errors import DataError, EnvironmentRefusal

MAGIC = re.compile(r"[*?\[]")
NO_ROWS_HINT = "write it again, or name another source"


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceFile:
    """One file that rows came from, as it was then."""

    path: str
    size_bytes: int
    modified_ns: int
    sha256: str


def has_suffix(source: str, suffixes: Sequence[str]) -> bool:
    """Say whether a path or glob ends like one of ``suffixes``, whatever its case."""
    return source.casefold().endswith(tuple(suffixes))


def find_files(source: str, suffixes: Sequence[str] = ("",)) -> tuple[Path, ...]:
    """Return the files behind a source in the order of their paths; empty when there are none.

    A folder stands for all its files with one of ``suffixes``, at any depth; names that begin with ``.`` or
    ``_`` are left out, as other tools keep their records there.
    """
    path = Path(source).expanduser()
    if path.is_file():
        return (path,)
    if path.is_dir():
        return _visible(path, "**/*", suffixes)
    if MAGIC.search(source):
        folder = fixed_folder(source)
        return _visible(folder, str(path.relative_to(folder)), suffixes)
    return ()


def fixed_folder(source: str) -> Path:
    """Return the folder below which all files of a source lie: itself, a file's own, or what precedes a wildcard."""
    path = Path(source).expanduser()
    if path.is_dir():
        return path
    if path.is_file():
        return path.parent
    first = next((i for i, part in enumerate(path.parts) if MAGIC.search(part)), len(path.parts) - 1)
    return Path(*path.parts[:first])


def require_files(source: str, suffixes: Sequence[str]) -> tuple[Path, ...]:
    """Return the files behind a source.

    Raises
    ------
    mltrain.errors.DataError
        There are none, or all are empty.
    """
    files = find_files(source, suffixes)
    if not files:
        found = Path(source).expanduser().exists()
        what = f"folder {source!r} holds no {' or '.join(suffixes)} file" if found else f"there is no file {source!r}"
        hint = "check the name, as it was typed or as data.source has it; paths start at the current directory"
        raise DataError(what, where=str(Path(source).expanduser().absolute()), hint=hint)
    try:
        if all(file.stat().st_size == 0 for file in files):
            raise DataError(f"{source!r} is empty", where=str(files[0]), hint=NO_ROWS_HINT)
    except OSError as error:
        raise EnvironmentRefusal(f"cannot read {source!r}: {error.strerror}", where=str(files[0])) from error
    return files


def describe_files(source: str) -> tuple[SourceFile, ...]:
    """Return the files behind a source as they are now; empty when the source is no file."""
    return tuple(
        SourceFile(
            path=str(path),
            size_bytes=path.stat().st_size,
            modified_ns=path.stat().st_mtime_ns,
            sha256=disk.sha256(path),
        )
        for path in find_files(source)
    )


def same_files(before: Sequence[SourceFile], now: Sequence[SourceFile]) -> bool:
    """Say whether paths and contents are the same; when they were written does not matter."""
    return [(file.path, file.sha256) for file in before] == [(file.path, file.sha256) for file in now]


def _visible(folder: Path, pattern: str, suffixes: Sequence[str]) -> tuple[Path, ...]:
    """Return the files below a folder that match, sorted, without hidden ones."""
    return tuple(
        path
        for path in sorted(folder.glob(pattern))
        if path.is_file()
        and has_suffix(path.name, suffixes)
        and not any(part.startswith((".", "_")) for part in path.relative_to(folder).parts)
    )
