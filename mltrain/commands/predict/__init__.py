"""`mltrain predict`: score a file with a registered or trained model, in bounded memory."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

import pyarrow as pa

from mltrain import artifact, files, registry
from mltrain.commands.predict.destination import check_destination
from mltrain.commands.predict.opening import open_source
from mltrain.commands.predict.overlap import in_order
from mltrain.commands.predict.retyped import type_notes
from mltrain.commands.predict.scoring import Batch, Scorer, score, write_tables
from mltrain.config import Config
from mltrain.config.consistency import KEEP_SECRETS_UNTYPED
from mltrain.data.conforming import require_columns
from mltrain.data.streaming import Stream
from mltrain.drift import ColumnDrift, Tally, column_drifts
from mltrain.errors import NoRunError, UsageError
from mltrain.events import Listener, StageFinished, StageStarted, ignore
from mltrain.model import Model, available_cores
from mltrain.redaction import carries_secret
from mltrain.unseen import known_levels
from mltrain.workspace import Workspace


@dataclass(frozen=True, kw_only=True, slots=True)
class PredictResult:
    """What was scored.

    Attributes
    ----------
    model : str
        What the model is called: a registered name, a run id or a folder.
    version : str, optional
        Version in the registry, when the model came from there.
    unseen : mapping of str to int
        Categorical column to the number of rows whose level the model has never seen.
    drift : tuple of ColumnDrift
        Every column against training, the largest first; empty for models that were saved without a profile.
    drift_file : Path, optional
        Where ``drift`` is kept, beside ``destination``.
    """

    rows: int
    destination: Path
    model: str
    version: str | None
    seconds: float
    unseen: Mapping[str, int]
    notes: tuple[str, ...]
    drift: tuple[ColumnDrift, ...] = ()
    drift_file: Path | None = None
    exit_code: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class _Found:
    """Where a model lies and what it must hash to."""

    directory: Path
    model: str
    version: str | None = None
    manifest: str | None = None


@dataclass(kw_only=True, slots=True)
class _Counts:
    """What is counted while batches pass."""

    rows: int = 0
    unseen: Counter[str] = field(default_factory=Counter)
    seen: Tally | None = None
    schema: pa.Schema | None = None


def predict(
    config: Config | None,
    workspace: Workspace,
    *,
    source: str,
    destination: Path,
    model: str = registry.CHAMPION,
    listener: Listener = ignore,
) -> PredictResult:
    """Write ``prediction`` and ``proba_<class>`` beside the id columns, row for row.

    Parameters
    ----------
    source : str
        A file, a folder, a glob, a URL or a database, read in batches; what a plug-in only loads whole is read so.
        Rows that lack features which the config joins (`data.asof`, a feature store) get them a piece at a time.
    destination : Path
        ``.parquet`` or ``.csv``; whole or not there.
    model : str
        Folder of a model, alias, version or run id, looked for in this order.

    Raises
    ------
    mltrain.errors.SchemaError
        A column is missing, or a value cannot be read as its type; names column and row.
    mltrain.errors.NoRunError
        There is no such model.
    mltrain.errors.UsageError
        The source holds a secret, which is not shown; the destination has another suffix, or is a part of the source.
    """
    started = time.monotonic()
    if carries_secret(source):
        raise UsageError("the address holds a password or token", where="IN", hint=KEEP_SECRETS_UNTYPED)
    check_destination(destination, source=source)
    found = _find_model(config, workspace, model)
    fitted = artifact.load_model(found.directory, expected_manifest_sha256=found.manifest)
    profile = artifact.load_profile(found.directory, expected_manifest_sha256=found.manifest)
    listener(StageStarted(stage="predict", detail=f"{source} with {found.model}"))
    stream = open_source(config, source, fitted)
    require_columns(stream.names, fitted.schema, origin=source)  # batches no longer have the columns that are unknown
    counts = _Counts(seen=None if profile is None else Tally(profile=profile))
    write_tables(destination, _scored(stream, fitted, source=source, counts=counts))
    drift = () if counts.seen is None else column_drifts(counts.seen)
    drift_file = _leave_drift(destination, drift, counts, model=found)
    seconds = time.monotonic() - started
    listener(StageFinished(stage="predict", seconds=seconds, detail=f"{counts.rows} rows"))
    return PredictResult(
        rows=counts.rows,
        destination=destination,
        model=found.model,
        version=found.version,
        seconds=seconds,
        unseen={name: n for name, n in sorted(counts.unseen.items()) if n},
        notes=(*_notes(stream, fitted), *type_notes(fitted.schema, counts.schema if stream.is_typed else None)),
        drift=drift,
        drift_file=drift_file,
    )


def _scored(stream: Stream, model: Model, *, source: str, counts: _Counts) -> Iterator[pa.Table]:
    """Score as many batches at once as there are cores, one thread each, counting as they pass in order.

    That way reading, encoding and predicting use all cores, not predicting alone.
    """
    scorer = Scorer(
        model=model,
        levels=known_levels(model),
        profile=None if counts.seen is None else counts.seen.profile,
        source=source,
        threads=1,
    )
    for scored in in_order(partial(score, scorer=scorer), _batches(stream, counts), n_workers=available_cores()):
        counts.rows += scored.table.num_rows
        counts.unseen.update(scored.unseen)
        if counts.seen is not None and scored.tally is not None:
            counts.seen.join(scored.tally)
        yield scored.table


def _batches(stream: Stream, counts: _Counts) -> Iterator[Batch]:
    """Yield batches with the number of rows before each; keep the types that the source has."""
    n_before = 0
    for table in stream.tables:
        counts.schema = table.schema
        yield Batch(table=table, first_row=n_before)
        n_before += table.num_rows


def _leave_drift(destination: Path, drift: tuple[ColumnDrift, ...], counts: _Counts, *, model: _Found) -> Path | None:
    """Keep the drift beside the predictions; nothing where nothing was counted."""
    if counts.seen is None or not drift:
        return None
    path = destination.with_suffix(".drift.json")
    files.write_json(
        path,
        {
            "format": 1,
            "model": model.model,
            "version": model.version,
            "rows": counts.seen.n_rows,
            "rows_counted": counts.seen.n_counted,
            "columns": [asdict(one) for one in drift],
            "unseen": {name: n for name, n in sorted(counts.unseen.items()) if n},
        },
    )
    return path


def _find_model(config: Config | None, workspace: Workspace, word: str) -> _Found:
    """Look for a folder, an alias or a version, then a run."""
    if (Path(word) / artifact.MANIFEST).is_file():
        return _Found(directory=Path(word), model=word)
    name = _registered_name(config, workspace)
    registered = None if name is None else registry.read(workspace.registry, name)
    if registered is not None and (word in registered.aliases or word.isdecimal()):
        version = registry.resolve(workspace.registry, registered.name, word)
        directory = registry.directory(workspace.registry, version) / "model"
        return _Found(directory=directory, model=version.name, version=version.version, manifest=version.manifest)
    if word != registry.CHAMPION and (workspace.run(word) / "model").is_dir():
        return _Found(directory=workspace.run(word) / "model", model=word)
    raise NoRunError(
        f"no model {word!r}: neither a folder, an alias, a version nor a run id",
        where=str(workspace.root),
        hint="mltrain register" if word == registry.CHAMPION else "mltrain registry ls, mltrain runs ls",
    )


def _registered_name(config: Config | None, workspace: Workspace) -> str | None:
    """Return the config's registered name, or the only one there is."""
    if config is not None:
        return registry.registered_name(config.registry, config.train)
    there = registry.names(workspace.registry)
    if len(there) > 1:
        raise UsageError(
            f"several models are registered: {', '.join(there)}",
            where=str(workspace.registry),
            hint="name a config file with --config, or a model folder with --model",
        )
    return there[0] if there else None


def _notes(stream: Stream, model: Model) -> tuple[str, ...]:
    """Say which columns of the source were not used, and which ids it lacks."""
    known = {c.name for c in model.schema.columns} | {model.schema.target.name}
    extra = [name for name in stream.names if name not in known]
    lacking = [name for name in model.schema.ids if name not in stream.names]
    notes = []
    if extra:
        notes.append(f"columns not known to the model were ignored: {', '.join(extra[:10])}")
    if lacking:
        notes.append(f"id columns are not in the source: {', '.join(lacking)}")
    if stream.partial_ids:
        notes.append(f"id columns are not in all files of the source: {', '.join(stream.partial_ids)}")
    return tuple(notes)
