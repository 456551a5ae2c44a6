"""Where predictions go: a file of a kind that can be written, and no part of what is read."""

from __future__ import annotations

from pathlib import Path

from mltrain.data.locations import find_files
from mltrain.data.remote import scheme_of
from mltrain.errors import UsageError

SUFFIXES = (".parquet", ".parq", ".pq", ".csv")


def check_destination(destination: Path, *, source: str) -> None:
    """Refuse a destination that cannot be written, or that is or lies in the source.

    Raises
    ------
    mltrain.errors.UsageError
        The destination has another suffix, or is a part of the source.
    """
    if destination.suffix.lower() not in SUFFIXES:
        raise UsageError(f"cannot write {destination.name!r}", hint="end its name in .parquet or .csv")
    if _is_part(destination.expanduser(), source):
        raise UsageError(
            "the predictions would replace or join the rows they are made from",
            where=f"IN {source}, OUT {destination}",
            hint="name a file elsewhere for the predictions",
        )


def _is_part(destination: Path, source: str) -> bool:
    """Say whether a file is what a source on the disk reads, by whatever name, or would be the next time."""
    address = source.removeprefix("delta:")
    if scheme_of(address) is not None:
        return False
    place = Path(address).expanduser()
    if place.is_dir() and destination.resolve().is_relative_to(place.resolve()):
        return True
    return destination.exists() and any(destination.samefile(file.path) for file in find_files(address))
