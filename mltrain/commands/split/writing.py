"""Split files and their record on disk: what is written, and when nothing need be."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from mltrain import files
from mltrain.commands.split.division import Division
from mltrain.config import Config
from mltrain.data.locations import SourceFile, same_files
from mltrain.data.splits import (
    SplitPart,
    SplitRecord,
    changed_keys,
    config_of,
    read_split_record,
    record_to_dict,
)
from mltrain.data.target import label_text
from mltrain.errors import DataError
from mltrain.workspace import SPLITS, Workspace

UNFINISHED = ".split-"
_ABANDONED_S = 24 * 3600


def find_current(config: Config, workspace: Workspace, sources: tuple[SourceFile, ...]) -> SplitRecord | None:
    """Return the record of the last split when source files, config and split files are still the same."""
    previous = _previous(workspace)
    if previous is None or not sources or changed_keys(previous, config):
        return None
    return previous if same_files(previous.source, sources) and _has_its_files(previous, workspace) else None


def make_record(config: Config, division: Division, sources: tuple[SourceFile, ...]) -> SplitRecord:
    """Return the record of a division."""
    labels = [label_text(label) for label in division.schema.target.classes]
    parts = {
        name: SplitPart(
            rows=division.parts[name].rows,
            fingerprint=division.parts[name].fingerprint,
            sha256=division.sha256[name],
            classes=dict(zip(labels, division.classes[name], strict=True)),
        )
        for name in SPLITS
        if name in division.parts
    }
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
        n_unlabelled=division.n_unlabelled,
        n_kept_out=division.n_kept_out,
    )


def is_intact(record: SplitRecord, workspace: Workspace) -> bool:
    """Say whether the last split wrote what this record says, and its files are still there."""
    previous = _previous(workspace)
    if previous is None or not _has_its_files(previous, workspace):
        return False
    # Not the bytes of the files: another version of Arrow writes the same rows otherwise.
    known = {name: part.sha256 for name, part in previous.splits.items()}
    parts = {name: replace(part, sha256=known.get(name, "")) for name, part in record.splits.items()}
    return replace(record, created=previous.created, source=previous.source, splits=parts) == previous


def note_sources(sources: tuple[SourceFile, ...], workspace: Workspace) -> None:
    """Write what equal rows came from this time, so that the next look need not read them again.

    Raises
    ------
    mltrain.errors.EnvironmentRefusal
        The disk refused.
    """
    previous = _previous(workspace)
    if previous is not None and not same_files(previous.source, sources):
        files.write_json(workspace.split_record, record_to_dict(replace(previous, source=sources)))


@contextmanager
def beside(workspace: Workspace) -> Iterator[Path]:
    """Give an empty folder for files that are not yet at their place; it is gone afterwards, whatever is left in it.

    Raises
    ------
    mltrain.errors.EnvironmentRefusal
        The disk refused.
    """
    with files.disk_errors(workspace.data):
        workspace.data.mkdir(parents=True, exist_ok=True)
        for left in workspace.data.glob(f"{UNFINISHED}*"):  # by a split that was killed
            if time.time() - left.stat().st_mtime > _ABANDONED_S:
                shutil.rmtree(left, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix=UNFINISHED, dir=workspace.data, ignore_cleanup_errors=True) as folder:
            yield Path(folder)


def put_in_place(record: SplitRecord, division: Division, workspace: Workspace) -> None:
    """Give the files of a division their names, and write the record last.

    Raises
    ------
    mltrain.errors.EnvironmentRefusal
        The disk refused.
    """
    for name in record.splits:
        files.move_into_place(division.parts[name].path, workspace.split(name))
    files.write_json(workspace.split_record, record_to_dict(record))
    for name in SPLITS:
        if name not in record.splits:
            workspace.split(name).unlink(missing_ok=True)


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
