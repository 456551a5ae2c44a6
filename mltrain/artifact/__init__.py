"""Save and load a fitted model as a folder of hashed files; never unpickles, never imports what a file names.

The folder holds ``manifest.json`` (what is inside, the hash of every other file), ``schema.json`` (columns,
target, calibrator), ``encoders.json``, ``profile.json`` (what the features looked like in training),
``seen_rows.json`` (which rows it was developed on, as hashes) and one ``members/NNN.bin`` for each member, written and
read by its own family.
"""

from __future__ import annotations

import hashlib
import json
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from mltrain import files, plugins
from mltrain.artifact.consistency import check_parts
from mltrain.artifact.manifest import (
    MANIFEST,
    RETRAIN,
    Manifest,
    MemberEntry,
    changed,
    manifest_document,
    member_file,
    read_manifest,
)
from mltrain.calibration import calibrator_from_dict, calibrator_to_dict
from mltrain.data.records import schema_from_dict, schema_to_dict
from mltrain.drift import Profile, profile_from_dict, profile_to_dict
from mltrain.errors import DataError
from mltrain.model import Member, Model
from mltrain.preprocessing import encoder_from_dict, encoder_to_dict
from mltrain.seen_rows import MOST_BYTES, SeenRows, seen_rows_from_dict, seen_rows_to_dict

__all__ = [
    "MANIFEST",
    "Manifest",
    "load_model",
    "load_profile",
    "load_seen_rows",
    "read_manifest",
    "save_model",
    "save_pickle",
    "verify",
]

_SCHEMA = "schema.json"
_ENCODERS = "encoders.json"
_PROFILE = "profile.json"
_SEEN_ROWS = "seen_rows.json"

Part = TypeVar("Part")


def save_model(
    model: Model,
    directory: Path,
    *,
    record: Mapping[str, Any],
    profile: Profile | None = None,
    seen_rows: SeenRows | None = None,
) -> Manifest:
    """Write a model to ``directory``, replacing what was there, and return its manifest.

    Parameters
    ----------
    record : mapping
        JSON values that describe the model; ``metric`` is also shown at the top of the manifest.
    profile : Profile, optional
        What the features looked like in training, for `load_profile`.
    seen_rows : SeenRows, optional
        Which rows the model was developed on, for `load_seen_rows`.
    """
    with files.atomic_directory(directory) as folder:
        contents = _contents(model)
        if profile is not None:
            contents[_PROFILE] = _json_bytes(profile_to_dict(profile))
        if seen_rows is not None:
            contents[_SEEN_ROWS] = _json_bytes(seen_rows_to_dict(seen_rows))
        for name, data in contents.items():
            files.write_bytes(folder / name, data)
        hashes = {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()}
        document = manifest_document(model, hashes, record=record)
        files.write_bytes(folder / MANIFEST, _json_bytes(document))
    return read_manifest(directory)


def load_model(directory: Path, *, expected_manifest_sha256: str | None = None) -> Model:
    """Read a model, checking every byte before it is used.

    Parameters
    ----------
    expected_manifest_sha256 : str, optional
        What the manifest must hash to, as the run that made the model recorded it.

    Raises
    ------
    mltrain.errors.DataError
        A file is changed, missing, unexpected, or not what its family writes, or the parts do not make one model; the
        message says which.
    mltrain.errors.NoRunError
        There is no model in ``directory``.
    mltrain.errors.PluginError
        A member's family is not installed.
    """
    manifest = read_manifest(directory, expected_sha256=expected_manifest_sha256)
    contents = _checked_contents(directory, manifest)
    try:
        shape = json.loads(contents[_SCHEMA])
        encoders = json.loads(contents[_ENCODERS])
        calibrator = shape["calibrator"]
        model = Model(
            schema=schema_from_dict(shape["schema"]),
            encoders={kind: encoder_from_dict(encoder) for kind, encoder in encoders.items()},
            members=tuple(_load_member(entry, contents[entry.file]) for entry in manifest.members),
            calibrator=None if calibrator is None else calibrator_from_dict(calibrator),
            threshold=manifest.threshold,
            name=manifest.name,
        )
        check_parts(model)
        return model
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError) as error:
        raise DataError(f"artefact cannot be read: {error}", where=str(directory), hint=RETRAIN) from error


