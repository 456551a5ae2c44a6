"""`mltrain train`: per model tune, fit, calibrate, choose the threshold, log and save; then the voting ensemble."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from mltrain.candidate import Recipe, keep, seconds_after_search
from mltrain.commands.train.leaving import CandidateLine, leave, start_tags
from mltrain.commands.train.session import (
    Session,
    TrainRequest,
    budget_for,
    development_rows,
    metric_for,
    recipe_for,
)
from mltrain.config import Config
from mltrain.data.splits import current_split_record
from mltrain.ensemble import Searched, keep_ensemble
from mltrain.errors import DataError, NoRunError
from mltrain.events import Event, Listener, Notice, StageFinished, StageStarted, ignore
from mltrain.model import available_cores
from mltrain.models import ModelFamily
from mltrain.plan import ENSEMBLE, Plan, make_plan
from mltrain.provenance import provenance
from mltrain.search import SearchJob, Trial, search
from mltrain.search import local as local_executor
from mltrain.tracking import training as log
from mltrain.tracking.session import open_session
from mltrain.workspace import Workspace

__all__ = ["CandidateLine", "TrainRequest", "TrainResult", "train"]

DEFAULTS = TrainRequest()


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainResult:
    """What a training session came to; candidates stand best first.

    Attributes
    ----------
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
    metric = metric_for(config, split)
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
            lines = _train_all(session, plan)
        delivery = tracked.finish()
    positive = rows.schema.target.positive
    return TrainResult(
        session=tracked.id,
        candidates=tuple(sorted(lines, key=lambda c: c.validation_score, reverse=metric.greater_is_better)),
        metric=metric.name,
        positive_class=None if positive is None else str(positive),
        validation=f"{len(rows.folds)}-fold cross-validation" if rows.validation == "kfold" else "holdout",
        n_rows=len(rows.y),
        seconds=time.monotonic() - started_at,
        tracker=delivery.where,
        runs=workspace.runs,
        warnings=delivery.warnings,
    )


def _train_all(session: Session, plan: Plan) -> list[CandidateLine]:
    """Train family after family, then let them vote; a family that fails leaves the others alone."""
    searched: list[Searched] = []
    lines: list[CandidateLine] = []
    names = list(plan.families)
    shares = [1.0 + plan.families[name].simplicity for name in names]
    for position, name in enumerate(names):
        deadline = session.budget.family_deadline(time.monotonic(), shares[position:])
        found = (
            _recall_family(session, name, plan.families[name])
            if plan.ensemble_alone
            else _train_family(session, name, plan.families[name], deadline=deadline)
        )
        searched += [found.searched] if found else []
        lines += [found.line] if found and found.line else []
        session.free_views([plan.families[n] for n in names[position + 1 :]])
    if plan.ensemble_alone and len(searched) < 2:
        raise NoRunError("fewer than two model families have trials to vote with", hint="mltrain train")
    if plan.ensemble and len(searched) >= 2:
        lines.append(_train_ensemble(session, searched))
    if not lines:
        raise DataError("no model could be fitted; the reason of each family stands above", hint="mltrain train -v")
    return lines


@dataclass(frozen=True, kw_only=True, slots=True)
class _Found:
    """A searched family, and its line in the leaderboard when it became a run of this session."""

    searched: Searched
    line: CandidateLine | None = None


def _train_family(session: Session, name: str, family: ModelFamily, *, deadline: float | None) -> _Found | None:
    """Search one family and keep its best trial as a run; None when it has none."""
    started = time.monotonic()
    encoder = session.view(family.view).encoder
    job = session.job(name, family, max_trials=session.request.max_trials or session.config.train.max_search_iters)
    with session.tracked.run(name, start_tags(session, name)) as run:
        study = search(
            job,
            executor=session.executor,
            journal_dir=session.workspace.studies,
            deadline=deadline,
            reserve=None if deadline is None else partial(_reserve, job, session.recipe, deadline - started),
            fresh=session.request.fresh,
            listener=_both(session.listener, log.trial_listener(run, name)),
        )
        kept = keep(study, job, encoder=encoder, recipe=session.recipe, executor=session.executor, deadline=deadline)
        if kept is None:
            reason = next((t.error for t in study.trials if t.error), "no trial ended in time")
            session.listener(Notice(message=f"{name} is left out: {reason}"))
            run.finish("failed")
            return None
        line = leave(session, run, kept, study=study, seconds=time.monotonic() - started)
    return _Found(searched=Searched(job=job, study=study, encoder=encoder, kept=kept), line=line)


def _reserve(job: SearchJob, recipe: Recipe, share_s: float, trial: Trial | None) -> float:
    return seconds_after_search(job, recipe, trial, share_s=share_s)


def _recall_family(session: Session, name: str, family: ModelFamily) -> _Found | None:
    """Take up a family's finished trials from its journal without trying another; None when there are none."""
    encoder = session.view(family.view).encoder
    job = session.job(name, family, max_trials=0)
    study = search(job, executor=session.executor, journal_dir=session.workspace.studies, deadline=None)
    kept = keep(study, job, encoder=encoder, recipe=session.recipe, executor=session.executor, deadline=None)
    return _Found(searched=Searched(job=job, study=study, encoder=encoder, kept=kept)) if kept else None


def _train_ensemble(session: Session, searched: list[Searched]) -> CandidateLine:
    """Build the voting ensemble and keep it as a run."""
    started = time.monotonic()
    session.listener(StageStarted(stage=ENSEMBLE, detail=f"{len(searched)} families vote"))
    with session.tracked.run(ENSEMBLE, start_tags(session, ENSEMBLE)) as run:
        kept = keep_ensemble(
            searched,
            recipe=session.recipe,
            executor=session.executor,
            deadline=session.budget.ensemble_deadline(started),
        )
        line = leave(session, run, kept, study=None, seconds=time.monotonic() - started)
    session.listener(StageFinished(stage=ENSEMBLE, seconds=line.seconds, detail=f"{line.validation_score:.4f}"))
    return line


def _both(one: Listener, other: Listener) -> Listener:
    def listen(event: Event) -> None:
        one(event)
        other(event)

    return listen
