"""The second pass over the rows: each goes to the file of its split, and a sample stays for a closer look."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mltrain.commands.split.agreement import Seen, source_changed
from mltrain.commands.split.parts import MOST_FILES, Part, PartByKey, PartInOrder, WrittenPart
from mltrain.commands.split.sources import Sources
from mltrain.splitting.partition import Parts


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """Where the rows of both sources go, one entry each, in order.

    Attributes
    ----------
    names : tuple of str
        The splits.
    parts : ndarray of shape (n_rows,)
        Number of the row's split in ``names``; `NOWHERE` for rows that are in none.
    keys : ndarray of shape (n_rows,), optional
        Hashes that say in which order the rows of a split stand; of those of the test source they mean nothing.
    sample : ndarray of int
        Rows to keep for a closer look, ascending.
    seen : Seen
        What the first pass saw.
    """

    names: tuple[str, ...]
    parts: Parts
    keys: NDArray[np.uint64] | None
    sample: NDArray[np.int64]
    has_test_source: bool
    seen: Seen


@dataclass(frozen=True, kw_only=True, slots=True)
class Streamed:
    """The files written, by split, and the sampled rows of each in the order of its file."""

    parts: Mapping[str, WrittenPart]
    samples: Mapping[str, pa.Table]


def write_parts(sources: Sources, plan: Plan, *, folder: Path) -> Streamed:
    """Write the rows of each split to a file in ``folder``, side by side.

    Raises
    ------
    mltrain.errors.DataError
        A source cannot be read, or its rows are not those that the plan was made of.
    """
    counts = np.bincount(plan.parts, minlength=len(plan.names))
    writers = [
        _open_part(name, sources.schema, plan, n_rows=int(counts[i]), folder=folder)
        for i, name in enumerate(plan.names)
    ]
    sampled: list[pa.RecordBatch] = []
    seen = plan.seen.anew()
    with ThreadPoolExecutor(max_workers=len(writers) + 1) as pool:
        pending: list[Future[None]] = []
        start = 0
        for batch in chain(sources.batches(), sources.test_batches()):
            rows = slice(start, start + batch.num_rows)
            start = rows.stop
            if start > len(plan.parts):
                raise source_changed(sources.origin)
            first, last = np.searchsorted(plan.sample, (rows.start, rows.stop))
            sampled.append(batch.take(pa.array(plan.sample[first:last] - rows.start)))
            keys = None if plan.keys is None else plan.keys[rows]
            inside = [np.flatnonzero(plan.parts[rows] == i) for i in range(len(writers))]
            _wait(pending)  # this batch was read meanwhile
            pending = [pool.submit(_add, *pair, batch, keys) for pair in zip(writers, inside, strict=True)]
            pending.append(pool.submit(seen.add, batch))
        _wait(pending)
    if start < len(plan.parts) or not seen.is_same(plan.seen):
        raise source_changed(sources.origin)
    # Rows that are sorted by key are read again, a bucket at a time for each file: then one file after the other.
    with ThreadPoolExecutor(max_workers=len(writers) if plan.keys is None else 1) as pool:
        written = list(pool.map(lambda part: part.finish(), writers))
    return Streamed(
        parts=dict(zip(plan.names, written, strict=True)),
        samples=_samples(pa.Table.from_batches(sampled, schema=sources.schema), plan),
    )


def _open_part(name: str, schema: pa.Schema, plan: Plan, *, n_rows: int, folder: Path) -> Part:
    """Return where the rows of one split go."""
    part = PartInOrder(folder / f"{name}.parquet", schema)
    if plan.keys is None or (name == "test" and plan.has_test_source):
        return part
    most_files = MOST_FILES * n_rows // max(len(plan.parts), 1)
    return PartByKey(part, schema, n_rows=n_rows, folder=folder / name, most_files=most_files)


def _add(part: Part, inside: NDArray[np.intp], batch: pa.RecordBatch, keys: NDArray[np.uint64] | None) -> None:
    """Hand the rows of one split to its file."""
    if len(inside):
        # Taken, which costs a third of filtering, and not sliced: a slice would hold on to the whole batch.
        part.add(batch.take(pa.array(inside)), None if keys is None else keys[inside])


def _wait(pending: Iterable[Future[None]]) -> None:
    """Wait for all, and raise what one of them raised."""
    for future in pending:
        future.result()


def _samples(sampled: pa.Table, plan: Plan) -> dict[str, pa.Table]:
    """Return the sampled rows of each split."""
    parts = plan.parts[plan.sample]
    samples = {}
    for i, name in enumerate(plan.names):
        rows = np.flatnonzero(parts == i)
        if plan.keys is not None and not (name == "test" and plan.has_test_source):
            rows = rows[np.argsort(plan.keys[plan.sample[rows]], kind="stable")]
        samples[name] = sampled.take(pa.array(rows))
    return samples
