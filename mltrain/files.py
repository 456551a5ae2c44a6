"""Files that are whole or not there: atomic writes, hashes, locks.

Disk trouble (full, read-only, no permission) leaves this module as `EnvironmentRefusal` naming the
path; any other `OSError`, such as a missing input, passes through. What is written is not its business.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from mltrain.errors import EnvironmentRefusal

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_TOO_MANY_FILES = frozenset({errno.EMFILE, errno.ENFILE})
_REFUSED = (
    _FULL
    | _TOO_MANY_FILES
    | {
        errno.EACCES,
        errno.EPERM,
        errno.EROFS,
        errno.EIO,
        errno.ENOTDIR,
        errno.EISDIR,
        errno.EEXIST,
        errno.ENAMETOOLONG,
        errno.ENOLCK,
    }
)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text; readers see the old file or the new one, never a part.

    Raises
    ------
    mltrain.errors.EnvironmentRefusal
        The disk refused; names `path`.
    """
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Write a JSON document, keys in the order given.

    Raises
    ------
    ValueError
        `value` holds NaN or infinity, which JSON does not have.
    mltrain.errors.EnvironmentRefusal
        The disk refused; names `path`.
    """
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_bytes(path: Path, data: bytes) -> None:
    """Write bytes; readers see the old file or the new one, never a part.

    Raises
    ------
    mltrain.errors.EnvironmentRefusal
        The disk refused; names `path`.
    """
    with atomic_path(path) as partial:
        partial.write_bytes(data)


@contextmanager
def atomic_path(path: Path, *, to_disk: bool = True) -> Iterator[Path]:
    """Give a path beside `path` to write to; it takes the name `path` when the block ends well.

    The path given ends in the same suffix, for writers that look at it. A block that raises leaves `path`
    as it was.

    Parameters
    ----------
    to_disk : bool
        See it to the disk. Without, a kill loses nothing, and a machine that loses power may leave an empty file.

    Raises
    ------
    mltrain.errors.EnvironmentRefusal
        The disk refused; names `path`.
    """
    partial = path.with_name(f".{secrets.token_hex(4)}-{path.name}")
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield partial
            if to_disk:
                move_into_place(partial, path)
            else:
                partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)


def move_into_place(partial: Path, path: Path) -> None:
    """Give a finished file on the same disk the name `path`, seen to the disk before and after.

    Raises
    ------
    mltrain.errors.EnvironmentRefusal
        The disk refused; names `path`.
    """
    with disk_errors(path):
        _flush_to_disk(partial)
        partial.replace(path)
        _flush_to_disk(path.parent)


@contextmanager
def atomic_directory(path: Path) -> Iterator[Path]:
    """Give an empty directory beside `path`; it takes the name `path` when the block ends well.

    A directory that stands at `path` is replaced: it is moved aside first and deleted last, so that a
    crash in between loses neither. A block that raises leaves `path` as it was.

    Raises
    ------
    mltrain.errors.EnvironmentRefusal
        The disk refused; names `path`.
    """
    token = secrets.token_hex(4)
    partial = path.with_name(f".{token}-{path.name}")
    replaced = path.with_name(f".{token}-replaced-{path.name}")
    with disk_errors(path):
        partial.mkdir(parents=True)
        try:
            yield partial
            for file in partial.rglob("*"):
                _flush_to_disk(file)
            if path.exists():
                path.rename(replaced)
            partial.rename(path)
            _flush_to_disk(path.parent)
        finally:
            if replaced.exists() and not path.exists():
                replaced.rename(path)
            shutil.rmtree(partial, ignore_errors=True)
            shutil.rmtree(replaced, ignore_errors=True)


def append_line(path: Path, text: str, *, to_disk: bool = True) -> None:
    """Append one line and see it, and those before it, to the disk before returning.

    Appending in one write keeps lines of several processes whole. A last line that a crash cut short is
    ended first.

    Parameters
    ----------
    to_disk : bool
        Without, a kill loses nothing, and a machine that loses power may lose the line.

    Raises
    ------
    mltrain.errors.EnvironmentRefusal
        The disk refused; names `path`.
    """
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab+") as file:
            file.write((b"\n" if _ends_inside_a_line(file) else b"") + text.rstrip("\n").encode("utf-8") + b"\n")
            file.flush()
            if to_disk:
                os.fsync(file.fileno())


def flush_to_disk(path: Path) -> None:
    """See what was written to a file to the disk.

    Raises
    ------
    mltrain.errors.EnvironmentRefusal
        The disk refused; names `path`.
    """
    with disk_errors(path):
        _flush_to_disk(path)


def sha256(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file.

    Raises
    ------
    mltrain.errors.EnvironmentRefusal
        The disk refused; names `path`.
    FileNotFoundError
        There is no such file.
    """
    with disk_errors(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def lock(path: Path, timeout_s: float) -> Iterator[None]:
    """Hold the lock file `path` for the length of the block.

    Raises
    ------
    mltrain.errors.EnvironmentRefusal
        Somebody else held it for `timeout_s` seconds, or the disk refused; names `path`.
    """
    import filelock  # noqa: PLC0415 - start-up of the CLI passes through this module

    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        held = filelock.FileLock(path)
        try:
            held.acquire(timeout=timeout_s)
        except filelock.Timeout as error:
            message = f"another process holds {path.name}; waited {timeout_s:g} s"
            raise EnvironmentRefusal(message, where=str(path), hint="wait for it to end, then try again") from error
    try:
        yield
    finally:
        held.release()


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn a refusal of the disk inside the block into an error for the user.

    Raises
    ------
    mltrain.errors.EnvironmentRefusal
        The disk refused; names `path`, or the file that the system named.
    """
    try:
        yield
    except OSError as error:
        refused = refusal(error, path)
        if refused is None:
            raise
        raise refused from error


def refusal(error: OSError, path: Path) -> EnvironmentRefusal | None:
    """Return the error for the user when the system refused `path`; None for other kinds of trouble."""
    if error.errno not in _REFUSED:
        return None
    reason = (error.strerror or str(error)).lower()
    if error.errno in _FULL:
        hint = "free some space or choose another folder"
    elif error.errno in _TOO_MANY_FILES:
        hint = "allow more open files (`ulimit -n 4096`), or close other programs"
    else:
        hint = "check the permissions of the folder"
    return EnvironmentRefusal(f"cannot use '{path.name}': {reason}", where=str(path), hint=hint)


def _flush_to_disk(path: Path) -> None:
    """Ask the system to put a file's content, or a folder's list of names, on the disk now."""
    if path.is_dir() and os.name == "nt":  # folders cannot be opened there
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _ends_inside_a_line(file: BinaryIO) -> bool:
    """Say whether the last line of an open file lacks its end."""
    size = file.seek(0, os.SEEK_END)
    if size == 0:
        return False
    file.seek(size - 1)
    return file.read(1) != b"\n"
