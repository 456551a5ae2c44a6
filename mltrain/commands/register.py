"""`mltrain register`: make the evaluated model a registered version and champion, unless a verdict says no."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mltrain import registry
from mltrain.assessment import FILE, Assessment, held_against, read_assessment
from mltrain.comparison import Comparison
from mltrain.config import Config, RegistrySection
from mltrain.errors import NoRunError
from mltrain.events import Listener, Notice, ignore
from mltrain.registry import RegisteredModel, Version
from mltrain.tracking.registering import tell_registry
from mltrain.tracking.session import LOCAL
from mltrain.tracking.standings import open_trackers
from mltrain.tracking.telling import send
from mltrain.tracking.waiting import TIMEOUT_S
from mltrain.verdict import Gate, Promotion, decide_promotion, describe_gate
from mltrain.workspace import Workspace

CARD = "model_card.md"


@dataclass(frozen=True, kw_only=True, slots=True)
class RegisterResult:
    """What was decided and done.

    Attributes
    ----------
    version : str, optional
        The run's version; None when it has none.
    promoted : bool
        The alias ``champion`` moved to this version now.
    refused : bool
        The gate or the comparison said no, and nothing was registered or promoted.
    previous : str, optional
        The version that was champion before.
    tracker_version : str, optional
        Version in the tracker's own registry.
    cautions : tuple of str
        What should be known before the model is used.
    """

    name: str
    version: str | None
    aliases: tuple[str, ...]
    run_id: str
    promoted: bool
    refused: bool
    reason: str
    previous: str | None
    gate: Gate
    comparison: Comparison | None
    tracker_version: str | None = None
    cautions: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """4 when a verdict said no."""
        return 4 if self.refused else 0


@dataclass(frozen=True, kw_only=True, slots=True)
class _Mirrored:
    """What came of telling the tracker's registry."""

    version: str | None = None
    warnings: tuple[str, ...] = ()


def register(
    config: Config, workspace: Workspace, *, run: str | None = None, listener: Listener = ignore
) -> RegisterResult:
    """Register the model of an evaluation, by default the latest one; the test split stays closed.

    The model is refused when it does not meet the deployment threshold, or when it is worse than the reigning
    champion beyond doubt and margin (see `mltrain.verdict.decide_promotion`). A run is registered once: again,
    nothing happens, unless it is named and not champion, which makes its version champion again.

    Parameters
    ----------
    run : str, optional
        A run id or a session id; of a session the latest evaluation counts.

    Raises
    ------
    mltrain.errors.NoRunError
        Nothing was evaluated, or the champion has changed since.
    mltrain.errors.DataError
        The model is changed since it was evaluated.
    """
    assessment = held_against(_latest(workspace, run), config.train)
    run_id = assessment.circumstances.run_id
    registered = registry.read(workspace.registry, registry.registered_name(config.registry, config.train))
    known = registered.of_run(run_id)
    if not assessment.gate.passed:
        reason = describe_gate(assessment.gate)
        return _result(registered, assessment, version=known, reason=reason, refused=True)
    if known is not None and not _is_to_promote(registered, known, is_named=run == run_id):
        return _result(registered, assessment, version=known, reason=_stands(registered, known))
    promotion = _decide(registered, assessment, settings=config.registry)
    if not promotion.allowed:
        return _result(registered, assessment, reason=promotion.reason, refused=True)
    version = known or _add(workspace, registered.name, assessment)
    registry.promote(workspace.registry, version, why=promotion.reason)
    mirrored = _mirror(config, workspace, version, assessment)
    for warning in mirrored.warnings:
        listener(Notice(message=warning))
    return _result(
        registry.read(workspace.registry, registered.name),
        assessment,
        version=version,
        reason=promotion.reason,
        previous=registered.champion,
        mirrored=mirrored,
    )


