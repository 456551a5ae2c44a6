"""Save and load a fitted model as a folder of hashed files; never unpickles, never imports what a file names.

The folder holds ``manifest.json`` (what is inside, the hash of every other file), ``schema.json`` (columns,
target, calibrator), ``encoders.json`` and one ``members/NNN.bin`` for each member, written and read by its
own family.
"""

from __future__ import annotations

import hashlib
import json
import pickle
import re
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from mltrain import files, plugins
from mltrain._version import __version__
from mltrain.calibration import calibrator_from_dict, calibrator_to_dict
from mltrain.data import Label
from mltrain.data.records import schema_from_dict, schema_to_dict
from mltrain.errors import DataError, NoRunError
from mltrain.model import Member, Model
from mltrain.preprocessing import encoder_from_dict, encoder_to_dict

FORMAT = 1
MANIFEST = "manifest.json"

_SCHEMA = "schema.json"
_ENCODERS = "encoders.json"
_ALLOWED = re.compile(r"schema\.json|encoders\.json|members/\d{3,}\.bin")
_LIBRARIES = ("numpy", "pandas", "pyarrow", "sklearn", "lightgbm", "xgboost")


@dataclass(frozen=True, kw_only=True, slots=True)
class MemberEntry:
    """One member of the model; ``features`` holds positions of encoded features, None for all."""

    file: str
    family: str
    weight: float
    features: tuple[int, ...] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """What an artefact holds.

    Attributes
    ----------
    sha256 : str
        Hash of the manifest file itself; it covers every other file through ``files``.
    files : mapping of str to str
        Relative posix name to sha256.
    record : mapping
        What training wrote down about the model (metric, run id, data fingerprint, …).
    """

    name: str
    created: str
    mltrain: str
    versions: Mapping[str, str]
    files: Mapping[str, str]
    members: tuple[MemberEntry, ...]
    classes: tuple[Label, ...]
    threshold: float | None
    metric: str | None
    record: Mapping[str, Any]
    sha256: str

    @property
    def families(self) -> tuple[str, ...]:
        """Names of the families inside, each once, in member order."""
        return tuple(dict.fromkeys(member.family for member in self.members))


def save_model(model: Model, directory: Path, *, record: Mapping[str, Any]) -> Manifest:
    """Write a model to ``directory``, replacing what was there, and return its manifest.

    Parameters
    ----------
    record : mapping
        JSON values that describe the model; ``metric`` is also shown at the top of the manifest.
    """
    with files.atomic_directory(directory) as folder:
        contents = _contents(model)
        for name, data in contents.items():
            files.write_bytes(folder / name, data)
        hashes = {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()}
        document = _manifest_document(model, hashes, record=record)
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
        A file is changed, missing, unexpected, or not what its family writes; the message names it.
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
        return Model(
            schema=schema_from_dict(shape["schema"]),
            encoders={kind: encoder_from_dict(encoder) for kind, encoder in encoders.items()},
            members=tuple(_load_member(entry, contents[entry.file]) for entry in manifest.members),
            calibrator=None if calibrator is None else calibrator_from_dict(calibrator),
            threshold=manifest.threshold,
            name=manifest.name,
        )
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"artefact cannot be read: {error}", where=str(directory), hint=_RETRAIN) from error


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


def read_manifest(directory: Path, *, expected_sha256: str | None = None) -> Manifest:
    """Read the manifest alone; the other files are not looked at.

    Raises
    ------
    mltrain.errors.NoRunError
        There is none.
    mltrain.errors.DataError
        It is malformed, of another format, or does not hash to ``expected_sha256``.
    """
    path = directory / MANIFEST
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise NoRunError(f"no model in {directory}", where=str(path), hint="mltrain train") from None
    sha256 = hashlib.sha256(data).hexdigest()
    if expected_sha256 is not None and sha256 != expected_sha256:
        raise _changed(MANIFEST, directory)
    try:
        return _manifest_from(json.loads(data), sha256=sha256)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"malformed manifest: {error}", where=str(path), hint=_RETRAIN) from error


_RETRAIN = "fetch the model again, or run mltrain train"


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
        contents[_member_file(position)] = plugins.load("models", member.family).dump(member.fitted)
    return contents


def _manifest_document(model: Model, hashes: Mapping[str, str], *, record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the manifest as JSON values."""
    members = tuple(
        MemberEntry(
            file=_member_file(position),
            family=member.family,
            weight=float(member.weight),
            features=None if member.features is None else tuple(int(f) for f in member.features),
        )
        for position, member in enumerate(model.members)
    )
    return {
        "format": FORMAT,
        "name": model.name,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "mltrain": __version__,
        "versions": {name: str(sys.modules[name].__version__) for name in _LIBRARIES if name in sys.modules},
        "metric": record.get("metric"),
        "classes": list(model.schema.target.classes),
        "threshold": None if model.threshold is None else float(model.threshold),
        "members": [asdict(member) for member in members],
        "files": dict(sorted(hashes.items())),
        "record": dict(record),
    }


def _manifest_from(document: Mapping[str, Any], *, sha256: str) -> Manifest:
    """Rebuild a manifest; ValueError when it is of another format or names a file that it may not."""
    if document["format"] != FORMAT:
        raise ValueError(f"format {document['format']!r}, this mltrain reads {FORMAT}")
    for name in document["files"]:
        if _ALLOWED.fullmatch(name) is None:
            raise ValueError(f"unexpected file name {name!r}")
    return Manifest(
        name=document["name"],
        created=document["created"],
        mltrain=document["mltrain"],
        versions=document["versions"],
        files=document["files"],
        members=tuple(_entry_from(entry) for entry in document["members"]),
        classes=tuple(document["classes"]),
        threshold=document["threshold"],
        metric=document["metric"],
        record=document["record"],
        sha256=sha256,
    )


def _entry_from(entry: Mapping[str, Any]) -> MemberEntry:
    """Rebuild one member's entry."""
    features = entry["features"]
    return MemberEntry(
        file=entry["file"],
        family=entry["family"],
        weight=float(entry["weight"]),
        features=None if features is None else tuple(features),
    )


def _checked_contents(directory: Path, manifest: Manifest) -> dict[str, bytes]:
    """Read every file named in the manifest once, and refuse anything that differs from it."""
    found = {path.relative_to(directory).as_posix() for path in directory.rglob("*") if not path.is_dir()}
    for name in sorted(found - set(manifest.files) - {MANIFEST}):
        raise _changed(name, directory)
    contents = {}
    for name, sha256 in manifest.files.items():
        path = directory / name
        if name not in found or path.is_symlink() or (path.parent.is_symlink() and path.parent != directory):
            raise _changed(name, directory)
        contents[name] = path.read_bytes()
        if hashlib.sha256(contents[name]).hexdigest() != sha256:
            raise _changed(name, directory)
    return contents


def _load_member(entry: MemberEntry, data: bytes) -> Member:
    """Let the member's own family rebuild it."""
    return Member(
        family=entry.family,
        weight=entry.weight,
        fitted=plugins.load("models", entry.family).load(data),
        features=None if entry.features is None else np.asarray(entry.features, dtype=np.intp),
    )


def _changed(name: str, directory: Path) -> DataError:
    return DataError(f"artefact changed: {name}", where=str(directory / name), hint=_RETRAIN)


def _member_file(position: int) -> str:
    return f"members/{position:03d}.bin"


def _json_bytes(value: object) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode()
