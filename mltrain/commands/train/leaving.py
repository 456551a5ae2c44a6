"""What a kept candidate leaves behind: model, record, figures, and its run in the tracker."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mltrain import artifact, files
from mltrain.candidate import Candidate
from mltrain.commands.train.session import Session, allowed_s
from mltrain.config.rendering import config_hash, to_values
from mltrain.development import validation_digest
from mltrain.ensemble.voters import Searched
from mltrain.evaluation.bootstrap import standard_error
from mltrain.events import CandidateKept
from mltrain.metrics import Metric
from mltrain.record import RunFacts, write_run
from mltrain.search import Study
from mltrain.tracking import Run
from mltrain.tracking import training as log


@dataclass(frozen=True, kw_only=True, slots=True)
class CandidateLine:
    """One candidate of the session, as the leaderboard shows it."""

    model: str
    run_id: str
    metric: str
    validation_score: float
    n_trials: int
    seconds: float
    final_fit: str
    calibration: str | None
    threshold: float | None
    n_resumed: int = 0
    n_cut: int = 0
    notes: tuple[str, ...] = ()


def start_tags(session: Session, name: str) -> dict[str, str]:
    """Return the tags that a run carries from its start."""
    tags = {
        log.SESSION: session.tracked.id,
        log.KIND: log.TRAINING,
        log.MODEL: name,
        log.METRIC: session.material.recipe.metric.name,
        log.VALIDATION: validation_digest(
            session.material.recipe.metric,
            session.material.config.train,
            n_train=session.split.splits["train"].rows,
            seed=session.material.config.seed,
        ),
        log.DATA: session.split.fingerprint,
        log.TARGET: session.split.schema.target.name,
        log.VERSION: session.provenance.versions["mltrain"],
    }
    return {**session.material.config.train.tags, **tags, **log.git_tags(session.provenance.git)}


def leave(
    session: Session,
    run: Run,
    kept: Candidate,
    *,
    study: Study | None,
    seconds: float,
    searched: Sequence[Searched] = (),
) -> CandidateLine:
    """Save the model, the record and the figures of a candidate, log them, and say so.

    Parameters
    ----------
    searched : sequence of Searched
        The families behind an ensemble.
    """
    model, metric = kept.model, session.material.recipe.metric
    directory = session.workspace.run(run.id)
    facts_of_model = {"run_id": run.id, "metric": metric.name, "notes": list(kept.notes)}
    artifact.save_model(
        model,
        directory / "model",
        record=facts_of_model,
        profile=session.material.profile,
        seen_rows=session.material.seen_rows,
    )
    artifact.save_pickle(model, directory / "model.pkl")
    wants_figures = session.material.config.evaluate.figures and session.budget.has_time_for_figures(time.monotonic())
    if study is not None and wants_figures:
        _draw(directory / "figures", study, kept, metric=metric)
    facts = _facts(session, run, seconds=seconds)
    if session.git_patch is not None:
        files.write_text(directory / log.PATCH_FILE, session.git_patch)
    write_run(directory, facts, candidate=kept, study=study, metric=metric, searched=searched)
    _log(session, run, kept, study=study)
    session.listener(CandidateKept(model=model.name, run_id=run.id, score=kept.validation_score, seconds=seconds))
    return CandidateLine(
        model=model.name,
        run_id=run.id,
        metric=metric.name,
        validation_score=kept.validation_score,
        n_trials=sum(t.state != "cut" for t in study.trials) if study else 0,
        seconds=seconds,
        final_fit=kept.final_fit,
        calibration=model.calibrator.method if model.calibrator else None,
        threshold=model.threshold,
        n_resumed=study.n_resumed if study else 0,
        n_cut=sum(t.state == "cut" for t in study.trials) if study else 0,
        notes=kept.notes,
    )


def _draw(directory: Path, study: Study, kept: Candidate, *, metric: Metric) -> None:
    from mltrain.figures import TrialPoint, draw_learning_curve, draw_search  # noqa: PLC0415  (0.5 s for matplotlib)

    points = [TrialPoint(number=t.number, state=t.state, score=t.score, params=t.params) for t in study.trials]
    draw_search(directory, trials=points, metric=metric.name, greater_is_better=metric.greater_is_better)
    if kept.trial is not None and kept.trial.curve.loss_rounds:
        curve = kept.trial.curve
        draw_learning_curve(
            directory,
            rounds=curve.loss_rounds,
            train_losses=curve.train_losses,
            valid_losses=curve.valid_losses,
        )


def _facts(session: Session, run: Run, *, seconds: float) -> RunFacts:
    return RunFacts(
        run_id=run.id,
        session=session.tracked.id,
        model=run.id.rpartition("-")[0],
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=seconds,
        config=to_values(session.material.config),
        data={
            "fingerprint": session.split.fingerprint,
            "splits": {
                name: {"rows": part.rows, "fingerprint": part.fingerprint}
                for name, part in session.split.splits.items()
            },
        },
        validation={
            "kind": session.material.rows.validation,
            "n_folds": len(session.material.rows.folds) // session.material.rows.n_repeats,
            "n_repeats": session.material.rows.n_repeats,
            "n_rows": sum(len(fold.valid) for fold in session.material.rows.folds) // session.material.rows.n_repeats,
        },
        provenance=session.provenance,
        allowed_s=allowed_s(session.material.config, session.request),
    )


def _latency_ms(session: Session, kept: Candidate) -> float:
    """Return how long the model takes for 1,000 rows (all, where there are fewer), in milliseconds."""
    rows = session.material.rows.table.slice(0, 1000)
    started = time.perf_counter()
    kept.model.raw_proba(rows)
    return 1000 * (time.perf_counter() - started)


def _validation_error(session: Session, kept: Candidate) -> float:
    """Return the standard error of the validation score."""
    recipe, held_out = session.material.recipe, kept.held_out
    return standard_error(
        recipe.metric, held_out.y, proba=held_out.proba, threshold=kept.model.threshold, seed=recipe.seed
    )


def _log(session: Session, run: Run, kept: Candidate, *, study: Study | None) -> None:
    """Hand everything final to the tracker."""
    directory = session.workspace.run(run.id)
    params: dict[str, Any] = {
        "model": kept.model.name,
        "seed": session.material.config.seed,
        "final_fit": kept.final_fit,
    }
    params |= (
        dict(kept.trial.params) if kept.trial else {f"weight {k}": round(v, 6) for k, v in (kept.weights or {}).items()}
    )
    scores = {log.VALIDATION_SCORE: kept.validation_score, log.LATENCY_MS: _latency_ms(session, kept)}
    error = _validation_error(session, kept)
    if math.isfinite(error):
        scores[log.VALIDATION_ERROR] = error
    if kept.model.threshold is not None:
        scores["decision_threshold"] = kept.model.threshold
    if study is not None:
        scores["n_trials"] = float(len(study.trials))
    if kept.trial is not None:
        curve = kept.trial.curve
        log.log_curve(run, rounds=curve.loss_rounds, train_losses=curve.train_losses, valid_losses=curve.valid_losses)
    tags = {
        log.MANIFEST: files.sha256(directory / "model" / "manifest.json"),
        log.CONFIG: config_hash(session.material.config),
    }
    log.log_candidate(run, directory, params=params, metrics=scores, tags=tags)
