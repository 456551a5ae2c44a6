"""`mltrain train`: per model tune, fit, calibrate, choose the threshold, log and save; then the voting ensemble."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from mltrain.commands.train.families import LeftOut, recall_family, train_ensemble, train_family
from mltrain.commands.train.leaving import CandidateLine
from mltrain.commands.train.session import Session, TrainRequest, budget_for, development_rows, recipe_for
from mltrain.config import Config
from mltrain.data.splits import current_split_record
from mltrain.data.target import label_text
from mltrain.ensemble import Searched
from mltrain.errors import DataError, NoRunError
from mltrain.events import Listener, Notice, StageStarted, ignore
from mltrain.model import available_cores
from mltrain.plan import Plan, comparison_metric, make_plan
from mltrain.provenance import provenance
from mltrain.search import local as local_executor
from mltrain.tracking.session import open_session
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
    mltrain.errors.Interrupted
        The user asked to stop; finished trials and saved models are kept.
    """
    started_at = time.monotonic() if request.started_at is None else request.started_at
    plan = make_plan(config, request.models)
    split = current_split_record(workspace.split_record, config)
    metric = comparison_metric(config.train, split.schema.target.n_classes)
    with open_session(config.train, workspace) as tracked:
        rows = development_rows(config, workspace, split, listener=listener)
        cores = config.train.n_jobs or available_cores()
        with closing(local_executor(cores, n_samples=len(rows.y), n_features=len(rows.schema.features))) as executor:
            session = Session(
                config=config,
                workspace=workspace,
                request=request,
                budget=budget_for(config, request, started_at),
                split=split,
                rows=rows,
                recipe=recipe_for(config, workspace, split, rows=rows),
                executor=executor,
                tracked=tracked,
                provenance=provenance(workspace.root),
                listener=listener,
            )
            trained = _train_all(session, plan)
        delivery = tracked.finish()
    positive = rows.schema.target.positive
    return TrainResult(
        session=tracked.id,
        candidates=tuple(sorted(trained.lines, key=lambda c: c.validation_score, reverse=metric.greater_is_better)),
        metric=metric.name,
        positive_class=None if positive is None else label_text(positive),
        validation=f"{len(rows.folds)}-fold cross-validation" if rows.validation == "kfold" else "holdout",
        n_rows=len(rows.y),
        seconds=time.monotonic() - started_at,
        tracker=delivery.where,
        runs=workspace.runs,
        left_out=trained.left_out,
        warnings=delivery.warnings + tuple(f"{line.model}: {note}" for line in trained.lines for note in line.notes),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Trained:
    lines: tuple[CandidateLine, ...]
    left_out: tuple[LeftOut, ...]


def _train_all(session: Session, plan: Plan) -> _Trained:
    """Train family after family, then let them vote; a family that fails leaves the others alone."""
    searched: list[Searched] = []
    lines: list[CandidateLine] = []
    left_out: list[LeftOut] = []
    names = list(plan.families)
    shares = [1.0 + plan.families[name].simplicity for name in names]
    session.listener(StageStarted(stage="train", detail=_outlook(session, len(names))))
    treat = recall_family if plan.ensemble_alone else train_family
    for position, name in enumerate(names):
        deadline = session.budget.family_deadline(time.monotonic(), shares[position:])
        found = treat(session, name, plan.families[name], deadline=deadline)
        if isinstance(found, LeftOut):
            session.listener(Notice(message=f"{name} is left out: {found.reason}"))
            left_out.append(found)
        else:
            searched.append(found.searched)
            lines += [found.line] if found.line else []
        session.free_views([plan.families[n] for n in names[position + 1 :]])
    if plan.ensemble_alone and len(searched) < 2:
        raise NoRunError("fewer than two model families have trials to vote with", hint="mltrain train")
    if plan.ensemble and len(searched) >= 2:
        lines.append(train_ensemble(session, searched))
    if not lines:
        reasons = "; ".join(f"{family.model}: {family.reason}" for family in left_out)
        raise DataError(f"no model could be fitted ({reasons})", hint="`mltrain train -v` says more")
    return _Trained(lines=tuple(lines), left_out=tuple(left_out))


def _outlook(session: Session, n_families: int) -> str:
    """Say how long it may take, and what shortens it."""
    n_trials = session.request.max_trials or session.config.train.max_search_iters
    models = f"{n_families} model{'s' if n_families > 1 else ''}, up to {n_trials} trials each"
    total_s, family_s = session.budget.total_s, session.budget.family_s
    if total_s is not None:
        return f"{models}, {total_s:g} s in all"
    if family_s is None:
        return f"{models}, no clock; --budget 5m would bound it"
    minutes = n_families * family_s / 60
    return f"{models} or {family_s:g} s, at most {minutes:.0f} min in all; --budget 5m would bound it"
