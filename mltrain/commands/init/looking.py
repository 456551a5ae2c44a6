"""What is seen of a table before a config is written: some rows of it, and what only all rows can tell.

The rows themselves stay where they are, for they may be more than memory holds: a sample says what the columns mean,
and the columns that a single row can refute pass by one at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from mltrain.commands.init.target import TargetGuess, guess_target
from mltrain.config import DataSection
from mltrain.data import Rows, Schema
from mltrain.data.confirming import confirm_columns
from mltrain.data.loading import check_target, infer_schema
from mltrain.data.locations import NO_ROWS_HINT
from mltrain.data.rows import count_rows, iter_batches
from mltrain.data.sampling import sample_rows, sample_size
from mltrain.data.target import check_target_type, count_labels, counted_target, unlabelled
from mltrain.errors import DataError


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """What a table says.

    Attributes
    ----------
    sample : pyarrow.Table
        Some labelled rows, all of them where they are few.
    sampled_schema : Schema
        What the sample says of the columns.
    schema : Schema
        What all rows say of them.
    counts : tuple of int
        Rows of each class, in the order of the target's classes.
    n_unlabelled : int
        Rows without a label.
    guess : TargetGuess, optional
        Why this column is the target, where nobody said.
    """

    sample: pa.Table
    sampled_schema: Schema
    schema: Schema
    counts: tuple[int, ...]
    n_unlabelled: int
    guess: TargetGuess | None


def look_at(rows: Rows, said: DataSection, *, origin: str) -> Look:
    """Look at the rows of a source.

    Parameters
    ----------
    said : DataSection
        What the user says of the data. The column to predict is guessed from names and values when nobody said it
        and it is obvious.
    origin : str
        What ``data.source`` is to be.

    Raises
    ------
    mltrain.errors.DataError
        The rows cannot be read or used, or the target cannot be told.
    """
    n_rows = count_rows(rows, origin=origin)
    if n_rows == 0:
        raise DataError("there are no rows", where=origin, hint=NO_ROWS_HINT)
    table = sample_rows(rows, size=sample_size(len(rows.schema)), origin=origin)
    guess = guess_target(table) if said.target is None else None
    section = said if guess is None else said.model_copy(update={"target": guess.column})
    name = check_target(table.column_names, section)
    check_target_type(rows.schema.field(name).type, name, origin=origin)
    labels = count_labels(_read(rows, name, origin=origin))
    found = counted_target(labels, name, positive=section.positive_class, origin=origin)
    sample = table.filter(pa.array(~unlabelled(table.column(name))))
    sampled = infer_schema(sample, found, section)
    is_whole = table.num_rows == n_rows
    by_class = labels.by_class()
    return Look(
        sample=sample,
        sampled_schema=sampled,
        schema=sampled if is_whole else confirm_columns(sampled, lambda column: _read(rows, column, origin=origin)),
        counts=tuple(by_class[label] for label in found.classes),
        n_unlabelled=n_rows - int(labels.n_rows.sum()),
        guess=guess,
    )


def _read(rows: Rows, name: str, *, origin: str) -> Iterator[pa.ChunkedArray]:
    """Yield the values of one column, some rows at a time."""
    for batch in iter_batches(rows, origin=origin, columns=[name]):
        yield pa.chunked_array([batch.column(0)])
