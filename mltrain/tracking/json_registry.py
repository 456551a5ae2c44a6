"""A model registry in a folder: one JSON file a name, for trackers that have none of their own."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mltrain import files
from mltrain.errors import NoRunError, TrackerError
from mltrain.tracking import ModelVersion


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionSource:
    """Where the files of a version are."""

    run_id: str
    model: str


@dataclass(frozen=True, kw_only=True, slots=True)
class _Version:
    version: str
    run_id: str
    model: str
    tags: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Registered:
    name: str
    versions: tuple[_Version, ...] = ()
    aliases: Mapping[str, str]


class JsonRegistry:
    """Versions "1", "2", … and aliases of any number of registered names.

    Parameters
    ----------
    directory : Path
        A folder of its own; made when the first version is added.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def add(self, name: str, run_id: str, *, model: str, tags: Mapping[str, str]) -> ModelVersion:
        """Add the next version."""
        with self._held(name):
            known = self._read(name)
            added = _Version(version=str(len(known.versions) + 1), run_id=run_id, model=model, tags=dict(tags))
            self._write(replace(known, versions=(*known.versions, added)))
        return ModelVersion(name=name, version=added.version, run_id=run_id, aliases=frozenset())

    def set_alias(self, name: str, alias: str, version: str) -> None:
        """Move an alias.

        Raises
        ------
        mltrain.errors.NoRunError
            There is no such version.
        """
        self.source(name, version)
        with self._held(name):
            known = self._read(name)
            self._write(replace(known, aliases={**known.aliases, alias: version}))

    def get_alias(self, name: str, alias: str) -> ModelVersion | None:
        """Return the holder of an alias."""
        return next((v for v in self.versions(name) if alias in v.aliases), None)

    def versions(self, name: str) -> Sequence[ModelVersion]:
        """Return all versions, oldest first."""
        known = self._read(name)
        return [
            ModelVersion(
                name=name,
                version=v.version,
                run_id=v.run_id,
                aliases=frozenset(a for a, held in known.aliases.items() if held == v.version),
            )
            for v in known.versions
        ]

    def source(self, name: str, version: str) -> VersionSource:
        """Return where the files of a version are.

        Raises
        ------
        mltrain.errors.NoRunError
            There is no such version.
        """
        for known in self._read(name).versions:
            if known.version == version:
                return VersionSource(run_id=known.run_id, model=known.model)
        raise NoRunError(f"'{name}' has no version {version!r}", where=str(self._path(name)))

    def _path(self, name: str) -> Path:
        """Return the file of a name; a hash tells apart names that a path cannot hold."""
        readable = re.sub(r"[^A-Za-z0-9_-]+", "-", name)
        suffix = "" if readable == name else "-" + hashlib.sha256(name.encode()).hexdigest()[:8]
        return self._directory / f"{readable}{suffix}.json"

    @contextmanager
    def _held(self, name: str) -> Iterator[None]:
        with files.lock(self._path(name).with_suffix(".lock"), timeout_s=10):
            yield

    def _read(self, name: str) -> _Registered:
        path = self._path(name)
        if not path.exists():
            return _Registered(name=name, aliases={})
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            versions = tuple(_Version(**v) for v in document["versions"])
            return _Registered(name=name, versions=versions, aliases=document["aliases"])
        except (ValueError, KeyError, TypeError) as error:
            raise TrackerError(f"the registry of '{name}' is unreadable: {error}", where=str(path)) from error

    def _write(self, registered: _Registered) -> None:
        document: dict[str, Any] = {
            "name": registered.name,
            "versions": [
                {"version": v.version, "run_id": v.run_id, "model": v.model, "tags": dict(v.tags)}
                for v in registered.versions
            ],
            "aliases": dict(registered.aliases),
        }
        files.write_json(self._path(registered.name), document)
