"""Registered models on disk: immutable numbered versions, aliases that move, and who moved them when and why.

``registry/<name>/<version>/`` holds ``model/``, ``evaluation.json``, ``model_card.md`` and ``version.json``;
``registry/<name>/registry.json`` holds aliases and history. Who may become champion is not decided here.
"""

from __future__ import annotations

import getpass
import json
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from mltrain import artifact, files
from mltrain.config import RegistrySection, TrainSection
from mltrain.errors import DataError, NoRunError
from mltrain.workspace import checked_id

FORMAT = 1
CHAMPION = "champion"

_LOCK_S = 30.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Version:
    """One registered version.

    Attributes
    ----------
    manifest : str
        Hash of the model's manifest.
    documents : mapping of str to str
        Name and sha256 of every file beside the model.
    """

    name: str
    version: str
    model: str
    run_id: str
    created: str
    who: str
    manifest: str
    documents: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Move:
    """One move of the champion alias; ``previous`` is the version that held it before."""

    when: str
    who: str
    action: Literal["promote", "rollback"]
    version: str
    previous: str | None
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RegisteredModel:
    """All that is registered under one name; versions and history are oldest first."""

    name: str
    versions: tuple[Version, ...]
    aliases: Mapping[str, str]
    history: tuple[Move, ...]

    @property
    def champion(self) -> Version | None:
        """The version that holds the alias ``champion``."""
        return next((v for v in self.versions if v.version == self.aliases.get(CHAMPION)), None)

    def of_run(self, run_id: str) -> Version | None:
        """Return the version that was made from a run."""
        return next((v for v in self.versions if v.run_id == run_id), None)

    def was_promoted(self, version: str) -> bool:
        """Say whether a version ever was champion; a crash may leave one that never became it."""
        return any(move.version == version for move in self.history)

    def aliases_of(self, version: str) -> tuple[str, ...]:
        """Return the aliases that a version holds."""
        return tuple(sorted(alias for alias, holder in self.aliases.items() if holder == version))


def names(root: Path) -> tuple[str, ...]:
    """Return the names of the registered models, sorted."""
    if not root.is_dir():
        return ()
    return tuple(sorted(p.name for p in root.iterdir() if p.is_dir() and not p.name.startswith(".")))


def registered_name(settings: RegistrySection, train: TrainSection) -> str:
    """Return the name that models are registered under: the one that is set, else the project's as a folder name.

    Examples
    --------
    >>> from mltrain.config import Config
    >>> config = Config.model_validate({"train": {"project_name": "My project: churn"}})
    >>> registered_name(config.registry, config.train)
    'My-project-churn'
    """
    return settings.name or re.sub(r"[^A-Za-z0-9_.-]+", "-", train.project_name).strip("-.") or "model"


def read(root: Path, name: str) -> RegisteredModel:
    """Return what is registered under ``name``; nothing when the name is unknown.

    Raises
    ------
    mltrain.errors.DataError
        A record cannot be read; names the file.
    """
    folder = root / checked_id(name, what="registered model name")
    records = sorted(folder.glob("[0-9]*/version.json"), key=lambda path: int(path.parent.name))
    versions = tuple(_read_version(path) for path in records)
    if not (folder / "registry.json").exists():
        return RegisteredModel(name=name, versions=versions, aliases={}, history=())
    document = _read_json(folder / "registry.json")
    history = tuple(Move(**move) for move in document["history"])
    return RegisteredModel(name=name, versions=versions, aliases=document["aliases"], history=history)


def directory(root: Path, version: Version) -> Path:
    """Return the folder of a version."""
    return root / version.name / version.version


def resolve(root: Path, name: str, word: str) -> Version:
    """Return the version that an alias or a number means.

    Raises
    ------
    mltrain.errors.NoRunError
        There is none; says which versions and aliases there are.
    """
    registered = read(root, name)
    number = registered.aliases.get(word, word)
    for version in registered.versions:
        if version.version == number:
            return version
    known = ", ".join([*sorted(registered.aliases), *(v.version for v in registered.versions)])
    hint = f"registered: {known}" if known else "mltrain register"
    raise NoRunError(f"no version or alias {word!r} of model {name!r}", where=str(root / name), hint=hint)


