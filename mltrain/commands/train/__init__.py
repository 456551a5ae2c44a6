"""`mltrain train`: per model tune, fit, calibrate, choose the threshold, log and save; then the voting ensemble."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mltrain.budget import REFITS, REFITS_OF_FOLD_MODELS
from mltrain.commands.train.ballot import Ballot
from mltrain.commands.train.families import Found, LeftOut, recall_family, train_families
from mltrain.commands.train.leaving import CandidateLine
from mltrain.commands.train.session import Session, TrainRequest, budget_for
from mltrain.config import Config
from mltrain.data.splits import SplitRecord, current_split_record
from mltrain.data.target import label_text
from mltrain.development import validation_text
from mltrain.errors import DataError, NoRunError
from mltrain.events import FamilyLeftOut, Listener, Notice, StageStarted, ignore
from mltrain.jobs import read_material
from mltrain.memory import give_back
from mltrain.model import available_cores
from mltrain.outlook import fit_into_memory
from mltrain.plan import Plan, make_plan
from mltrain.provenance import provenance
from mltrain.repository import git_patch
from mltrain.search import LocalExecutor
from mltrain.tracking.session import Delivery, open_session
from mltrain.tracking.utilisation import watched
from mltrain.workspace import Workspace

__all__ = ["CandidateLine", "LeftOut", "TrainRequest", "TrainResult", "train"]

DEFAULTS = TrainRequest()


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainResult:
    """What a training session came to; candidates stand best first.

    Attributes
    ----------
    left_out : tuple of LeftOut
        Families that gave no candidate, and why.
    seconds : float
        Until the last model was saved.
    tracker_s : float
        What the tracker was waited for afterwards.
    tracker : str
        Where the runs went, with its mode: ``comet_ml (offline: no key)``.
    """

    session: str
    candidates: tuple[CandidateLine, ...]
    metric: str
    positive_class: str | None
    validation: str
    n_rows: int
    seconds: float
    tracker: str
    runs: Path
    tracker_s: float = 0.0
    left_out: tuple[LeftOut, ...] = ()
    warnings: tuple[str, ...] = ()
    exit_code: int = 0


def train(
    config: Config,
    workspace: Workspace,
    *,
    request: TrainRequest = DEFAULTS,
    listener: Listener = ignore,
) -> TrainResult:
    """Train the families asked for and the voting ensemble.

    Raises
    ------
    mltrain.errors.UsageError
        A name is unknown, or an option does not fit the data.
    mltrain.errors.DataError
        There is no split, it is stale or was changed, or no model could be fitted.
    mltrain.errors.NoRunError
        The ensemble alone was asked for, and earlier sessions left too few families to vote.
    mltrain.errors.EnvironmentRefusal
        There is too little memory for a final fit on all rows.
    mltrain.errors.Interrupted
        The user asked to stop; finished trials and saved models are kept.
    """
    started_at = time.monotonic() if request.started_at is None else request.started_at
    plan, split = make_plan(config, request.models), current_split_record(workspace.split_record, config)
    config = _fit_into_memory(config, split, plan, listener=listener)
    with open_session(config.train, workspace) as tracked, watched(tracked):
        material = read_material(config, workspace, split, listener=listener, is_lean=True)
        with LocalExecutor(config.train.n_jobs or available_cores()) as executor:
            session = Session(
                material=material,
                split=split,
                workspace=workspace,
                request=request,
                budget=budget_for(config, request, started_at),
                executor=executor,
                tracked=tracked,
                provenance=provenance(workspace.root),
                git_patch=git_patch(workspace.root) if config.train.git_patch else None,
                listener=listener,
            )
            trained = _train_all(session, plan)
        trained_at = time.monotonic()
        delivery = tracked.finish()
    _tell_where(delivery, listener)
    rows, metric = material.rows, material.recipe.metric
    positive = rows.schema.target.positive
    return TrainResult(
        session=tracked.id,
        candidates=tuple(sorted(trained.lines, key=lambda c: c.validation_score, reverse=metric.greater_is_better)),
        metric=metric.name,
        positive_class=None if positive is None else label_text(positive),
        validation=validation_text(rows),
        n_rows=len(rows.y),
        seconds=trained_at - started_at,
        tracker_s=time.monotonic() - trained_at,
        tracker=delivery.where,
        runs=workspace.runs,
        left_out=trained.left_out,
        warnings=delivery.warnings + tuple(f"{line.model}: {note}" for line in trained.lines for note in line.notes),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Trained:
    lines: tuple[CandidateLine, ...]
    left_out: tuple[LeftOut, ...]


def _fit_into_memory(config: Config, split: SplitRecord, plan: Plan, *, listener: Listener) -> Config:
    n_train, n_validation = (split.splits[name].rows for name in ("train", "validation"))
    return fit_into_memory(
        config, split.schema, plan.families, n_train=n_train, n_validation=n_validation, listener=listener
    )


def _tell_where(delivery: Delivery, listener: Listener) -> None:
    """Say where runs are that did not reach the tracker's server."""
    if delivery.archive is not None:
        kept = f"{delivery.where}: runs are archived in {delivery.archive}; 'mltrain runs sync' sends them"
        listener(Notice(message=kept, level="info"))


