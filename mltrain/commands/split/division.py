"""Rows of the config's sources, each in the file of its split: written beside their place, not yet there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from mltrain import files
from mltrain.audit import Totals, audit_split
from mltrain.audit.point_in_time import with_time_findings
from mltrain.commands.split.deciding import Deciding, read_deciding
from mltrain.commands.split.parts import WrittenPart
from mltrain.commands.split.sources import Sources, open_sources
from mltrain.commands.split.streaming import Plan, Streamed, write_parts
from mltrain.config import Config
from mltrain.data import Schema, Target
from mltrain.data.confirming import confirm_columns
from mltrain.data.joining import label_time
from mltrain.data.loading import infer_schema
from mltrain.data.nearest import listed
from mltrain.data.sampling import sample_size
from mltrain.data.splits import Finding
from mltrain.data.target import label_text
from mltrain.errors import DataError
from mltrain.memory import give_back
from mltrain.splitting import NOWHERE, Assignment, assign_rows
from mltrain.splitting.keys import mixed

CHUNK_ROWS = 1_000_000
Number = TypeVar("Number", np.uint8, np.uint64)


@dataclass(frozen=True, kw_only=True, slots=True)
class Division:
    """Files of the splits, where each row went, and what is odd about it.

    Attributes
    ----------
    sha256 : mapping of str to str
        Of the bytes of each file, by split.
    classes : mapping of str to tuple of int
        Rows of each class, in code order, by split.
    n_unlabelled, n_kept_out : int
        Rows that are in no split.
    """

    schema: Schema
    parts: Mapping[str, WrittenPart]
    sha256: Mapping[str, str]
    classes: Mapping[str, tuple[int, ...]]
    findings: tuple[Finding, ...]
    n_unlabelled: int
    n_kept_out: int


def divide(config: Config, *, folder: Path) -> Division:
    """Write the labelled rows of the config's sources to one file a split in ``folder``, and say what the audit says.

    Notes
    -----
    The rows are read twice, some at a time: the columns that decide, then all of them. What needs a look at whole rows,
    the kinds of columns and the audit, gets a sample of 200,000; what it says of columns that would be left out or read
    as something else than they are is then confirmed on all rows. The kinds of columns are inferred on rows that
    training may see, never on test rows.
    """
    sources = open_sources(config)
    deciding = read_deciding(sources, config)
    assignment = _assign(deciding, config)
    totals = _count(deciding, assignment)
    _require_all_classes(deciding, totals.classes["train"])
    plan, n_unlabelled = _plan(deciding, assignment, config, n_columns=len(sources.schema)), deciding.n_unlabelled
    target = deciding.target
    del deciding, assignment  # on many rows as large as what is to come
    give_back()
    streamed = write_parts(sources, plan, folder=folder)
    with ThreadPoolExecutor(max_workers=2 * len(streamed.parts)) as pool:
        # The disk takes the files while the sample is looked at.
        paths = {name: part.path for name, part in streamed.parts.items()}
        sha256 = {name: pool.submit(files.sha256, path) for name, path in paths.items()}
        flushed = [pool.submit(files.flush_to_disk, path) for path in paths.values()]
        schema = _schema(streamed, target, config)
        _require_features(sources, schema)
        findings = with_time_findings(
            audit_split(streamed.samples, schema, kind=config.split.kind, seed=config.seed, totals=totals),
            streamed.samples,
            schema,
            time=label_time(config.data) or config.split.time_column,
            known_ahead=config.data.known_ahead,
            joins=sources.joins,
            rows={name: part.rows for name, part in streamed.parts.items()},
        )
    for future in flushed:
        future.result()
    return Division(
        schema=schema,
        parts=streamed.parts,
        sha256={name: future.result() for name, future in sha256.items()},
        classes=totals.classes,
        findings=findings,
        n_unlabelled=n_unlabelled,
        n_kept_out=totals.n_kept_out,
    )


def _assign(deciding: Deciding, config: Config) -> Assignment:
    """Return the split of each labelled row of the source."""
    return assign_rows(
        deciding.y,
        config.split,
        seed=config.seed,
        groups=deciding.groups,
        moments=deciding.moments,
        keys=deciding.hashes if config.split.kind == "hash" else deciding.keys,
        has_test=config.data.test_source is not None,
    )


def _count(deciding: Deciding, assignment: Assignment) -> Totals:
    """Return what is counted over all rows."""
    classes = _count_classes(deciding, assignment)
    return Totals(
        rows={name: sum(counts) for name, counts in classes.items()},
        classes=classes,
        n_shared_groups=0 if deciding.groups is None else _count_shared(deciding.groups, assignment, deciding),
        n_without_group=deciding.n_without_group,
        n_kept_out=int(np.count_nonzero(assignment.parts == NOWHERE)),
    )


def _count_shared(groups: NDArray[np.int32], assignment: Assignment, deciding: Deciding) -> int:
    """Return how many groups have rows in more than one split."""
    sides = [groups[assignment.parts == part] for part in range(len(assignment.names))]
    sides += [] if deciding.test_groups is None else [deciding.test_groups]
    n_splits = np.zeros(1 + max(int(side.max(initial=0)) for side in sides), dtype=np.uint8)
    for side in sides:
        there = np.zeros(len(n_splits), dtype=np.uint8)
        there[side] = 1
        n_splits += there
    return int(np.count_nonzero(n_splits > 1))


def _count_classes(deciding: Deciding, assignment: Assignment) -> dict[str, tuple[int, ...]]:
    """Return the rows of each class in each split."""
    n_classes = deciding.target.n_classes
    cells = assignment.parts.astype(np.int32) * n_classes + deciding.y
    counts = np.bincount(cells, minlength=(NOWHERE + 1) * n_classes).reshape(-1, n_classes)
    classes = {name: tuple(int(n) for n in counts[part]) for part, name in enumerate(assignment.names)}
    if len(deciding.y_test):
        classes["test"] = tuple(int(n) for n in np.bincount(deciding.y_test, minlength=n_classes))
    return classes


def _plan(deciding: Deciding, assignment: Assignment, config: Config, *, n_columns: int) -> Plan:
    """Return where the rows of both sources go, those without a label to no split, and which are looked at closely."""
    has_test_source = config.data.test_source is not None
    names = (*assignment.names, "test") if has_test_source else assignment.names
    parts = _spread(assignment.parts, deciding.labelled, NOWHERE)
    keys = None if deciding.keys is None else _spread(deciding.keys, deciding.labelled, 0)
    if has_test_source:
        test_parts = np.where(deciding.test_labelled, names.index("test"), NOWHERE).astype(np.uint8)
        parts = np.concatenate([parts, test_parts])
        keys = None if keys is None else np.concatenate([keys, np.arange(len(test_parts), dtype=np.uint64)])
    return Plan(
        names=names,
        parts=parts,
        keys=keys,
        sample=_sample(parts, keys, size=sample_size(n_columns), seed=config.seed),
        has_test_source=has_test_source,
        seen=deciding.seen,
    )


def _spread(values: NDArray[Number], labelled: NDArray[np.bool_], other: int) -> NDArray[Number]:
    """Return values of labelled rows as values of all rows."""
    if labelled.all():
        return values
    spread = np.full(len(labelled), other, dtype=values.dtype)
    spread[labelled] = values
    return spread


def _sample(parts: NDArray[np.uint8], keys: NDArray[np.uint64] | None, *, size: int, seed: int) -> NDArray[np.int64]:
    """Return rows that are in a split, all of them or about so many, by their keys where there are some."""
    n_rows = int(np.count_nonzero(parts != NOWHERE))
    if n_rows <= size:
        return np.flatnonzero(parts != NOWHERE)
    # Scattered anew: the keys themselves say which split a row is in. The lowest are wanted, of which these are enough.
    bound = np.uint64(min(1.0, 1.2 * size / n_rows) * (2**64 - 2**12))
    rows, ranks = [], []
    for start in range(0, len(parts), CHUNK_ROWS):  # all at once would take as much as a pass over the rows
        here = parts[start : start + CHUNK_ROWS]
        numbers = (
            np.arange(start, start + len(here), dtype=np.uint64) if keys is None else keys[start : start + len(here)]
        )
        scattered = mixed(numbers, seed=seed)
        low = np.flatnonzero((here != NOWHERE) & (scattered <= bound))
        rows.append(low + start)
        ranks.append(scattered[low])
    found, order = np.concatenate(rows), np.concatenate(ranks)
    return np.sort(found if len(found) <= size else found[np.argpartition(order, size)[:size]])


def _schema(streamed: Streamed, target: Target, config: Config) -> Schema:
    """Return what the columns mean, seen on the sampled rows that training may see and confirmed on all of them."""
    names = [name for name in streamed.parts if name != "test"]
    table = pa.concat_tables([streamed.samples[name] for name in names])
    split = config.split
    keys = (split.key_column,) if split.key_column else ()
    schema = infer_schema(table, target, config.data, group=split.group_column, time=split.time_column, ids=keys)
    if table.num_rows == sum(streamed.parts[name].rows for name in names):
        return schema
    return confirm_columns(schema, partial(_read_column, paths=[streamed.parts[name].path for name in names]))


def _read_column(name: str, *, paths: Sequence[Path]) -> Iterator[pa.ChunkedArray]:
    """Yield one column of some files, a row group at a time."""
    for path in paths:
        with pq.ParquetFile(path, pre_buffer=False) as reader:
            for group in range(reader.num_row_groups):
                yield reader.read_row_group(group, columns=[name]).column(name)


def _require_features(sources: Sources, schema: Schema) -> None:
    """Refuse a test source without a column that models learn from."""
    lacking = [c.name for c in schema.features if c.name in sources.lacking]
    if lacking:
        raise DataError(
            f"the test source lacks columns: {listed(lacking)}", where=sources.test_origin, hint="see data.test_source"
        )


def _require_all_classes(deciding: Deciding, counts: tuple[int, ...]) -> None:
    """Refuse a train split that lacks a class: no model could ever predict it."""
    absent = [label_text(deciding.target.classes[code]) for code in np.flatnonzero(np.array(counts) == 0)]
    if absent:
        raise DataError(
            f"the train split has no rows of class {listed(absent)}",
            where=f"column {deciding.target.name!r}",
            hint="use another split.kind or cut-off, or remove these rows",
        )
