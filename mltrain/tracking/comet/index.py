"""``index.json`` beside Comet's archives: what a list of runs shows of each, so that no archive is read twice.

An archive is known by name, size and time; one that changed is read anew. The file may be deleted at any time.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from mltrain import files
from mltrain.errors import EnvironmentRefusal
from mltrain.tracking import RunInfo
from mltrain.tracking.comet.archives import archived_info, read_archives
from mltrain.tracking.training import is_series

logger = logging.getLogger(__name__)

FILE_NAME = "index.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Entry:
    """One archive; without a key it holds no run that could be read.

    Attributes
    ----------
    metrics : mapping of str to float
        The last values, without those of series.
    """

    size: int
    mtime_ns: int
    key: str | None = None
    started_ms: int = 0
    params: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    others: Mapping[str, str] = field(default_factory=dict)


def indexed_runs(directory: Path) -> list[RunInfo]:
    """Return the runs of all archives in a folder."""
    archives: dict[str, list[_Entry]] = {}
    for entry in _index(directory).values():
        if entry.key is not None:
            archives.setdefault(entry.key, []).append(entry)
    return [_merged(key, entries) for key, entries in archives.items()]


def archives_of(directory: Path, key: str) -> list[Path]:
    """Return the archives of one experiment in the order they were written."""
    return [directory / name for name, entry in _index(directory).items() if entry.key == key]


def _merged(key: str, entries: list[_Entry]) -> RunInfo:
    """Return the run of several archives; what was written later counts."""
    return archived_info(
        key,
        started_ms=min(entry.started_ms for entry in entries),
        params={k: v for entry in entries for k, v in entry.params.items()},
        metrics={k: v for entry in entries for k, v in entry.metrics.items()},
        others={k: v for entry in entries for k, v in entry.others.items()},
    )


def _index(directory: Path) -> dict[str, _Entry]:
    """Return the archives of a folder by name, in the order they were written; reads those that are new."""
    noted = _read(directory / FILE_NAME)
    entries = {path.name: _entry(path, noted.get(path.name)) for path in directory.glob("*.zip")}
    found = {name: entry for name, entry in entries.items() if entry is not None}
    if found != noted:
        try:
            files.write_json(directory / FILE_NAME, {name: asdict(entry) for name, entry in found.items()})
        except EnvironmentRefusal as error:  # the archives are read again next time
            logger.info("the index of archives was not written: %s", error)
    return dict(sorted(found.items(), key=lambda item: (item[1].mtime_ns, item[0])))


def _entry(path: Path, noted: _Entry | None) -> _Entry | None:
    """Return what is noted of an archive, or read it; None when it has just gone."""
    try:
        stat = path.stat()  # before the archive is read: one that is being written will differ the next time
    except FileNotFoundError:
        return None
    if noted is not None and (noted.size, noted.mtime_ns) == (stat.st_size, stat.st_mtime_ns):
        return noted
    for key, run in read_archives([path]).items():
        return _Entry(
            size=stat.st_size,
            mtime_ns=stat.st_mtime_ns,
            key=key,
            started_ms=run.started_ms,
            params=run.params,
            metrics={name: value for name, value in run.last_values().items() if not is_series(name)},
            others=run.others,
        )
    return _Entry(size=stat.st_size, mtime_ns=stat.st_mtime_ns)


def _read(path: Path) -> dict[str, _Entry]:
    """Return the index as it was written; nothing where it is not readable."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return {name: _Entry(**entry) for name, entry in document.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
