"""Split files and their record on disk: what is written, and when nothing need be."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq

from mltrain import files
from mltrain.commands.split.division import Division
from mltrain.config import Config
from mltrain.data.joined import JoiningSource
from mltrain.data.loading import describe_source, find_source
from mltrain.data.locations import SourceFile, same_files
from mltrain.data.records import fingerprint
from mltrain.data.splits import (
    SplitPart,
    SplitRecord,
    changed_keys,
    config_of,
    read_split_record,
    record_to_dict,
)
from mltrain.data.target import count_classes
from mltrain.errors import DataError
from mltrain.workspace import SPLITS, Workspace


def describe_sources(config: Config) -> tuple[SourceFile, ...]:
    """Return what the source, the tables joined to it and the test source are made of.

    Empty when only reading them again can tell.
    """
    data = config.data
    if data.source and isinstance(find_source(data.source, data.format), JoiningSource):
        return ()
    described = [describe_source(name, data.format, data.options) for name in (data.source, data.test_source) if name]
    tables = () if data.asof is None else data.asof.tables
    described += [describe_source(table.source, table.format, table.options) for table in tables]
    return tuple(file for files in described for file in files) if all(described) else ()


def find_current(config: Config, workspace: Workspace, sources: tuple[SourceFile, ...]) -> SplitRecord | None:
    """Return the record of the last split when source files, config and split files are still the same."""
    previous = _previous(workspace)
    if previous is None or not sources or changed_keys(previous, config):
        return None
    return previous if same_files(previous.source, sources) and _has_its_files(previous, workspace) else None


def make_record(config: Config, division: Division, sources: tuple[SourceFile, ...]) -> SplitRecord:
    """Return the record of a division; the hashes of its files are empty until they are written."""
    parts = {name: _part(division, name) for name in SPLITS if name in division.splits}
    learnt_from = "".join(parts[name].fingerprint for name in ("train", "validation"))
    return SplitRecord(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        source=sources,
        seed=config.seed,
        config=config_of(config),
        schema=division.schema,
        splits=parts,
        audit=division.findings,
        fingerprint=hashlib.sha256(learnt_from.encode()).hexdigest(),
        positive_reason=_positive_reason(config, division),
        n_unlabelled=division.rows.n_unlabelled,
        n_kept_out=division.n_kept_out,
    )


def is_intact(record: SplitRecord, workspace: Workspace) -> bool:
    """Say whether the last split wrote what this record says, and its files are still there."""
    previous = _previous(workspace)
    if previous is None or not _has_its_files(previous, workspace):
        return False
    hashes = {name: part.sha256 for name, part in previous.splits.items()}
    return _with_hashes(replace(record, created=previous.created, source=previous.source), hashes) == previous


def write_split(record: SplitRecord, division: Division, workspace: Workspace) -> SplitRecord:
    """Write the split files, the record last, and return the record with the hashes of the files.

    Raises
    ------
    mltrain.errors.EnvironmentRefusal
        The disk refused.
    """
    hashes = {}
    for name in record.splits:
        path = workspace.split(name)
        with files.atomic_path(path) as partial:
            pq.write_table(_rows_of(division, name), partial)
        hashes[name] = files.sha256(path)
    written = _with_hashes(record, hashes)
    files.write_json(workspace.split_record, record_to_dict(written))
    for name in SPLITS:
        if name not in record.splits:
            workspace.split(name).unlink(missing_ok=True)
    return written


def _part(division: Division, name: str) -> SplitPart:
    """Return the counts and fingerprint of one split."""
    positions = division.splits[name]
    return SplitPart(
        rows=len(positions),
        fingerprint=fingerprint(_rows_of(division, name)),
        sha256="",
        classes=count_classes(division.schema.target, division.rows.y[positions]),
    )


def _rows_of(division: Division, name: str) -> pa.Table:
    """Return all columns of the rows of one split, in order."""
    return division.rows.table.take(pa.array(division.splits[name]))


def _positive_reason(config: Config, division: Division) -> str:
    """Say how the positive class was chosen."""
    if division.schema.target.positive is None:
        return ""
    if config.data.positive_class is not None:
        return "from data.positive_class"
    return "the rarer of two"


def _previous(workspace: Workspace) -> SplitRecord | None:
    """Return the record of the last split, None when there is none that can be read."""
    try:
        return read_split_record(workspace.split_record)
    except DataError:
        return None


def _has_its_files(record: SplitRecord, workspace: Workspace) -> bool:
    """Say whether the split files are those that the record names."""
    return all(
        workspace.split(name).is_file() and files.sha256(workspace.split(name)) == part.sha256
        for name, part in record.splits.items()
    )


def _with_hashes(record: SplitRecord, hashes: Mapping[str, str]) -> SplitRecord:
    """Return a record that names the hashes of its files."""
    parts = {name: replace(part, sha256=hashes.get(name, "")) for name, part in record.splits.items()}
    return replace(record, splits=parts)
