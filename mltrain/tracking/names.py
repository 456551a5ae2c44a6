"""What a tracker accepts as the name of a file or as a value, the same for all of them."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from mltrain.errors import TrackerError
from mltrain.tracking import Scalar


def checked_name(name: str) -> PurePosixPath:
    """Return a relative posix path that stays below the folder it is joined to.

    Raises
    ------
    mltrain.errors.TrackerError
        The name is empty or absolute, climbs with ``..`` or holds a backslash, a drive or a null byte.
    """
    path = PurePosixPath(name)
    is_climbing = path.is_absolute() or ".." in path.parts or not path.parts
    if is_climbing or any(sign in name for sign in ("\\", "\0")) or ":" in path.parts[0][1:2]:
        hint = "use a relative posix path such as figures/roc.png"
        raise TrackerError(f"{name!r} cannot be the name of a logged file", hint=hint)
    return path


def inside(directory: Path, name: str) -> Path:
    """Return the path of a name below a directory, links resolved, and refuse one that leads out.

    Raises
    ------
    mltrain.errors.TrackerError
        The name is unusable, or its path does not lie in ``directory``.
    """
    path = directory / checked_name(name)
    if not path.resolve().is_relative_to(directory.resolve()):
        raise TrackerError(f"{name!r} leads out of its folder", where=str(directory))
    return path


def as_text(value: Scalar) -> str:
    """Return a parameter's value as every tracker gives it back."""
    return value if isinstance(value, str) else str(value)
