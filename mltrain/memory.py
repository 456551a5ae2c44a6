"""How much memory this process may still take, by the machine and its container; and what it took, given back."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pyarrow as pa

_SYSTEM = Path("/")
_MOST = 0.7
_V2_MAX, _V2_USED = "memory.max", "memory.current"
_V1_MAX, _V1_USED = "memory.limit_in_bytes", "memory.usage_in_bytes"


def available_bytes(system: Path = _SYSTEM) -> int:
    """Return the bytes that can be taken without swapping or being killed.

    Parameters
    ----------
    system : Path
        Root of the file system in which control groups are looked up.

    Notes
    -----
    psutil knows the machine and not the container: inside one the kernel kills what goes beyond the limit of its
    control group, or of one above it, however much the machine has free. Pages of files that the kernel can drop count
    as free, as they do in what psutil says.
    """
    return min([int(psutil.virtual_memory().available), *_left_in_groups(system)])


def room_left(*, held_bytes: int = 0) -> int:
    """Return the bytes that a step may still take: 70 % of what was free when it began, less what it holds already.

    Parameters
    ----------
    held_bytes : int
        What the step has taken so far, and which is therefore no longer free.
    """
    return int(_MOST * (available_bytes() + held_bytes)) - held_bytes


def give_back() -> None:
    """Return freed memory to the system: Arrow's, and the C library's where it is glibc.

    At 2,000,000 rows of 30 columns Arrow keeps the 250 MB of a table that was let go of. glibc keeps what was freed in
    pieces below 32 MB, 150 MB once LightGBM has binned them.
    """
    pa.default_memory_pool().release_unused()
    if sys.platform != "linux":
        return
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError):
        return
    trim(0)


def _left_in_groups(system: Path) -> Iterator[int]:
    """Yield what is left in each control group that this process is in and that has a limit."""
    for folder, (most, used) in _groups(system):
        limit, taken = _number(folder / most), _number(folder / used)
        if limit is not None and taken is not None:
            yield max(0, limit - taken + _droppable(folder))


def _groups(system: Path) -> Iterator[tuple[Path, tuple[str, str]]]:
    """Yield the folders of the control groups of this process, from its own to the outermost."""
    try:
        lines = (system / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:  # no Linux, or no control groups
        return
    for line in lines:
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0" and not controllers:
            root, names = system / "sys/fs/cgroup", (_V2_MAX, _V2_USED)
        elif "memory" in controllers.split(","):
            root, names = system / "sys/fs/cgroup/memory", (_V1_MAX, _V1_USED)
        else:
            continue
        inside = root / path.lstrip("/")
        for folder in (inside, *inside.parents):
            yield folder, names
            if folder == root:
                break


def _droppable(folder: Path) -> int:
    """Return the bytes of files that nobody has used for a while, which a group gives up first."""
    try:
        lines = (folder / "memory.stat").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    found = dict(line.split(maxsplit=1) for line in lines if " " in line)
    value = found.get("total_inactive_file", found.get("inactive_file", "0")).strip()
    return int(value) if value.isdecimal() else 0


def _number(path: Path) -> int | None:
    """Return the number in a file, None where there is none: ``max`` means no limit."""
    try:
        text = path.read_text(encoding="utf-8").strip()
    except OSError:
        return None
    return int(text) if text.isdecimal() else None
