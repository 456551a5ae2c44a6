"""`mltrain registry`: what is registered, who reigned when, back to the previous champion, and are all files intact."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mltrain import artifact, files, registry
from mltrain.config import Config
from mltrain.data.target import label_text
from mltrain.errors import DataError, NoRunError, UsageError
from mltrain.registry import Move, RegisteredModel, Version
from mltrain.tracking.champion import pull_champion
from mltrain.tracking.registering import tell_registry
from mltrain.tracking.session import LOCAL
from mltrain.tracking.standings import open_trackers
from mltrain.tracking.waiting import TIMEOUT_S
from mltrain.workspace import Workspace


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionLine:
    """One registered version as the list shows it."""

    version: str
    aliases: tuple[str, ...]
    model: str
    run_id: str
    created: str
    who: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RegistryListResult:
    """All versions of one name, newest first, and the history of its champions, newest first."""

    name: str
    versions: tuple[VersionLine, ...]
    history: tuple[Move, ...]
    exit_code: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class RegistryShowResult:
    """One version: what it is made of and what was said of it."""

    name: str
    version: str
    aliases: tuple[str, ...]
    model: str
    run_id: str
    created: str
    who: str
    families: tuple[str, ...]
    classes: tuple[str, ...]
    threshold: float | None
    metric: str | None
    manifest: str
    directory: str
    history: tuple[Move, ...]
    exit_code: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class RegistryRollbackResult:
    """The champion after a rollback and the one before it.

    Attributes
    ----------
    undo : str
        The command that makes the version before champion again.
    """

    name: str
    version: str
    previous: str | None
    undo: str
    warnings: tuple[str, ...] = ()
    exit_code: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class RegistryPullResult:
    """The tracker's champion, champion here as well; ``is_new`` says whether it had to be fetched."""

    name: str
    version: str
    run_id: str
    tracker_version: str
    is_new: bool
    exit_code: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionCheck:
    """One version and what is wrong with its files, None when they are as registered; and how to put it right."""

    version: str
    problem: str | None
    advice: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RegistryVerifyResult:
    """Every version of one name, checked."""

    name: str
    checks: tuple[VersionCheck, ...]

    @property
    def exit_code(self) -> int:
        """4 when a file is not as it was registered."""
        return 4 if any(check.problem for check in self.checks) else 0


def ls(config: Config, workspace: Workspace, *, name: str | None = None) -> RegistryListResult:
    """List versions, aliases and history."""
    registered = _read(config, workspace, name)
    lines = [
        VersionLine(
            version=v.version,
            aliases=registered.aliases_of(v.version),
            model=v.model,
            run_id=v.run_id,
            created=v.created,
            who=v.who,
        )
        for v in registered.versions
    ]
    return RegistryListResult(
        name=registered.name, versions=tuple(reversed(lines)), history=tuple(reversed(registered.history))
    )


def show(
    config: Config, workspace: Workspace, *, version: str = registry.CHAMPION, name: str | None = None
) -> RegistryShowResult:
    """Show one version, named by its number or an alias.

    Raises
    ------
    mltrain.errors.NoRunError
        There is none.
    """
    registered = _read(config, workspace, name)
    found = registry.resolve(workspace.registry, registered.name, version)
    directory = registry.directory(workspace.registry, found)
    manifest = artifact.read_manifest(directory / "model", expected_sha256=found.manifest)
    return RegistryShowResult(
        name=found.name,
        version=found.version,
        aliases=registered.aliases_of(found.version),
        model=found.model,
        run_id=found.run_id,
        created=found.created,
        who=found.who,
        families=manifest.families,
        classes=tuple(label_text(label) for label in manifest.classes),
        threshold=manifest.threshold,
        metric=manifest.metric,
        manifest=found.manifest,
        directory=str(directory),
        history=tuple(move for move in registered.history if found.version in (move.version, move.previous)),
    )


def rollback(config: Config, workspace: Workspace, *, name: str | None = None) -> RegistryRollbackResult:
    """Give the alias ``champion`` back to the version that held it before.

    Raises
    ------
    mltrain.errors.NoRunError
        There is no champion, or none before it.
    """
    registered = _read(config, workspace, name)
    move = registry.roll_back(workspace.registry, registered.name, why="mltrain registry rollback")
    warnings = _mirror(config, workspace, registered.name)
    before = next(version for version in registered.versions if version.version == move.previous)
    return RegistryRollbackResult(
        name=registered.name,
        version=move.version,
        previous=move.previous,
        undo=f"mltrain register --run {before.run_id}",
        warnings=warnings,
    )


def pull(config: Config, workspace: Workspace, *, name: str | None = None) -> RegistryPullResult:
    """Fetch the champion of the tracker's registry, verify it and make it champion here.

    Raises
    ------
    mltrain.errors.UsageError
        The tracker is the local record, which has nothing that is not here.
    mltrain.errors.TrackerError
        The tracker cannot be opened or does not answer.
    mltrain.errors.NoRunError
        It has no such champion.
    mltrain.errors.DataError
        What came is not what was registered.
    """
    if config.train.experiment_tracker == LOCAL:
        raise UsageError("the local tracker has no registry elsewhere", hint="set train.experiment_tracker")
    with open_trackers(config.train, workspace) as trackers:
        found = pull_champion(trackers, workspace, _read(config, workspace, name).name)
    version = found.version
    return RegistryPullResult(
        name=version.name,
        version=version.version,
        run_id=version.run_id,
        tracker_version=found.there,
        is_new=found.is_new,
    )


def verify(config: Config, workspace: Workspace, *, name: str | None = None) -> RegistryVerifyResult:
    """Hash every registered file and compare it with what was registered."""
    registered = _read(config, workspace, name)
    return RegistryVerifyResult(name=registered.name, checks=tuple(_check(workspace, v) for v in registered.versions))


def _check(workspace: Workspace, version: Version) -> VersionCheck:
    """Check one version."""
    problem = registry.check_version(workspace.registry, version)
    advice = None if problem is None else _restoring(workspace, version)
    return VersionCheck(version=version.version, problem=problem, advice=advice)


def _restoring(workspace: Workspace, version: Version) -> str:
    """Say how to restore a version from its run, when the run still holds what was registered."""
    kept = registry.directory(Path(workspace.registry.name), version)
    run = Path(workspace.runs.name) / version.run_id
    sources = {name: workspace.evaluation(version.run_id) / name for name in version.documents}
    try:
        artifact.verify(workspace.run(version.run_id) / "model", expected_manifest_sha256=version.manifest)
    except (DataError, NoRunError):
        return "its run does not hold the model either: mltrain registry rollback, or mltrain run --fresh"
    command = f"rm -rf {kept / 'model'} && cp -r {run / 'model'} {kept / 'model'}"
    for name, path in sources.items():
        if path.is_file() and files.sha256(path) == version.documents[name]:
            command += f" && cp -f {run / 'evaluation' / name} {kept / name}"
    return f"its run holds what was registered; put it back with: {command}"


def _read(config: Config, workspace: Workspace, name: str | None) -> RegisteredModel:
    """Return what is registered under a name, by default the config's."""
    return registry.read(workspace.registry, name or registry.registered_name(config.registry, config.train))


def _mirror(config: Config, workspace: Workspace, name: str) -> tuple[str, ...]:
    """Move the alias in the tracker's registry too; what goes wrong there is a warning."""
    if config.train.experiment_tracker == LOCAL:
        return ()
    with open_trackers(config.train, workspace) as trackers:
        return tell_registry(trackers, workspace, name, timeout_s=TIMEOUT_S).warnings
