"""``mltrain split``: load, split, audit, write."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mltrain import events
from mltrain.commands.split.agreement import no_file_written_meanwhile
from mltrain.commands.split.division import Division, divide
from mltrain.commands.split.sources import describe_sources
from mltrain.commands.split.writing import (
    beside,
    find_current,
    is_intact,
    make_record,
    note_sources,
    put_in_place,
)
from mltrain.config import Config
from mltrain.data import Column
from mltrain.data.splits import Finding, SplitRecord
from mltrain.data.target import label_text
from mltrain.errors import DataError
from mltrain.events import Listener
from mltrain.workspace import Workspace

__all__ = ["Division", "SplitResult", "SplitSummary", "split"]


@dataclass(frozen=True, kw_only=True, slots=True)
class SplitSummary:
    """One split: its rows, and rows of each class by its text."""

    name: str
    rows: int
    classes: Mapping[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class SplitResult:
    """What `split` did.

    Attributes
    ----------
    positive_class : str, optional
        Text of the class to detect, of two.
    positive_reason : str
        How it was chosen.
    n_unlabelled : int
        Rows left out because they have no label.
    n_kept_out : int
        Rows left out because their group belongs to an earlier time.
    unchanged : bool
        Source and config are those of the last split, so nothing was written.
    """

    directory: Path
    target: str
    positive_class: str | None
    positive_reason: str
    splits: tuple[SplitSummary, ...]
    columns: tuple[Column, ...]
    findings: tuple[Finding, ...]
    fingerprint: str
    n_unlabelled: int
    n_kept_out: int
    unchanged: bool

    @property
    def exit_code(self) -> int:
        """0: what should stop is raised."""
        return 0


def split(
    config: Config, workspace: Workspace, *, strict: bool = False, listener: Listener = events.ignore
) -> SplitResult:
    """Load the source, divide and audit its rows, and write the splits with their record.

    Parameters
    ----------
    strict : bool
        Refuse findings that are graded ``warning`` or ``severe``; nothing is written then.

    Raises
    ------
    mltrain.errors.ConfigError
        The config names a column that does not exist, or asks for what cannot be.
    mltrain.errors.DataError
        The source cannot be read, divided or learnt from, changed while it was read, or ``strict`` found something.
    """
    sources = describe_sources(config)
    record = find_current(config, workspace, sources)
    if record is not None:
        _require_calm(record.audit, strict=strict)
        return _result(record, workspace, unchanged=True)
    started = time.monotonic()
    listener(events.StageStarted(stage="split", detail=str(config.data.source)))
    with beside(workspace) as folder:
        with no_file_written_meanwhile(sources, config):
            division = divide(config, folder=folder)
        _require_calm(division.findings, strict=strict)
        _tell_left_out(division, listener)
        record = make_record(config, division, sources)
        unchanged = is_intact(record, workspace)
        if unchanged:
            note_sources(sources, workspace)
            listener(events.Notice(message="the rows were read again and are the same", level="info"))
        else:
            put_in_place(record, division, workspace)
    detail = ", ".join(f"{name} {part.rows:,}" for name, part in record.splits.items())
    listener(events.StageFinished(stage="split", seconds=time.monotonic() - started, detail=detail))
    return _result(record, workspace, unchanged=unchanged)


def _require_calm(findings: Sequence[Finding], *, strict: bool) -> None:
    """Refuse findings that are worse than informative, where asked to."""
    wrong = [finding for finding in findings if finding.severity != "info"]
    if strict and wrong:
        several = "1 problem" if len(wrong) == 1 else f"{len(wrong)} problems"
        raise DataError(
            f"the audit found {several}\n" + "\n".join(map(_told, wrong)),
            where="split --strict",
            hint="mend them, or leave --strict out: findings are then recorded and stop nothing",
        )


def _told(finding: Finding) -> str:
    """Return a finding with what to do about it on a line of its own."""
    advice = f"\n  what to do: {finding.advice}" if finding.advice else ""
    return f"{finding.severity}: {finding.message}{advice}"


def _tell_left_out(division: Division, listener: Listener) -> None:
    """Tell how many rows are in no split, and why."""
    if division.n_unlabelled:
        listener(events.Notice(message=f"{division.n_unlabelled:,} rows without a label are left out"))
    if division.n_kept_out:
        listener(
            events.Notice(message=f"{division.n_kept_out:,} rows are kept out: their group belongs to an earlier time")
        )


def _result(record: SplitRecord, workspace: Workspace, *, unchanged: bool) -> SplitResult:
    """Return what the record says as the command's result."""
    target = record.schema.target
    return SplitResult(
        directory=workspace.data,
        target=target.name,
        positive_class=None if target.positive is None else label_text(target.positive),
        positive_reason=record.positive_reason,
        splits=tuple(
            SplitSummary(name=name, rows=part.rows, classes=part.classes) for name, part in record.splits.items()
        ),
        columns=record.schema.columns,
        findings=record.audit,
        fingerprint=record.fingerprint,
        n_unlabelled=record.n_unlabelled,
        n_kept_out=record.n_kept_out,
        unchanged=unchanged,
    )