def _train_all(session: Session, plan: Plan) -> _Trained:
    """Train all families, then let them vote; a family that fails leaves the others alone."""
    session.listener(StageStarted(stage="train", detail=_outlook(session, plan)))
    ballot = Ballot(session)
    found = _recall_families(session, plan) if plan.ensemble_alone else _train_groups(session, plan, ballot)
    searched = [family.searched for family in found if isinstance(family, Found)]
    lines = [family.line for family in found if isinstance(family, Found) and family.line]
    left_out = tuple(family for family in found if isinstance(family, LeftOut))
    reasons = "; ".join(f"{family.model}: {family.reason}" for family in left_out)
    if plan.ensemble_alone and len(searched) < 2:
        raise NoRunError(f"fewer than two model families have trials to vote with ({reasons})", hint="mltrain train")
    if plan.ensemble and len(searched) >= 2:
        lines.append(ballot.train(searched))
    if not lines:
        raise DataError(f"no model could be fitted ({reasons})", hint="`mltrain train -v` says more")
    return _Trained(lines=tuple(lines), left_out=left_out)


def _recall_families(session: Session, plan: Plan) -> list[Found | LeftOut]:
    """Take up what earlier sessions tried, one family after the other."""
    found: list[Found | LeftOut] = []
    families = list(plan.families.items())
    ensemble_s = session.budget.ensemble_s(refits=_refits_share(session))
    for position, (name, family) in enumerate(families):
        to_come = [[1.0] for _ in families[position:]]
        deadline = session.budget.families_deadline(time.monotonic(), to_come, ensemble_s=ensemble_s)
        found.append(recall_family(session, name, family, deadline=deadline))
        _tell_left_out(session, found[-1:])
        session.material.free_views([later for _, later in families[position + 1 :]])
    return found


def _train_groups(session: Session, plan: Plan, ballot: Ballot) -> list[Found | LeftOut]:
    """Search all families together; on large data one after the other, so that one is in memory."""
    found: list[Found | LeftOut] = []
    groups = session.material.groups(plan.families)
    ensemble_s = session.budget.ensemble_s(refits=_refits_share(session)) if plan.ensemble else 0.0
    # One search over all families forecasts the refits of the ensemble's voters itself.
    voters_s = ensemble_s - session.budget.ensemble_s(refits=0.0) if plan.ensemble and len(groups) == 1 else 0.0
    weights = [[1.0 + family.simplicity for family in group.values()] for group in groups]
    for position, group in enumerate(groups):
        now = time.monotonic()
        deadline = session.budget.families_deadline(now, weights[position:], ensemble_s=ensemble_s - voters_s)
        if deadline is not None and deadline <= now and any(isinstance(family, Found) for family in found):
            late = [LeftOut(model=name, reason="no time was left for it") for name in group]
            _tell_left_out(session, late)
            found += late
            continue
        early = ballot if plan.ensemble and len(groups) == 1 else None
        trained = train_families(session, group, deadline=deadline, voters_s=voters_s, ballot=early)
        _tell_left_out(session, trained)
        found += trained
        session.material.free_views([family for later in groups[position + 1 :] for family in later.values()])
        give_back()
    return found


def _tell_left_out(session: Session, found: Sequence[Found | LeftOut]) -> None:
    """Say which families gave no model, as soon as it is known."""
    for family in found:
        if isinstance(family, LeftOut):
            session.listener(FamilyLeftOut(model=family.model, reason=family.reason))


def _refits_share(session: Session) -> float:
    """Return the share of the budget that refits of voters may take."""
    recipe = session.material.recipe
    if recipe.refits_voters:
        return REFITS_OF_FOLD_MODELS
    # Of large data a voter is left without the rows that it could be fitted to anew.
    return REFITS if recipe.final_fit == "refit" and not session.material.is_large else 0.0


def _outlook(session: Session, plan: Plan) -> str:
    """Say how long it may take, and what shortens it."""
    n_families = len(plan.families)
    n_trials = session.request.max_trials or session.material.config.train.max_search_iters
    models = (
        f"{n_families} model{'s' if n_families > 1 else ''}, up to {n_trials} trial{'s' if n_trials > 1 else ''} each"
    )
    total_s, family_s = session.budget.total_s, session.budget.family_s
    if total_s is not None:
        return f"{models}, {total_s:g} s in all"
    if family_s is None:
        return f"{models}, no clock; --budget 5m would bound it"
    minutes = (n_families + plan.ensemble) * family_s / 60
    return f"{models} or {family_s:g} s, at most {minutes:.0f} min in all; --budget 5m would bound it"
