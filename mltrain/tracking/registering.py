"""Makes the tracker's own model registry say what the workspace's says: versions added once, the champion moved.

What has been told is noted in the tracker's folder, once for its server and once for its archives. So a
registration that failed, or was made offline, is caught up on by the next one or by ``mltrain runs sync``, and
what was told once is never told again.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from mltrain import files, registry
from mltrain.assessment import read_assessment
from mltrain.errors import EnvironmentRefusal, NoRunError, TrackerError
from mltrain.registry import CHAMPION, RegisteredModel, Version
from mltrain.tracking import Tracker
from mltrain.tracking.mirror import is_sent
from mltrain.tracking.records import FILE_NAME
from mltrain.tracking.standings import Trackers
from mltrain.tracking.sync_state import read_state
from mltrain.tracking.training import MANIFEST, MODEL, RUN_ID
from mltrain.tracking.waiting import within
from mltrain.workspace import Workspace

VERSION = "mltrain.registered_version"


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What the tracker's registry has heard of one registered model.

    Attributes
    ----------
    versions : mapping of str to str
        Version here to version there.
    champion : str, optional
        Version here that was champion when the tracker last heard of it.
    """

    versions: Mapping[str, str]
    champion: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Registered:
    """The state of the tracker's registry after it was told.

    Attributes
    ----------
    added : mapping of str to str
        Version here to version there, of those that were added now.
    champion : str, optional
        The champion's version there; None when it is not there.
    """

    added: Mapping[str, str]
    champion: str | None = None
    warnings: tuple[str, ...] = ()


def is_told(workspace: Workspace, tracker_name: str, name: str, *, mode: str) -> bool:
    """Say whether a tracker in this mode has heard of all versions and of the champion."""
    registered = registry.read(workspace.registry, name)
    told = _read(_path(workspace, tracker_name, name, mode=mode))
    return set(told.versions) >= {v.version for v in registered.versions} and told.champion == _champion(registered)


def tell_registry(trackers: Trackers, workspace: Workspace, name: str, *, timeout_s: float | None = None) -> Registered:
    """Add what is missing to the tracker's registry and move its champion; what goes wrong there is a warning.

    Parameters
    ----------
    timeout_s : float, optional
        Seconds for all of it; without, as long as it takes.
    """
    registered = registry.read(workspace.registry, name)
    if not registered.versions:
        return Registered(added={})
    if trackers.remote is None:
        return Registered(added={}, warnings=tuple(f"not registered: {w}" for w in trackers.warnings))
    told = _Telling(trackers.remote, workspace, registered)
    try:
        if timeout_s is None:
            told.tell()
        else:
            within(timeout_s, told.tell)
    except (EnvironmentRefusal, NoRunError) as error:
        missing = "the champion has not moved" if told.has_all_versions else "not registered"
        told.warnings.append(f"{missing} in {trackers.name}: {error.message}; 'mltrain runs sync' does it later")
    there = told.state.versions.get(registered.aliases.get(CHAMPION, ""))
    is_champion = told.state.champion == _champion(registered)
    return Registered(added=told.added, champion=there if is_champion else None, warnings=tuple(told.warnings))


def note_pulled(workspace: Workspace, tracker: Tracker, version: Version, *, there: str) -> None:
    """Note that a version came from the tracker's registry and is champion there: it need not be told of it."""
    path = _path(workspace, tracker.name, version.name, mode=tracker.mode)
    known = _read(path)
    told = Told(versions={**known.versions, version.version: there}, champion=version.version)
    files.write_json(path, asdict(told))


class _Telling:
    """One attempt; what was reached is noted after every step."""

    def __init__(self, tracker: Tracker, workspace: Workspace, registered: RegisteredModel) -> None:
        self._tracker = tracker
        self._workspace = workspace
        self._registered = registered
        self._path = _path(workspace, tracker.name, registered.name, mode=tracker.mode)
        self.state = _read(self._path)
        self.added: dict[str, str] = {}
        self.warnings: list[str] = []

    @property
    def has_all_versions(self) -> bool:
        """Whether no version is missing there."""
        return set(self.state.versions) >= {v.version for v in self._registered.versions}

    def tell(self) -> None:
        """Add the versions that are missing, oldest first, then move the champion."""
        champion = _champion(self._registered)
        for version in self._registered.versions:
            if version.version not in self.state.versions:
                try:
                    self._add(version)
                except NoRunError as error:
                    if version.version == champion:
                        raise
                    self.warnings.append(f"version {version.version} is not in {self._tracker.name}: {error.message}")
        if champion is not None and self.state.champion != champion:
            self._tracker.set_alias(self._registered.name, CHAMPION, self.state.versions[champion])
            self._note(replace(self.state, champion=champion))

    def _add(self, version: Version) -> None:
        """Add one version, unless an attempt that was cut off did."""
        name, run_id = self._registered.name, self._remote_id(version)
        there = [v.version for v in self._tracker.versions(name) if v.run_id == run_id]
        if not there:
            there = [self._tracker.register(run_id, name, tags=self._facts(version)).version]
            self.added[version.version] = there[-1]
        self._note(replace(self.state, versions={**self.state.versions, version.version: there[-1]}))

    def _remote_id(self, version: Version) -> str:
        """Return what the tracker calls the run of a version, or raise that it has not got all of it."""
        directory = self._workspace.run(version.run_id)
        if (directory / FILE_NAME).is_file():
            state = read_state(directory)
            if state is None or not state.remote_id or not is_sent(directory, self._tracker.name, self._tracker.mode):
                raise TrackerError(f"{self._tracker.name} has not got run {version.run_id} yet")
            return state.remote_id
        found = self._tracker.list_runs({RUN_ID: version.run_id}, limit=1)
        if not found:
            raise NoRunError(f"{self._tracker.name} has no run {version.run_id}")
        return found[0].id

    def _facts(self, version: Version) -> dict[str, str]:
        """Return what the tracker's registry says of a version: hashes, and scores on the test rows."""
        facts = {
            VERSION: version.version,
            MANIFEST: version.manifest,
            MODEL: version.model,
            RUN_ID: version.run_id,
        }
        found = read_assessment(registry.directory(self._workspace.registry, version))
        if found is not None:
            facts["mltrain.test_data"] = found.circumstances.test_fingerprint
            scores = {name: interval.value for name, interval in found.metrics.items()}
            facts |= {f"test_{name}": repr(value) for name, value in scores.items() if math.isfinite(value)}
        return facts

    def _note(self, state: Told) -> None:
        self.state = state
        files.write_json(self._path, asdict(state))


def _champion(registered: RegisteredModel) -> str | None:
    return registered.aliases.get(CHAMPION)


def _path(workspace: Workspace, tracker_name: str, name: str, *, mode: str) -> Path:
    """Return where it is noted what a tracker has heard; its server and its archives are two."""
    side = "offline" if mode.startswith("offline") else "online"
    return workspace.tracker(tracker_name) / "registered" / f"{name}.{side}.json"


def _read(path: Path) -> Told:
    """Return what is noted; nothing, where nothing can be read: versions there are found again by their run."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return Told(versions=dict(document["versions"]), champion=document["champion"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return Told(versions={})
