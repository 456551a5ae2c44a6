"""Which trials of a family may vote: the search keeps their models and bids for their places."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mltrain.metrics import Metric
from mltrain.models.traits import traits_of
from mltrain.search.job import SearchJob
from mltrain.search.trial import Trial, rank_trials
from mltrain.space import Params


def variant_of(job: SearchJob, params: Params) -> str:
    """Return the name of what sort of model these parameters make, for families that make several."""
    return traits_of(job.family).variant(params)


def with_predictions(trials: Iterable[Trial], metric: Metric) -> tuple[Trial, ...]:
    """Return the trials that have a score and predictions, best first."""
    return tuple(t for t in rank_trials(trials, metric) if t.proba is not None and t.state != "pruned")


def contenders(trials: Iterable[Trial], job: SearchJob) -> tuple[Trial, ...]:
    """Return the trials that may vote: the best ones, and the best of each further variant; best first."""
    return best_of_all_sorts(with_predictions(trials, job.metric), job, n=job.n_voters)


def best_of_all_sorts(ranked: Sequence[Trial], job: SearchJob, *, n: int) -> tuple[Trial, ...]:
    """Return the first ``n`` of ranked trials, and after them the first of each variant that is not among these."""
    variant_of_params = traits_of(job.family).variant
    chosen = list(ranked[:n])
    variants = {variant_of_params(trial.params) for trial in chosen}
    for trial in ranked[n:]:
        variant = variant_of_params(trial.params)
        if variant not in variants:
            variants.add(variant)
            chosen.append(trial)
    return tuple(chosen)
