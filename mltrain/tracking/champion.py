"""The champion of the tracker's registry, fetched into this workspace's on a machine that did not train it."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from mltrain import files, registry
from mltrain.errors import NoRunError, TrackerError
from mltrain.registry import CHAMPION, Version
from mltrain.tracking.registering import note_pulled
from mltrain.tracking.standings import FETCH_S, Trackers
from mltrain.tracking.training import MANIFEST, MODEL, RUN_ID
from mltrain.tracking.waiting import TIMEOUT_S, within
from mltrain.workspace import Workspace


@dataclass(frozen=True, kw_only=True, slots=True)
class Pulled:
    """The champion as it stands here now; ``there`` is its version in the tracker's registry."""

    version: Version
    there: str
    is_new: bool


def pull_champion(trackers: Trackers, workspace: Workspace, name: str) -> Pulled:
    """Fetch the tracker's champion, check it against the hash that its run recorded, and make it champion here.

    Raises
    ------
    mltrain.errors.TrackerError
        The tracker cannot be opened or does not answer.
    mltrain.errors.NoRunError
        It has no champion of that name, or the champion's run says nothing of its model.
    mltrain.errors.DataError
        What came is not what the run recorded.
    """
    remote = trackers.remote
    if remote is None:
        raise TrackerError("; ".join(trackers.warnings) or f"{trackers.name} has no registry but this workspace's")
    found = within(TIMEOUT_S, lambda: remote.get_alias(name, CHAMPION))
    if found is None:
        raise NoRunError(f"{trackers.name} has no champion of '{name}'", hint="mltrain register, where it was trained")
    tags = within(TIMEOUT_S, lambda: remote.get_run(found.run_id)).tags
    if not {RUN_ID, MODEL, MANIFEST} <= tags.keys():
        raise NoRunError(f"version {found.version} of '{name}' was not made by mltrain", where=trackers.name)
    registered = registry.read(workspace.registry, name)
    known = registered.of_run(tags[RUN_ID])
    version = known
    if version is None:
        with files.disk_errors(workspace.registry):
            workspace.registry.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=".pull-", dir=workspace.registry) as folder:
                arrived = Path(folder) / "model"
                within(FETCH_S, lambda: remote.fetch_version(name, found.version, arrived))
                version = registry.add_version(
                    workspace.registry,
                    name,
                    run_id=tags[RUN_ID],
                    model=tags[MODEL],
                    artefact=arrived,
                    manifest=tags[MANIFEST],
                    documents=[],
                )
    if registered.champion is None or registered.champion.version != version.version:
        registry.promote(workspace.registry, version, why=f"champion in {trackers.name}, version {found.version}")
    note_pulled(workspace, remote, version, there=found.version)
    return Pulled(version=version, there=found.version, is_new=known is None)
