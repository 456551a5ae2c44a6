"""The only reader of the test rows: each opening stands in the ledger before a row is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from mltrain import files, ledger
from mltrain.data import Schema
from mltrain.data.splits import SplitRecord, read_columns
from mltrain.data.target import encode_target
from mltrain.errors import DataError
from mltrain.workspace import Workspace


@dataclass(frozen=True, kw_only=True, slots=True)
class Holdout:
    """The test split, opened.

    Attributes
    ----------
    table : pyarrow.Table of n_samples rows
        The columns asked for.
    y : ndarray of shape (n_samples,), class codes
    openings : int
        How often this split was opened, this time included.
    other_openings : int
        How often other test splits of this source were.
    """

    table: pa.Table
    y: NDArray[np.int64]
    schema: Schema
    fingerprint: str
    openings: int
    other_openings: int = 0


def open_test(
    workspace: Workspace,
    record: SplitRecord,
    *,
    columns: Sequence[str],
    run_id: str,
    config_hash: str,
    purpose: str = "evaluate",
) -> Holdout:
    """Write an opening into the ledger, then read the test rows.

    Parameters
    ----------
    columns : sequence of str
        What models read of them; what the split does not have is left out.

    Raises
    ------
    mltrain.errors.DataError
        The test file is missing or changed since it was split; nothing is written and no row is read.
    mltrain.errors.EnvironmentRefusal
        The ledger cannot be written; no row is read.
    """
    split = record.splits["test"]
    path = workspace.split("test")
    if not path.is_file() or files.sha256(path) != split.sha256:
        state = "changed since it was made" if path.is_file() else "missing"
        raise DataError(f"the test split is {state}", where=str(path), hint="mltrain split")
    ledger.append(
        workspace.ledger,
        ledger.Opening(
            when=datetime.now(UTC).isoformat(timespec="seconds"),
            fingerprint=split.fingerprint,
            run_id=run_id,
            config_hash=config_hash,
            purpose=purpose,
            source=source_of(record),
        ),
    )
    target, there = record.schema.target, pq.read_schema(path).names
    wanted = [name for name in dict.fromkeys(columns) if name in there]
    table = read_columns(path, list(dict.fromkeys((*wanted, target.name))))
    return Holdout(
        table=table.select(wanted),
        y=encode_target(target, table[target.name]),
        schema=record.schema,
        fingerprint=split.fingerprint,
        openings=ledger.count(workspace.ledger, split.fingerprint),
        other_openings=ledger.count_others(workspace.ledger, split.fingerprint, source=source_of(record)),
    )


def source_of(record: SplitRecord) -> str:
    """Return where the test rows of a split came from, as its record has it: with secrets masked."""
    data = record.config.get("data", {})
    return str(data.get("test_source") or data.get("source") or "")
