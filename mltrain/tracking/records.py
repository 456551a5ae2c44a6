"""The local record of a run: one JSON line for each call, appended to ``tracking.jsonl``.

The local tracker writes it, the mirror reads it from where it stopped. A line that a crash cut short is
skipped; kinds that a later version adds are ignored.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from mltrain import files
from mltrain.tracking import RunStatus, Scalar

FILE_NAME = "tracking.jsonl"

Kind: TypeAlias = Literal["start", "params", "metrics", "tags", "file", "model", "finish"]
_KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """One call on a run.

    Attributes
    ----------
    name : str, optional
        Name of the run (``start``), of the file or of the model.
    values : mapping
        Parameters, metrics or tags.
    time_ms : int
        Milliseconds since 1970; 0 stands for now.
    end : int
        Offset in bytes at which the next record starts; 0 before it is written.
    """

    kind: Kind
    name: str | None = None
    values: Mapping[str, Scalar] = field(default_factory=dict)
    step: int | None = None
    status: RunStatus | None = None
    time_ms: int = 0
    end: int = 0


def append_record(path: Path, record: Record) -> None:
    """Append one record in one write; only the last one waits for the disk.

    Raises
    ------
    mltrain.errors.EnvironmentRefusal
        The disk refused; names ``path``.
    """
    line = _as_line(record)
    if record.kind == "finish":
        files.append_line(path, line)
        return
    # A write that reached the system survives the death of this process; a sync a round would cost seconds.
    with files.disk_errors(path), path.open("ab") as file:
        file.write(line.encode("utf-8") + b"\n")


def create_record_file(path: Path) -> bool:
    """Claim a record file; False when it is there already."""
    with files.disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
        except FileExistsError:
            return False
    return True


def mend(path: Path) -> None:
    """End a last line that a crash cut short, so that the next record starts a line of its own."""
    with files.disk_errors(path), path.open("rb+") as file:
        size = file.seek(0, os.SEEK_END)
        if size:
            file.seek(size - 1)
            if file.read(1) != b"\n":
                file.write(b"\n")


def read_records(path: Path, offset: int = 0) -> Iterator[Record]:
    """Yield the whole records that start at or after an offset, each with the offset of its end."""
    with files.disk_errors(path), path.open("rb") as file:
        file.seek(offset)
        for line in file:
            if not line.endswith(b"\n"):
                return
            offset += len(line)
            record = _from_line(line, offset)
            if record is not None:
                yield record


def _as_line(record: Record) -> str:
    """Return a record as JSON, empty fields left out."""
    document: dict[str, Any] = {"kind": record.kind, "time_ms": record.time_ms or time.time_ns() // 1_000_000}
    for key in ("name", "step", "status"):
        if getattr(record, key) is not None:
            document[key] = getattr(record, key)
    if record.values:
        document["values"] = dict(record.values)
    return json.dumps(document, ensure_ascii=False, allow_nan=False)


def _from_line(line: bytes, end: int) -> Record | None:
    """Return the record of a line; None when it was cut short or is of a kind we do not know."""
    try:
        document = json.loads(line)
    except ValueError:
        return None
    if not isinstance(document, dict) or document.get("kind") not in _KINDS:
        return None
    return Record(
        kind=document["kind"],
        name=document.get("name"),
        values=document.get("values") or {},
        step=document.get("step"),
        status=document.get("status"),
        time_ms=int(document.get("time_ms") or 0),
        end=end,
    )
