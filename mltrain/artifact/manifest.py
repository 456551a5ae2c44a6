"""The manifest of an artefact: what is inside, and the hash of every other file."""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mltrain._version import __version__
from mltrain.data import Label
from mltrain.errors import DataError, NoRunError
from mltrain.model import Model

FORMAT = 1
MANIFEST = "manifest.json"
RETRAIN = "a registered model: mltrain registry verify says how to restore it; any other: mltrain train"

_ALLOWED = re.compile(r"schema\.json|encoders\.json|profile\.json|seen_rows\.json|members/\d{3,}\.bin")
_LIBRARIES = ("numpy", "pandas", "pyarrow", "sklearn", "lightgbm", "xgboost", "catboost")


@dataclass(frozen=True, kw_only=True, slots=True)
class MemberEntry:
    """One member of the model; ``features`` holds positions of encoded features, None for all."""

    file: str
    family: str
    weight: float
    features: tuple[int, ...] | None
    sharpness: float


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
        raise changed(MANIFEST, directory)
    try:
        return _manifest_from(json.loads(data), sha256=sha256)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"malformed manifest: {error}", where=str(path), hint=RETRAIN) from error


def manifest_document(model: Model, hashes: Mapping[str, str], *, record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the manifest as JSON values."""
    members = tuple(
        MemberEntry(
            file=member_file(position),
            family=member.family,
            weight=float(member.weight),
            features=None if member.features is None else tuple(int(f) for f in member.features),
            sharpness=float(member.sharpness),
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
    """Rebuild one member's entry; ValueError when its features are not positions."""
    features = entry["features"]
    if features is not None and not all(type(position) is int for position in features):
        raise ValueError(f"the features of {entry['file']} are not whole numbers")
    return MemberEntry(
        file=entry["file"],
        family=entry["family"],
        weight=float(entry["weight"]),
        features=None if features is None else tuple(features),
        sharpness=float(entry["sharpness"]),
    )


def changed(name: str, directory: Path) -> DataError:
    """Return the error for a file that is not as the manifest says."""
    return DataError(f"artefact changed: {name}", where=str(directory / name), hint=RETRAIN)


def member_file(position: int) -> str:
    """Return the name of a member's file."""
    return f"members/{position:03d}.bin"
