"""One table in, one scored table out; and a stream of them written as one file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pcsv
import pyarrow.parquet as pq

from mltrain import files
from mltrain.data.conforming import conform
from mltrain.data.numbering import shifted
from mltrain.data.target import PREDICTION, proba_names
from mltrain.data.text import decoded, is_text
from mltrain.drift import Profile, Tally
from mltrain.errors import SchemaError
from mltrain.model import Model
from mltrain.models import Proba
from mltrain.threshold import decide
from mltrain.unseen import count_unseen


@dataclass(frozen=True, kw_only=True, slots=True)
class Scored:
    """A batch that was scored.

    Attributes
    ----------
    table : pyarrow.Table
        Id columns, ``prediction`` and ``proba_<class>``.
    unseen : mapping of str to int
        Categorical column to the number of rows whose level the model does not know.
    tally : Tally, optional
        The rows counted in the bins of training.
    """

    table: pa.Table
    unseen: Mapping[str, int]
    tally: Tally | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """Rows to score.

    Attributes
    ----------
    first_row : int
        Rows of the source before this batch, for messages.
    """

    table: pa.Table
    first_row: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Scorer:
    """What every batch is scored with.

    Attributes
    ----------
    levels : mapping of str to pyarrow.Array
        What `known_levels` returned for the model.
    profile : Profile, optional
        What the features looked like in training.
    threads : int
        For one batch.
    """

    model: Model
    levels: Mapping[str, pa.Array]
    profile: Profile | None
    source: str
    threads: int


def score(batch: Batch, scorer: Scorer) -> Scored:
    """Score one batch.

    Raises
    ------
    mltrain.errors.SchemaError
        A column is missing, or a value cannot be read as its type.
    """
    table, model = batch.table, scorer.model
    try:
        conformed = conform(table, model.schema, origin=scorer.source)
    except SchemaError as error:
        raise SchemaError(
            error.message, where=error.where and shifted(error.where, batch.first_row), hint=error.hint
        ) from error
    proba = model.conformed_proba(conformed, threads=scorer.threads) if table.num_rows else None
    tally = None if scorer.profile is None else Tally(profile=scorer.profile)
    if tally is not None and table.num_rows:
        tally.add(conformed)
    return Scored(table=_output(table, model, proba), unseen=count_unseen(conformed, scorer.levels), tally=tally)


def write_tables(destination: Path, tables: Iterator[pa.Table]) -> None:
    """Write tables of one schema as one Parquet or CSV file, by the suffix; whole or not there."""
    first = next(tables)
    with files.atomic_path(destination) as path, _open_writer(path, first.schema) as writer:
        for table in chain([first], tables):
            writer.write_table(table.cast(first.schema))


def _output(table: pa.Table, model: Model, proba: Proba | None) -> pa.Table:
    """Put ids, decisions and probabilities side by side."""
    names = proba_names(model.schema.target)
    n_classes = len(names)
    there = [name for name in model.schema.ids if name in table.column_names]
    kept = [name for name in there if name not in (PREDICTION, *names)]
    columns = {name: decoded(table.column(name)) for name in kept}
    labels = pa.array(list(model.schema.target.classes))
    if proba is None:
        empty = {name: pa.array([], pa.float64()) for name in names}
        return pa.table({**columns, PREDICTION: labels.slice(0, 0), **empty})
    codes = decide(proba, model.threshold)
    scores = {names[code]: pa.array(proba[:, code]) for code in range(n_classes)}
    return pa.table({**columns, PREDICTION: labels.take(pa.array(codes)), **scores})


def _open_writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter | pcsv.CSVWriter:
    """Open a writer for the suffix of ``path``."""
    if path.suffix.lower() == ".csv":
        return pcsv.CSVWriter(path, schema)
    texts = [field.name for field in schema if is_text(field.type)]
    # Probabilities hardly repeat: a dictionary of them would be given up after a while.
    return pq.ParquetWriter(path, schema, compression="zstd", use_dictionary=texts)