def _latest(workspace: Workspace, run: str | None) -> Assessment:
    """Return the latest evaluation, of a run or session when one is named."""
    found = [a for a in _assessments(workspace.runs) if run in (None, a.circumstances.run_id, a.session)]
    if not found:
        what = "nothing has been evaluated yet" if run is None else f"run or session {run!r} has not been evaluated"
        hint = "mltrain evaluate" if run is None else f"mltrain evaluate --run {run}"
        raise NoRunError(what, where=str(workspace.runs), hint=hint)
    return max(found, key=lambda assessment: assessment.evaluated_at)


def _assessments(runs: Path) -> Iterator[Assessment]:
    """Read all evaluations of a workspace."""
    for path in sorted(runs.glob(f"*/evaluation/{FILE}")):
        assessment = read_assessment(path.parent)
        if assessment is not None:
            yield assessment


def _is_to_promote(registered: RegisteredModel, known: Version, *, is_named: bool) -> bool:
    """Say whether a version that exists is to become champion.

    It is when a crash came between making it and promoting it, or when its run is named: a rollback is not
    undone by accident.
    """
    if registered.aliases.get(registry.CHAMPION) == known.version:
        return False
    return is_named or not registered.was_promoted(known.version)


def _stands(registered: RegisteredModel, known: Version) -> str:
    """Say that a version exists, and how to bring it back where another one reigns."""
    reason = f"run {known.run_id} is registered already, as version {known.version}"
    champion = registered.champion
    if champion is None or champion.version == known.version:
        return reason
    back = f"`mltrain register --run {known.run_id}` makes it champion again"
    return f"{reason}, and version {champion.version} is champion; {back}"


def _decide(registered: RegisteredModel, assessment: Assessment, *, settings: RegistrySection) -> Promotion:
    """Decide from the comparison that the evaluation made with the reigning champion."""
    champion = registered.champion
    compared = assessment.circumstances.champion_version
    if champion is not None and champion.version != compared:
        raise NoRunError(
            f"the evaluation knows champion version {compared or 'none'}, now version {champion.version} reigns",
            hint=f"mltrain evaluate --run {assessment.circumstances.run_id}",
        )
    reigning = None if champion is None else champion.version
    return decide_promotion(
        assessment.compared_with_champion,
        margin=settings.margin,
        champion=reigning,
        incomparable=assessment.incomparable,
        requires_comparison=settings.require_comparison,
    )


def _add(workspace: Workspace, name: str, assessment: Assessment) -> Version:
    """Make the next version out of the run's model and its evaluation."""
    run_id = assessment.circumstances.run_id
    folder = workspace.evaluation(run_id)
    return registry.add_version(
        workspace.registry,
        name,
        run_id=run_id,
        model=assessment.model,
        artefact=workspace.run(run_id) / "model",
        manifest=assessment.circumstances.manifest,
        documents=[folder / FILE, folder / CARD],
    )


def _mirror(config: Config, workspace: Workspace, version: Version, assessment: Assessment) -> _Mirrored:
    """Tell the tracker's registry; what goes wrong there is a warning."""
    if config.train.experiment_tracker == LOCAL:
        return _Mirrored()
    with open_trackers(config.train, workspace) as trackers:
        warnings = send(trackers, workspace.runs, session=assessment.session)
        told = tell_registry(trackers, workspace, version.name, timeout_s=TIMEOUT_S)
    return _Mirrored(version=told.champion, warnings=(*warnings, *told.warnings))


def _result(
    registered: RegisteredModel,
    assessment: Assessment,
    *,
    reason: str,
    version: Version | None = None,
    previous: Version | None = None,
    refused: bool = False,
    mirrored: _Mirrored | None = None,
) -> RegisterResult:
    """Put the result together; a version that was mirrored, or tried to be, was promoted now."""
    return RegisterResult(
        name=registered.name,
        version=None if version is None else version.version,
        aliases=() if version is None else registered.aliases_of(version.version),
        run_id=assessment.circumstances.run_id,
        promoted=mirrored is not None,
        refused=refused,
        reason=reason,
        previous=None if previous is None else previous.version,
        gate=assessment.gate,
        comparison=assessment.compared_with_champion,
        cautions=assessment.cautions,
        tracker_version=None if mirrored is None else mirrored.version,
        warnings=() if mirrored is None else mirrored.warnings,
    )
