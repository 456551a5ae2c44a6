"""Runs side by side: which can be compared, and in what order they stand. Knows no tracker; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from mltrain import plugins
from mltrain.errors import PluginError
from mltrain.metrics import Metric

Origin: TypeAlias = Literal["tracker", "local"]
NearTie: TypeAlias = float | Literal["one_standard_error"]
ENSEMBLE_SIMPLICITY = 1_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """One run of the leaderboard.

    Attributes
    ----------
    tracker_id : str
        What the side that answered calls the run.
    data : str
        Fingerprint of the rows it learnt from and was validated on.
    manifest : str
        Hash of its model's manifest; empty when no model was logged.
    validation : str
        How it was scored: metric, its settings and the kind of validation, as `validation_digest` says.
    latency_ms : float, optional
        Time to score a batch, where it was measured.
    validation_error : float, optional
        Standard error of the validation score, where the run says it.
    source : {"tracker", "local"}
        Who knows the run; ``local`` when the tracker has not got it yet.
    """

    model: str
    run_id: str
    session: str
    metric: str
    validation_score: float | None
    status: str
    started_ms: int
    source: Origin
    tracker_id: str
    data: str
    target: str
    manifest: str
    validation: str = ""
    latency_ms: float | None = None
    validation_error: float | None = None
    url: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What a run must match to be compared: rows, target, metric and validation, and maybe one session.

    Attributes
    ----------
    began_after_ms : int
        Milliseconds since 1970; runs that began before are left out.
    """

    data: str
    target: str
    metric: str
    validation: str
    session: str | None = None
    began_after_ms: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class LeftOut:
    """How many runs were left out of a ranking for one reason."""

    reason: str
    n_runs: int


def standing(
    tags: Mapping[str, str],
    metrics: Mapping[str, float],
    *,
    tracker_id: str,
    status: str,
    started_ms: int,
    source: Origin,
    url: str | None,
) -> Standing:
    """Read a run as a tracker reports it; what it does not say is empty."""
    return Standing(
        model=tags.get("mltrain.model", ""),
        run_id=tags.get("mltrain.run_id", tracker_id),
        session=tags.get("mltrain.session", ""),
        metric=tags.get("mltrain.metric", ""),
        validation_score=metrics.get("validation_score"),
        status="interrupted" if status == "failed" and "mltrain.interrupted" in tags else status,
        started_ms=started_ms,
        source=source,
        tracker_id=tracker_id,
        data=tags.get("mltrain.data", ""),
        target=tags.get("mltrain.target", ""),
        manifest=tags.get("mltrain.manifest", ""),
        validation=tags.get("mltrain.validation", ""),
        latency_ms=metrics.get("latency_ms"),
        validation_error=metrics.get("validation_score_error"),
        url=url,
    )


def comparable(standings: Sequence[Standing], wanted: Wanted) -> tuple[tuple[Standing, ...], tuple[LeftOut, ...]]:
    """Separate the runs that can be compared from those left out, with the reasons counted."""
    reasons = [_objection(standing, wanted) for standing in standings]
    kept = tuple(s for s, reason in zip(standings, reasons, strict=True) if reason is None)
    counted = Counter(reason for reason in reasons if reason is not None)
    return kept, tuple(LeftOut(reason=reason, n_runs=n) for reason, n in counted.most_common())


def rank(
    standings: Sequence[Standing], metric: Metric, *, near_tie: NearTie, simplicity: Callable[[str], int]
) -> tuple[Standing, ...]:
    """Order comparable runs, best first.

    Runs whose validation scores lie within ``near_tie`` of the best one left count as equal; among them the
    simpler model, then the faster, then the better score, then the newer run stands first.

    Parameters
    ----------
    near_tie : float or "one_standard_error"
        In units of the metric; 0 lets simplicity decide between equal scores only. One standard error of the best
        score left is the rule of Breiman, Friedman, Olshen and Stone (1984), *Classification and Regression Trees*.
    simplicity : callable
        ``simplicity(model)`` is lower for simpler models; called only where there is a tie.
    """
    sign = -1.0 if metric.greater_is_better else 1.0
    by_score = sorted(standings, key=lambda s: (sign * _score(s), -s.started_ms, s.run_id))
    ranked: list[Standing] = []
    while by_score:
        best = by_score[0]
        reach = (best.validation_error or 0.0) if near_tie == "one_standard_error" else near_tie
        n_tied = sum(abs(_score(s) - _score(best)) <= reach for s in by_score)
        tied, by_score = by_score[:n_tied], by_score[n_tied:]
        if n_tied > 1:
            tied.sort(key=lambda s: (simplicity(s.model), s.latency_ms or 0.0))
        ranked += tied
    return tuple(ranked)


def simplicity_of(model: str) -> int:
    """Return the rank of a model for near-ties; what is not installed counts like an ensemble."""
    try:
        return int(plugins.load("models", model).simplicity)
    except PluginError:
        return ENSEMBLE_SIMPLICITY


def is_complete(standing: Standing) -> bool:
    """Say whether a run has ended, with a score and a model."""
    return standing.status == "finished" and _has_score_and_model(standing)


def grouped(standings: Sequence[Standing], *, is_greater_better: Callable[[str], bool]) -> tuple[Standing, ...]:
    """Order any runs for display: by what can be compared, newest group first, best score first within each.

    Parameters
    ----------
    is_greater_better : callable
        Says of a metric's name which way it points.
    """
    groups: dict[tuple[str, str, str, str], list[Standing]] = {}
    for one in sorted(standings, key=lambda s: -s.started_ms):
        groups.setdefault((one.data, one.target, one.metric, one.validation), []).append(one)
    for (_, _, metric, _), members in groups.items():
        sign = -1.0 if is_greater_better(metric) else 1.0
        members.sort(key=lambda s: (s.validation_score is None, sign * (s.validation_score or 0.0)))
    return tuple(one for members in groups.values() for one in members)


def _objection(standing: Standing, wanted: Wanted) -> str | None:
    """Say why a run cannot be compared, None when it can."""
    checks = (
        (standing.status == "finished", f"not finished: {standing.status}"),
        (_has_score_and_model(standing), "without a score or a model"),
        (standing.data == wanted.data, "trained on other data"),
        (standing.target == wanted.target, "trained for another target"),
        (standing.metric == wanted.metric, f"compared by another metric ({standing.metric})"),
        (
            standing.validation == wanted.validation,
            f"validated otherwise ({standing.validation or 'not said how'} instead of {wanted.validation})",
        ),
        (standing.started_ms >= wanted.began_after_ms, "too old (evaluate.max_age_days)"),
        (wanted.session in (None, standing.session, standing.run_id), "outside the session asked for"),
    )
    return next((reason for holds, reason in checks if not holds), None)


def _has_score_and_model(standing: Standing) -> bool:
    return standing.validation_score is not None and standing.manifest != ""


def _score(standing: Standing) -> float:
    assert standing.validation_score is not None  # `comparable` keeps no other
    return standing.validation_score
