"""What a rebuilt model rests on: the run that is meant, its config, the split on disk, the versions of today."""

from __future__ import annotations

from pathlib import Path

from mltrain import registry
from mltrain.config import Config
from mltrain.config.loading import from_mapping
from mltrain.data import Schema
from mltrain.data.splits import SplitRecord, changed_keys, read_split_record
from mltrain.errors import ConfigError, DataError
from mltrain.provenance import provenance
from mltrain.record import RECORD, RunRecord
from mltrain.search import derive
from mltrain.workspace import Workspace

_LEARNT_FROM = ("train", "validation", "calibration")


def find_run(config: Config | None, workspace: Workspace, word: str) -> str:
    """Return the id of the run that an alias or a version of the registered model means; else the word itself.

    Raises
    ------
    mltrain.errors.UsageError
        The word cannot be a run id.
    """
    there = registry.names(workspace.registry)
    name = registry.registered_name(config.registry, config.train) if config else there[0] if len(there) == 1 else None
    if name in there:
        registered = registry.read(workspace.registry, name)
        if word in registered.aliases or word.isdecimal():
            return registry.resolve(workspace.registry, name, word).run_id
    return word


def recorded_config(record: RunRecord, directory: Path) -> Config:
    """Return the config as the run had it.

    Raises
    ------
    mltrain.errors.ConfigError
        This version of mltrain has other keys or values.
    """
    try:
        return from_mapping(record.config, require_data=False)
    except ConfigError as error:
        then = record.versions.get("mltrain", "another version")
        message = f"the run's config is not one of this version: {error.message}"
        raise ConfigError(message, where=str(directory / RECORD), hint=f"use mltrain {then}") from error


def same_split(record: RunRecord, config: Config, *, workspace: Workspace, schema: Schema) -> SplitRecord:
    """Return the record of the split on disk when it is the one that the run learnt from; the test rows do not count.

    Raises
    ------
    mltrain.errors.DataError
        There is none, or it has other rows or columns; says which, and which settings it was made with.
    """
    split = read_split_record(workspace.split_record)
    now = {name: part.fingerprint for name, part in split.splits.items()}
    changed = [f"the {name} rows" for name in _LEARNT_FROM if now.get(name) != record.data.get(name)]
    changed += _other_columns(split.schema, schema)
    if changed:
        keys = changed_keys(split, config)
        because = f" (it was made with another {', '.join(keys)})" if keys else ""
        raise DataError(
            f"the split is not the one that {record.run_id} learnt from: {', '.join(changed)} differ{because}",
            where=str(workspace.split_record),
            hint="run `mltrain split` with the source and settings of that run",
        )
    return split


def changes_since(record: RunRecord, config: Config, workspace: Workspace) -> tuple[str, ...]:
    """Name the libraries whose versions are not those of the run, and the trials whose seeds are others now."""
    now = provenance(workspace.root).versions
    versions = [
        f"{name} {then} then, {now.get(name, 'none')} now"
        for name, then in record.versions.items()
        if now.get(name) != then
    ]
    seeds = [
        f"{part.label} had the seed {part.trial.seed}, and would have another now"
        for part in record.parts
        if part.trial.seed != derive(config.seed, part.family, part.trial.number)
    ]
    return tuple(versions + seeds)


def _other_columns(now: Schema, then: Schema) -> list[str]:
    """Name the columns and the target that a model does not know, or knows as something else."""
    mine, theirs = ({c.name: (c.kind, c.arrow_type) for c in schema.columns} for schema in (now, then))
    names = [name for name in {**mine, **theirs} if mine.get(name) != theirs.get(name)]
    columns = [f"column{'s' if len(names) > 1 else ''} {', '.join(names[:10])}"] if names else []
    return columns + ([f"the target {now.target.name}"] if now.target != then.target else [])