def add_version(
    root: Path, name: str, *, run_id: str, model: str, artefact: Path, manifest: str, documents: Sequence[Path]
) -> Version:
    """Copy a verified artefact and its documents into the next version; files become read-only.

    Parameters
    ----------
    manifest : str
        What the artefact's manifest must hash to.

    Raises
    ------
    mltrain.errors.DataError
        The artefact is changed; nothing is registered.
    mltrain.errors.EnvironmentRefusal
        The disk refused, or another process holds the registry.
    """
    folder = root / checked_id(name, what="registered model name")
    artifact.verify(artefact, expected_manifest_sha256=manifest)
    with files.lock(folder / ".lock", _LOCK_S):
        taken = [int(v.version) for v in read(root, name).versions]
        version = Version(
            name=name,
            version=str(max(taken, default=0) + 1),
            model=model,
            run_id=run_id,
            created=_now(),
            who=_who(),
            manifest=manifest,
            documents={document.name: files.sha256(document) for document in documents},
        )
        with files.atomic_directory(directory(root, version)) as partial:
            shutil.copytree(artefact, partial / "model")
            for document in documents:
                shutil.copyfile(document, partial / document.name)
            files.write_json(partial / "version.json", asdict(version))
            for path in partial.rglob("*"):
                if path.is_file():
                    path.chmod(0o444)
    return version


def promote(root: Path, version: Version, *, why: str) -> Move:
    """Move the alias ``champion`` to a version and write it into the history."""
    with files.lock(root / version.name / ".lock", _LOCK_S):
        registered = read(root, version.name)
        return _move(root, registered, to=version.version, action="promote", why=why)


def roll_back(root: Path, name: str, *, why: str) -> Move:
    """Move the alias ``champion`` back to the version that held it before; repeated, it goes further back.

    Raises
    ------
    mltrain.errors.NoRunError
        There is no champion, or none before it.
    """
    folder = root / checked_id(name, what="registered model name")
    if not folder.is_dir():
        raise NoRunError(f"nothing is registered as {name!r}", where=str(folder), hint="mltrain register")
    with files.lock(folder / ".lock", _LOCK_S):
        registered = read(root, name)
        reigns = _reigns(registered.history)
        if len(reigns) < 2:
            champion = f"version {reigns[0]}" if reigns else "none"
            raise NoRunError(
                f"no champion to go back to; reigning: {champion}",
                where=str(folder),
                hint="mltrain registry show",
            )
        return _move(root, registered, to=reigns[-2], action="rollback", why=why)


def check_version(root: Path, version: Version) -> str | None:
    """Hash every file of a version; say what is wrong, None when all is as registered."""
    folder = directory(root, version)
    try:
        artifact.verify(folder / "model", expected_manifest_sha256=version.manifest)
    except (DataError, NoRunError) as error:
        return error.message
    for name, sha256 in version.documents.items():
        if not (folder / name).is_file() or files.sha256(folder / name) != sha256:
            return f"document changed: {name}"
    return None


def _move(
    root: Path, registered: RegisteredModel, *, to: str, action: Literal["promote", "rollback"], why: str
) -> Move:
    """Write aliases and history in one file, so that neither is ever without the other."""
    previous = registered.aliases.get(CHAMPION)
    move = Move(when=_now(), who=_who(), action=action, version=to, previous=previous, why=why)
    after = replace(
        registered,
        aliases={**registered.aliases, CHAMPION: to},
        history=(*registered.history, move),
    )
    document = {
        "format": FORMAT,
        "name": after.name,
        "aliases": dict(after.aliases),
        "history": [asdict(entry) for entry in after.history],
    }
    files.write_json(root / registered.name / "registry.json", document)
    return move


def _reigns(history: Sequence[Move]) -> list[str]:
    """Return the champions that a rollback can walk back along, the reigning one last."""
    reigns: list[str] = []
    for move in history:
        if move.action == "promote":
            reigns.append(move.version)
        else:
            reigns.pop()
    return reigns


def _read_version(path: Path) -> Version:
    """Return one version's record."""
    try:
        return Version(**_read_json(path))
    except TypeError as error:
        raise DataError(f"cannot read {path.name}: {error}", where=str(path)) from error


def _read_json(path: Path) -> dict[str, Any]:
    """Return a JSON object."""
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"cannot read {path.name}: {error}", where=str(path)) from error
    return document


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _who() -> str:
    """Return the user's login name; containers may have none."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"
