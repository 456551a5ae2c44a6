"""A folder for the temporary files of a process that sends: clients copy whole models before they send them.

What a killed process left is removed by the next one, which finds its lock free.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mltrain import files
from mltrain.errors import EnvironmentRefusal


@contextmanager
def scratch(parent: Path) -> Iterator[Path]:
    """Lead `tempfile` to a folder of this process's own below ``parent`` while the block runs.

    Raises
    ------
    mltrain.errors.EnvironmentRefusal
        The disk refused.
    """
    _remove_abandoned(parent)
    own = parent / f"{os.getpid()}-{secrets.token_hex(4)}"
    with files.lock(_lock_of(own), timeout_s=0):
        with files.disk_errors(own):
            own.mkdir()
        before, tempfile.tempdir = tempfile.tempdir, str(own)
        try:
            yield own
        finally:
            tempfile.tempdir = before
            shutil.rmtree(own, ignore_errors=True)
            _lock_of(own).unlink(missing_ok=True)


def _remove_abandoned(parent: Path) -> None:
    """Remove the folders of processes that are dead."""
    for folder in [path for path in parent.glob("*") if path.is_dir()]:
        try:
            with files.lock(_lock_of(folder), timeout_s=0):
                shutil.rmtree(folder, ignore_errors=True)
                _lock_of(folder).unlink(missing_ok=True)
        except EnvironmentRefusal:  # it lives
            continue


def _lock_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")