def load_profile(directory: Path, *, expected_manifest_sha256: str | None = None) -> Profile | None:
    """Return what the features looked like in training, None for a model that was saved without.

    Raises
    ------
    mltrain.errors.DataError
        The file is changed, missing or no profile.
    mltrain.errors.NoRunError
        There is no model in ``directory``.
    """
    manifest = read_manifest(directory, expected_sha256=expected_manifest_sha256)
    if _PROFILE not in manifest.files:
        return None
    return _read_json(directory, _PROFILE, manifest, rebuild=profile_from_dict)


def load_seen_rows(directory: Path, *, expected_manifest_sha256: str | None = None) -> SeenRows | None:
    """Return which rows the model was developed on, None for one that was saved without, as older ones were.

    Raises
    ------
    mltrain.errors.DataError
        The file is changed, missing, too large or no such record.
    mltrain.errors.NoRunError
        There is no model in ``directory``.
    """
    manifest = read_manifest(directory, expected_sha256=expected_manifest_sha256)
    if _SEEN_ROWS not in manifest.files:
        return None
    return _read_json(directory, _SEEN_ROWS, manifest, rebuild=seen_rows_from_dict, most_bytes=MOST_BYTES)


def _read_json(
    directory: Path,
    name: str,
    manifest: Manifest,
    *,
    rebuild: Callable[[Mapping[str, Any]], Part],
    most_bytes: int | None = None,
) -> Part:
    """Read one JSON file of an artefact, its hash checked."""
    path = directory / name
    try:
        if most_bytes is not None and path.stat().st_size > most_bytes:
            raise ValueError(f"{path.stat().st_size:,} bytes are more than it can have")
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() != manifest.files[name]:
            raise changed(name, directory)
        return rebuild(json.loads(data))
    except FileNotFoundError as error:
        raise changed(name, directory) from error
    except ValueError as error:
        raise DataError(f"artefact cannot be read: {error}", where=str(path), hint=RETRAIN) from error


def verify(directory: Path, *, expected_manifest_sha256: str | None = None) -> None:
    """Check every hash of an artefact without building the model.

    Raises
    ------
    mltrain.errors.DataError
        A file is changed, missing or unexpected; the message names it.
    mltrain.errors.NoRunError
        There is no model in ``directory``.
    """
    _checked_contents(directory, read_manifest(directory, expected_sha256=expected_manifest_sha256))


def save_pickle(model: Model, path: Path) -> None:
    """Write ``model`` for the user's own `pickle.load`; mltrain never reads it back."""
    files.write_bytes(path, pickle.dumps(model, protocol=5))


def _contents(model: Model) -> dict[str, bytes]:
    """Return the bytes of every file but the manifest."""
    calibrator = model.calibrator
    shape = {
        "schema": schema_to_dict(model.schema),
        "calibrator": None if calibrator is None else calibrator_to_dict(calibrator),
    }
    encoders = {kind: encoder_to_dict(encoder) for kind, encoder in model.encoders.items()}
    contents = {_SCHEMA: _json_bytes(shape), _ENCODERS: _json_bytes(encoders)}
    for position, member in enumerate(model.members):
        contents[member_file(position)] = plugins.load("models", member.family).dump(member.fitted)
    return contents


def _checked_contents(directory: Path, manifest: Manifest) -> dict[str, bytes]:
    """Read every file named in the manifest once, and refuse anything that differs from it."""
    found = {path.relative_to(directory).as_posix() for path in directory.rglob("*") if not path.is_dir()}
    for name in sorted(found - set(manifest.files) - {MANIFEST}):
        raise changed(name, directory)
    contents = {}
    for name, sha256 in manifest.files.items():
        path = directory / name
        if name not in found or path.is_symlink() or (path.parent.is_symlink() and path.parent != directory):
            raise changed(name, directory)
        contents[name] = path.read_bytes()
        if hashlib.sha256(contents[name]).hexdigest() != sha256:
            raise changed(name, directory)
    return contents


def _load_member(entry: MemberEntry, data: bytes) -> Member:
    """Let the member's own family rebuild it."""
    return Member(
        family=entry.family,
        weight=entry.weight,
        fitted=plugins.load("models", entry.family).load(data),
        features=None if entry.features is None else np.asarray(entry.features, dtype=np.intp),
        sharpness=entry.sharpness,
    )


def _json_bytes(value: object) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode()
